/* Every page: what is said to screen readers, what is said when the connection is gone, where focus goes after a swap. */
(() => {
  "use strict";
  const say = (text) => {
    const region = document.getElementById("announcer");
    if (!region) return;
    // The same words twice are a change only if the region was empty in between.
    region.textContent = "";
    setTimeout(() => { region.textContent = text; }, 50);
  };
  document.addEventListener("podium:say", (event) => say(event.detail));

  const offline = (lost) => {
    const banner = document.getElementById("offline");
    if (banner.hidden !== lost) return;
    banner.hidden = !lost;
    banner.textContent = !lost ? "" : document.querySelector("[data-ballot]")
      ? "No connection. Your order stays on this page. A ballot you submit is sent when the connection is back, and counted once."
      : "No connection. What you see may be out of date. This page goes on by itself when the connection is back.";
    if (!lost) say("The connection is back.");
  };
  window.addEventListener("offline", () => offline(true));
  window.addEventListener("online", () => offline(false));
  document.addEventListener("htmx:sendError", () => offline(true));
  document.addEventListener("htmx:timeout", () => offline(true));
  document.addEventListener("htmx:beforeOnLoad", () => offline(false));
  if (navigator.onLine === false) offline(true);

  // A refusal is shown in place of the battle. Elsewhere (a progress line, the standings) what is there stays.
  document.addEventListener("htmx:beforeSwap", (event) => {
    const { xhr, target } = event.detail;
    if (xhr.status >= 400 && ((target.id !== "battle" && !target.closest(".popover")) || xhr.status >= 502)) event.detail.shouldSwap = false;
  });

  let wasWaiting = false;
  document.addEventListener("htmx:beforeSwap", (event) => {
    wasWaiting = event.detail.target.hasAttribute("data-waiting");
  });
  document.addEventListener("htmx:afterSwap", () => {
    const battle = document.getElementById("battle");
    if (!battle || (wasWaiting && battle.hasAttribute("data-waiting"))) return;
    // Keep the focus of somebody who is elsewhere, for example in the navigation.
    const active = document.activeElement;
    if (active && active !== document.body && active.isConnected && !battle.contains(active)) return;
    battle.querySelector("[data-focus]")?.focus({ preventScroll: true });
  });
})();
