/* The leaderboard: rows glide to their new rank, changed numbers are marked, the connection is named in words. */
(() => {
  "use strict";
  const still = window.matchMedia("(prefers-reduced-motion: reduce)");
  const rows = () => [...document.querySelectorAll("#standings [data-key]")];
  const say = (text) => document.dispatchEvent(new CustomEvent("podium:say", { detail: text }));
  let before = null;

  document.addEventListener("htmx:beforeSwap", (event) => {
    const { target, xhr } = event.detail;
    if (target.id !== "standings" || xhr.status >= 400) return;
    const shown = target.dataset.snapshot;
    if (shown && xhr.responseText.includes(`data-snapshot="${shown}"`)) {
      event.detail.shouldSwap = false; // what is on the page already; a swap would only take the focus away
      return;
    }
    before = new Map(rows().map((row) => [row.dataset.key, {
      top: row.getBoundingClientRect().top + window.scrollY,
      rating: row.querySelector("[data-rating]").textContent,
      order: row.sectionRowIndex,
    }]));
  });

  document.addEventListener("htmx:afterSwap", () => {
    if (!before) return;
    const moved = [];
    for (const row of rows()) {
      const old = before.get(row.dataset.key);
      if (!old) continue;
      const cell = row.querySelector("[data-rating]");
      if (old.rating !== cell.textContent) {
        cell.classList.add("changed");
        setTimeout(() => cell.classList.remove("changed"), 1600);
      }
      if (row.sectionRowIndex < old.order) moved.push(row);
      const shift = old.top - row.getBoundingClientRect().top - window.scrollY;
      if (row.sectionRowIndex === old.order || still.matches) continue;
      row.animate([{ transform: `translateY(${shift}px)` }, { transform: "none" }],
        { duration: 520, easing: "cubic-bezier(0.2, 0.7, 0.2, 1)" });
    }
    before = null;
    // The order is news; a number that moved a little is not worth interrupting anybody for.
    if (moved.length) say(moved.slice(0, 3).map((row) => `${row.dataset.key} rose to rank ${row.sectionRowIndex + 1}.`).join(" "));
  });

  const words = { connecting: "Connecting for live updates", live: "Live: updates by itself", reconnecting: "Connection lost. Reconnecting" };
  const show = (state) => {
    const live = document.getElementById("live");
    if (live.dataset.state === state) return;
    live.dataset.state = state;
    document.getElementById("live-words").textContent = words[state];
  };
  const refetch = () => {
    const url = document.getElementById("board").dataset.standingsUrl;
    window.htmx.ajax("GET", url, { target: "#standings", swap: "outerHTML" });
  };
  // Codes after which the ws extension comes back by itself; after any other it would stay silent for ever.
  const retried = [1006, 1011, 1012, 1013];
  let dropped = false;
  document.addEventListener("htmx:wsConnecting", () => show(dropped ? "reconnecting" : "connecting"));
  document.addEventListener("htmx:wsOpen", () => {
    show("live");
    dropped = false;
    refetch(); // what was pushed before the socket stood, or while it was down, was missed
  });
  document.addEventListener("htmx:wsClose", (event) => {
    dropped = true;
    show("reconnecting");
    const { event: close, socketWrapper } = event.detail;
    if (!retried.includes(close.code)) setTimeout(() => socketWrapper.reconnect(), 2000 + 2000 * Math.random());
  });
})();
