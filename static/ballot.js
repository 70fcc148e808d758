/* The ballot: clicks, keys and dragging fill in the lists of a plain form. The form is what counts.

   An order is an array of places, best first; a place is an array of letters; two letters in one place are a tie.
   Letters in no place have no observed order, and stay without one. Listeners sit on the document, so that a
   battle swapped in by htmx works without being wired up; what belongs to one battle is kept under its form. */
(() => {
  "use strict";
  const KEY = "data-key";
  const battles = new WeakMap();
  const query = (selector, root = document) => root.querySelector(selector);
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const say = (text) => document.dispatchEvent(new CustomEvent("podium:say", { detail: text }));

  // --- Orders: pure functions ---
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
    return at < 0 ? "not placed" : (order[at].length > 1 ? "tied " : "") + ordinal(rankAt(order, at));
  };

  // --- One battle ---
  const form = () => query("[data-ballot]");
  const slots = (ballot) => all("[data-slot]", ballot);
  const state = () => {
    const ballot = form();
    if (!ballot) return null;
    if (!battles.has(ballot)) battles.set(ballot, enhance(ballot));
    return battles.get(ballot);
  };

  const readLists = (ballot) => {
    const order = [];
    for (const slot of slots(ballot)) {
      const rank = Number(query("select", slot).value);
      if (rank) (order[rank] ??= []).push(slot.dataset.slot);
    }
    return order.filter(Boolean);
  };

  function enhance(ballot) {
    all("[data-pick], [data-order], [data-legend]", ballot).forEach((element) => { element.hidden = false; });
    const battle = { ballot, letters: slots(ballot).map((slot) => slot.dataset.slot), order: readLists(ballot), past: [], since: null };
    // Time counts from the moment everything to be judged can be seen.
    const seen = () => { battle.since ??= performance.now(); };
    Promise.all(all("img", ballot).map((image) => image.decode().catch(() => undefined))).then(seen);
    setTimeout(seen, 4000);
    render(battle);
    return battle;
  }

  function render({ ballot, letters, order, past }) {
    const focused = document.activeElement?.closest?.("[data-chip]")?.dataset.chip;
    for (const slot of slots(ballot)) {
      const letter = slot.dataset.slot;
      const at = placeOf(order, letter);
      query("select", slot).value = at < 0 ? "" : String(rankAt(order, at));
      query("[data-pick]", slot).setAttribute("aria-pressed", String(at >= 0));
      query("[data-badge]", slot).textContent = words(order, letter);
    }
    const chip = (letter) => {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "chip";
      button.dataset.chip = letter;
      button.setAttribute("aria-label", `${letter}, ${words(order, letter)}`);
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
    query("[data-act=submit]", ballot).disabled = order.length === 0;
    query("[data-act=tie]", ballot).disabled = order.length < 2;
    query("[data-act=undo]", ballot).disabled = past.length === 0;
    if (focused) query(`[data-chip="${focused}"]`, ballot)?.focus({ preventScroll: true });
  }

  const spoken = ({ letters, order }) => {
    const rest = letters.filter((letter) => placeOf(order, letter) < 0);
    const placed = order.map((place, at) => `${ordinal(rankAt(order, at))} ${place.join(" and ")}${place.length > 1 ? " tied" : ""}`);
    return `${placed.join(", ") || "Nothing placed"}. ${rest.length && placed.length ? `Not placed: ${rest.join(", ")}.` : ""}`;
  };

  function become(battle, order) {
    if (JSON.stringify(order) === JSON.stringify(battle.order)) return;
    battle.past.push(battle.order);
    battle.order = order;
    render(battle);
    say(spoken(battle));
  }

  function undo(battle) {
    if (!battle.past.length) return;
    battle.order = battle.past.pop();
    render(battle);
    say(`Undone. ${spoken(battle)}`);
  }

  const act = (battle, name) => {
    if (name === "tie") become(battle, tiedLast(battle.order));
    else if (name === "undo") undo(battle);
    else if (name === "help") query("#keys").showModal();
    else return false;
    return true;
  };

  // --- Pointer: click and drag ---
  let drag = null;
  let swallowClick = false;

  document.addEventListener("click", (event) => {
    if (swallowClick) {
      swallowClick = false;
      if (event.target.closest("[data-pick], [data-chip]")) {
        event.preventDefault();
        event.stopPropagation();
        return;
      }
    }
    const enlarge = event.target.closest("[data-enlarge]");
    if (enlarge && !(event.ctrlKey || event.metaKey || event.shiftKey)) {
      event.preventDefault();
      view(enlarge.closest("[data-slot]"));
      return;
    }
    const step = event.target.closest("[data-view]");
    if (step) return viewNext(Number(step.dataset.view));
    const battle = state();
    if (!battle || !battle.ballot.contains(event.target)) return;
    const letter = event.target.closest("[data-pick]")?.closest("[data-slot]").dataset.slot
      ?? event.target.closest("[data-chip]")?.dataset.chip;
    if (letter) become(battle, toggled(battle.order, letter));
    else act(battle, event.target.closest("[data-act]")?.dataset.act);
  }, true);

  // A pointer does not take the focus, so that Enter keeps meaning "submit" for whoever clicks and types by turns.
  document.addEventListener("mousedown", (event) => {
    if (event.target.closest("[data-pick], [data-chip], [data-act=tie], [data-act=undo]")) event.preventDefault();
  });

  document.addEventListener("pointerdown", (event) => {
    swallowClick = false;
    const chip = event.target.closest("[data-chip]");
    // A finger on a picture scrolls the page; a mouse may drag it to the order.
    const handle = chip ?? (event.pointerType === "mouse" ? event.target.closest("[data-pick]") : null);
    if (!handle || event.button !== 0) return;
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
    if (overTray && placeOf(state().order, drag.letter) >= 0) return { tray: true };
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
    const battle = state();
    if (!keep || !target || !battle) return;
    if (target.tray) become(battle, filled(without(battle.order, letter)));
    else if (!(target.tie && battle.order[target.at].includes(letter))) become(battle, moved(battle.order, letter, target));
  }
  document.addEventListener("pointerup", (event) => { if (drag?.id === event.pointerId) drop(true); });
  document.addEventListener("pointercancel", (event) => { if (drag?.id === event.pointerId) drop(false); });

  // --- Enlarging ---
  let viewed = null;
  function view(slot) {
    const image = slot && query("img", slot);
    if (!image) return;
    viewed = slot.dataset.slot;
    const large = new Image();
    large.src = image.currentSrc || image.src;
    large.alt = image.alt;
    const battle = state();
    query("#viewer-title").textContent = battle ? `${viewed}, ${words(battle.order, viewed)}` : viewed;
    query("#viewer-body").replaceChildren(large);
    if (!query("#viewer").open) query("#viewer").showModal();
  }
  function viewNext(by) {
    const others = all("#battle [data-slot]");
    const at = others.findIndex((slot) => slot.dataset.slot === viewed);
    view(others[(at + by + others.length) % others.length]);
  }
  const viewTarget = () =>
    document.activeElement?.closest("[data-slot]") ?? query("#battle [data-slot]:hover") ?? query("#battle [data-slot]");

  // --- Keys ---
  function onDialogKey(event) {
    if (!query("#viewer").open) return;
    if (event.key === "ArrowLeft") viewNext(-1);
    else if (event.key === "ArrowRight") viewNext(1);
    else if (event.key.toLowerCase() === "z") query("#viewer").close();
  }

  function onChipKey(event, battle, chip) {
    const letter = chip.dataset.chip;
    const by = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 }[event.key];
    if (by) become(battle, stepped(battle.order, letter, by));
    else if (event.key === "Delete" || event.key === "Backspace") become(battle, filled(without(battle.order, letter)));
    else return false;
    return true;
  }

  // The key's position counts too: on a French keyboard the digits are shifted.
  const digitOf = (event) => /^(?:Digit|Numpad)([1-9])$/.exec(event.code)?.[1] ?? (/^[1-9]$/.test(event.key) ? event.key : null);

  function onBattleKey(event, battle) {
    const chip = event.target.closest?.("[data-chip]");
    if (chip && onChipKey(event, battle, chip)) return true;
    const digit = event.shiftKey && event.key === "?" ? null : digitOf(event);
    const slot = digit && query(`[data-slot][${KEY}="${digit}"]`, battle.ballot);
    if (slot) return become(battle, toggled(battle.order, slot.dataset.slot)), true;
    const press = { b: "bad", s: "skip", enter: "submit" }[event.key.toLowerCase()];
    if (press) return query(`[data-act=${press}]`, battle.ballot).click(), true;
    return act(battle, { t: "tie", u: "undo" }[event.key.toLowerCase()]);
  }

  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape" && drag) return drop(false);
    if (event.target.closest?.("input, select, textarea, [contenteditable]")) return;
    if (query("dialog[open]")) return onDialogKey(event);
    if (event.repeat && !event.key.startsWith("Arrow")) return;
    // On a control Enter is that control's own.
    if (event.key === "Enter" && event.target.closest?.("a[href], button, summary")) return;
    const name = event.key.toLowerCase();
    const battle = state();
    let done = true;
    if (event.key === "?") query("#keys")?.showModal();
    else if (name === "z") view(viewTarget());
    else if (battle) done = onBattleKey(event, battle);
    else if (name === "n" || name === "enter") query("#battle [data-next]")?.click();
    else done = false;
    if (done) event.preventDefault();
  });

  // --- Sending ---
  document.addEventListener("submit", (event) => {
    const battle = state();
    if (!battle || event.target !== battle.ballot) return;
    if (battle.since !== null) battle.ballot.elements.duration_ms.value = Math.round(performance.now() - battle.since);
    // "All bad" places nobody: the lists say so too.
    if (event.submitter?.dataset.act === "bad" && battle.order.length) become(battle, []);
    battle.pressed = event.submitter?.dataset.act;
  }, true);

  const busy = (event, on) => { if (event.detail.elt === form()) form().setAttribute("aria-busy", String(on)); };
  document.addEventListener("htmx:beforeRequest", (event) => busy(event, true));
  document.addEventListener("htmx:afterRequest", (event) => busy(event, false));

  // A ballot that did not get through is sent again; its token makes it count once however often it arrives.
  let again = 0;
  const resend = (event) => {
    const battle = state();
    if (!battle || event.detail.elt !== battle.ballot || !battle.pressed) return;
    query("#offline").textContent = "No connection. Your ballot is kept on this page and sent again until it arrives. It counts once.";
    clearTimeout(again);
    again = setTimeout(() => {
      if (form() === battle.ballot) query(`[data-act=${battle.pressed}]`, battle.ballot).click();
    }, 3000);
  };
  document.addEventListener("htmx:sendError", resend);
  document.addEventListener("htmx:timeout", resend);

  // --- A page, or a battle swapped in ---
  document.documentElement.classList.add("enhanced");
  document.addEventListener("htmx:afterSwap", () => { drag = null; state(); });
  state();
})();
