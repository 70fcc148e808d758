/* All in order (k-rank): clicks, keys and dragging.

   An order is an array of places, best first; a place is an array of letters; two letters in one place are a tie.
   Letters in no place have no observed order, and stay without one. */
(() => {
  "use strict";
  const { ways, state, become, query, all } = Podium;

  const without = (order, letter) => order.map((place) => place.filter((other) => other !== letter));
  const filled = (order) => order.filter((place) => place.length);
  const placeOf = (order, letter) => order.findIndex((place) => place.includes(letter));
  const toggled = (order, letter) =>
    placeOf(order, letter) < 0 ? [...order, [letter]] : filled(without(order, letter));
  const tiedLast = (order) =>
    order.length < 2 ? order : [...order.slice(0, -2), [...order.at(-2), ...order.at(-1)]];
  /** `at` names a place of the order as it is now: to tie with it (`tie`), or to stand just before it. */
  const moved = (order, letter, { at, tie }) => {
    const next = without(order, letter);
    if (tie) next[at] = [...next[at], letter];
    else next.splice(at, 0, [letter]);
    return filled(next);
  };
  const stepped = (order, letter, by) => {
    const at = placeOf(order, letter);
    if (at < 0) return by < 0 ? [...order, [letter]] : order;
    if (order[at].length > 1) return moved(order, letter, { at: by < 0 ? at : at + 1 });
    const to = at + by;
    return to < 0 || to >= order.length ? order : moved(order, letter, { at: by < 0 ? to : to + 1 });
  };
  const ordinal = (n) => {
    const tail = n % 100 > 10 && n % 100 < 14 ? 0 : n % 10;
    return n + (["th", "st", "nd", "rd"][tail] ?? "th");
  };
  /** The rank of a place as people are told it and as it is sent: after two that tie for the first comes the third. */
  const rankAt = (order, at) => 1 + order.slice(0, at).flat().length;
  const words = (order, letter) => {
    const at = placeOf(order, letter);
    return at < 0 ? "" : (order[at].length > 1 ? "tied " : "") + ordinal(rankAt(order, at));
  };

  const UNSAID = "not placed";

  function read(ballot) {
    const order = [];
    for (const slot of all("[data-slot]", ballot)) {
      const rank = Number(query("select", slot).value);
      if (rank) (order[rank] ??= []).push(slot.dataset.slot);
    }
    return order.filter(Boolean);
  }

  function write(ballot, order) {
    for (const slot of all("[data-slot]", ballot)) {
      const at = placeOf(order, slot.dataset.slot);
      query("select", slot).value = at < 0 ? "" : String(rankAt(order, at));
    }
  }

  function spoken(order, letters) {
    const rest = letters.filter((letter) => placeOf(order, letter) < 0);
    const placed = order.map((place, at) => `${ordinal(rankAt(order, at))} ${place.join(" and ")}${place.length > 1 ? " tied" : ""}`);
    return `${placed.join(", ") || "Nothing placed"}. ${rest.length && placed.length ? `Not placed: ${rest.join(", ")}.` : ""}`;
  }

  // --- The strip of places ---
  function draw({ ballot, letters, value: order }) {
    const focused = document.activeElement?.closest?.("[data-chip]")?.dataset.chip;
    const chip = (letter) => {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "chip";
      button.dataset.chip = letter;
      button.setAttribute("aria-label", `${letter}, ${words(order, letter) || UNSAID}`);
      button.append(letter);
      const at = placeOf(order, letter);
      if (at >= 0) {
        const small = document.createElement("small");
        small.textContent = ordinal(rankAt(order, at));
        button.append(small);
      }
      return button;
    };
    query("[data-places]", ballot).replaceChildren(...order.map((place) => {
      const item = document.createElement("li");
      item.className = "place";
      item.append(...place.map(chip));
      return item;
    }));
    const tray = query("[data-tray]", ballot);
    all("[data-chip]", tray).forEach((old) => old.remove());
    tray.append(...letters.filter((letter) => placeOf(order, letter) < 0).map(chip));
    query("[data-act=tie]", ballot).disabled = order.length < 2;
    if (focused) query(`[data-chip="${focused}"]`, ballot)?.focus({ preventScroll: true });
  }

  /** Keys on a letter of the strip move it. */
  function onKey(event, battle) {
    const letter = event.target.closest?.("[data-chip]")?.dataset.chip;
    if (!letter) return false;
    const by = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 }[event.key];
    if (by) become(battle, stepped(battle.value, letter, by));
    else if (event.key === "Delete" || event.key === "Backspace") become(battle, filled(without(battle.value, letter)));
    else return false;
    return true;
  }

  ways["k-rank"] = {
    nothing: [], unsaid: UNSAID, read, write, spoken, draw, onKey,
    says: words, picked: toggled, complete: (order) => order.length > 0, acts: { tie: tiedLast },
  };

  // --- Dragging ---
  let drag = null;
  let swallowClick = false;
  const ranking = () => { const battle = state(); return battle?.way === ways["k-rank"] ? battle : null; };

  // On the window, so that it comes before the click is taken for a pick.
  window.addEventListener("click", (event) => {
    if (!swallowClick) return;
    swallowClick = false;
    if (event.target.closest("[data-pick], [data-chip]")) {
      event.preventDefault();
      event.stopImmediatePropagation();
    }
  }, true);

  document.addEventListener("pointerdown", (event) => {
    swallowClick = false;
    const chip = event.target.closest("[data-chip]");
    // A finger on a picture scrolls the page; a mouse may drag it to the order.
    const handle = chip ?? (event.pointerType === "mouse" ? event.target.closest("[data-pick]") : null);
    if (!handle || event.button !== 0 || !ranking()) return;
    const letter = chip?.dataset.chip ?? handle.closest("[data-slot]").dataset.slot;
    drag = { id: event.pointerId, letter, handle, x: event.clientX, y: event.clientY, ghost: null, target: null };
  });

  document.addEventListener("pointermove", (event) => {
    if (!drag || event.pointerId !== drag.id) return;
    if (!drag.ghost && Math.hypot(event.clientX - drag.x, event.clientY - drag.y) < 7) return;
    if (!drag.ghost) lift();
    drag.ghost.style.transform = `translate(${event.clientX - 24}px, ${event.clientY - 68}px)`;
    aim(dropAt(event.clientX, event.clientY));
  });

  function lift() {
    drag.ghost = document.createElement("div");
    drag.ghost.className = "ghost";
    drag.ghost.textContent = drag.letter;
    drag.ghost.setAttribute("aria-hidden", "true");
    document.body.append(drag.ghost);
    document.documentElement.classList.add("dragging");
    query(`[data-chip="${drag.letter}"]`)?.classList.add("lifted");
  }

  /** Where a drop here would go: a place to tie with, a gap between places, the tray, or nowhere. */
  function dropAt(x, y) {
    const strip = query("[data-strip]").getBoundingClientRect();
    if (y < strip.top - 24 || y > strip.bottom + 24 || x < strip.left - 24 || x > strip.right + 24) return null;
    const tray = query("[data-tray]").getBoundingClientRect();
    const overTray = x >= tray.left && x <= tray.right && y >= tray.top && y <= tray.bottom;
    if (overTray && placeOf(state().value, drag.letter) >= 0) return { tray: true };
    const places = all(".place").map((element, at) => ({ element, at, box: element.getBoundingClientRect() }));
    if (!places.length) return { at: 0, mark: [query("[data-places]"), "first"] };
    const height = (place) => Math.max(place.box.top - y, y - place.box.bottom, 0);
    const nearest = Math.min(...places.map(height));
    const row = places.filter((place) => height(place) === nearest);
    for (const { element, at, box } of row) {
      if (x < box.left + box.width * 0.25) return { at, mark: [element, "before"] };
      if (x <= box.right - box.width * 0.25) return { at, tie: true, mark: [element, "on"] };
    }
    return { at: row.at(-1).at + 1, mark: [row.at(-1).element, "after"] };
  }

  function aim(target) {
    all(".on, .before, .after, .first", query("[data-order]")).forEach((element) => element.classList.remove("on", "before", "after", "first"));
    drag.target = target;
    if (target?.tray) query("[data-tray]").classList.add("on");
    else if (target) target.mark[0].classList.add(target.mark[1]);
  }

  function drop(keep) {
    const { letter, target, ghost } = drag;
    if (ghost) {
      aim(null);
      ghost.remove();
      document.documentElement.classList.remove("dragging");
      query(".lifted")?.classList.remove("lifted");
      swallowClick = true;
    }
    drag = null;
    const battle = ranking();
    if (!keep || !target || !battle) return;
    if (target.tray) become(battle, filled(without(battle.value, letter)));
    else if (!(target.tie && battle.value[target.at].includes(letter))) become(battle, moved(battle.value, letter, target));
  }
  document.addEventListener("pointerup", (event) => { if (drag?.id === event.pointerId) drop(true); });
  document.addEventListener("pointercancel", (event) => { if (drag?.id === event.pointerId) drop(false); });

  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !drag) return;
    event.preventDefault();
    drop(false);
  }, true);
  document.addEventListener("htmx:afterSwap", () => { drag = null; });
})();
