/* The ballot: clicks and keys fill in the fields of a plain form. The form is what counts.

   What has been said so far is a value that the battle's protocol understands: its way, registered in `Podium.ways` by
   ballot-order.js and ballot-choices.js. Listeners sit on the document, so that a battle swapped in by htmx works without
   being wired up; what belongs to one battle is kept under its form.

   A way: read(ballot) -> value; write(ballot, value) fills in the fields; says(value, letter) -> what a badge reads, empty
   for a candidate of which nothing is said; spoken(value, letters) -> a sentence; complete(value) -> whether it can be
   submitted. Where candidates are picked: picked(value, letter) -> value. Further keys: keys(value, name, ballot) -> value or
   undefined; presses, by key: the button it stands for. */
(() => {
  "use strict";
  const battles = new WeakMap();
  const query = (selector, root = document) => root.querySelector(selector);
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const say = (text) => document.dispatchEvent(new CustomEvent("podium:say", { detail: text }));

  // --- One battle ---
  const form = () => query("[data-ballot]");
  const slots = (ballot) => all("[data-slot]", ballot);
  const state = () => {
    const ballot = form();
    if (!ballot) return null;
    if (!battles.has(ballot)) battles.set(ballot, enhance(ballot));
    return battles.get(ballot);
  };

  function enhance(ballot) {
    all("[data-pick], [data-order], [data-legend]", ballot).forEach((element) => { element.hidden = false; });
    const way = Podium.ways[ballot.dataset.protocol];
    const battle = { ballot, way, letters: slots(ballot).map((slot) => slot.dataset.slot), value: way.read(ballot), past: [], since: null };
    // Time counts from the moment everything to be judged can be seen.
    const seen = () => { battle.since ??= performance.now(); };
    Promise.all(all("img", ballot).map((image) => image.decode().catch(() => undefined))).then(seen);
    setTimeout(seen, 4000);
    render(battle);
    return battle;
  }

  const words = ({ way, value }, letter) => way.says(value, letter) || way.unsaid;

  function render(battle) {
    const { ballot, way, value, past } = battle;
    way.write(ballot, value);
    for (const slot of slots(ballot).filter((each) => query("[data-pick]", each))) {
      const letter = slot.dataset.slot;
      query("[data-pick]", slot).setAttribute("aria-pressed", String(way.says(value, letter) !== ""));
      query("[data-badge]", slot).textContent = words(battle, letter);
    }
    const enable = (name, on) => { const button = query(`[data-act=${name}]`, ballot); if (button) button.disabled = !on; };
    enable("submit", way.complete(value));
    enable("undo", past.length > 0);
    const said = query("[data-said]", ballot);
    if (said) said.textContent = spoken(battle);
    way.draw?.(battle);
  }

  const spoken = ({ way, value, letters }) => way.spoken(value, letters);

  function become(battle, value) {
    if (JSON.stringify(value) === JSON.stringify(battle.value)) return;
    battle.past.push(battle.value);
    battle.value = value;
    render(battle);
    say(spoken(battle));
  }

  function undo(battle) {
    if (!battle.past.length) return;
    battle.value = battle.past.pop();
    render(battle);
    say(`Undone. ${spoken(battle)}`);
  }

  const pick = (battle, letter) => become(battle, battle.way.picked(battle.value, letter));

  const act = (battle, name) => {
    if (name === "undo") undo(battle);
    else if (name === "help") query("#keys").showModal();
    else if (battle.way.acts?.[name]) become(battle, battle.way.acts[name](battle.value));
    else return false;
    return true;
  };

  // --- Pointer ---
  document.addEventListener("click", (event) => {
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
    if (letter) pick(battle, letter);
    else act(battle, event.target.closest("[data-act]")?.dataset.act);
  }, true);

  // A pointer does not take the focus, so that Enter keeps meaning "submit" for whoever clicks and types by turns.
  document.addEventListener("mousedown", (event) => {
    if (event.target.closest("[data-pick], [data-chip], [data-act=tie], [data-act=undo], .step, .tick")) event.preventDefault();
  });

  // Fields that are chosen directly, such as the steps of a graded pair.
  document.addEventListener("change", (event) => {
    const battle = state();
    if (battle?.ballot.contains(event.target) && event.target.matches("[type=radio], [type=checkbox]")) become(battle, battle.way.read(battle.ballot));
  });

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
    query("#viewer-title").textContent = battle?.way.picked ? `${viewed}, ${words(battle, viewed)}` : viewed;
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

  // The key's position counts too: on a French keyboard the digits are shifted.
  const digitOf = (event) => /^(?:Digit|Numpad)([1-9])$/.exec(event.code)?.[1] ?? (/^[1-9]$/.test(event.key) ? event.key : null);

  const press = (battle, name) => {
    const button = name && query(`[data-act=${name}]`, battle.ballot);
    button?.click();
    return Boolean(button);
  };

  function onBattleKey(event, battle) {
    const { way, value, ballot } = battle;
    if (way.onKey?.(event, battle)) return true;
    const digit = event.key === "?" ? null : digitOf(event);
    const name = digit ?? event.key.toLowerCase();
    if (press(battle, way.presses?.[name] ?? { b: "bad", s: "skip", enter: "submit" }[name])) return true;
    const slot = digit && way.picked && query(`[data-slot][data-key="${digit}"]`, ballot);
    if (slot) return pick(battle, slot.dataset.slot), true;
    const next = way.keys?.(value, name, ballot);
    if (next !== undefined) return become(battle, next), true;
    return act(battle, { t: "tie", u: "undo" }[name]);
  }

  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest?.("input:not([type=radio], [type=checkbox]), select, textarea, [contenteditable]")) return;
    if (query("dialog[open]")) return onDialogKey(event);
    if (event.repeat && !event.key.startsWith("Arrow")) return;
    // On a control Enter is that control's own, and arrows choose among the steps of a graded pair.
    if (event.key === "Enter" && event.target.closest?.("a[href], button, summary")) return;
    if (event.key.startsWith("Arrow") && event.target.closest?.("input, video, audio")) return;
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
    // "All bad" says nothing of anybody: the fields say so too.
    if (event.submitter?.dataset.act === "bad") become(battle, battle.way.nothing);
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
  window.Podium = { ways: {}, state, become, query, all };
  document.addEventListener("htmx:afterSwap", () => { state(); });
  // The ways are registered by scripts that follow this one; then the page is ready for keys.
  document.addEventListener("DOMContentLoaded", () => {
    document.documentElement.classList.add("enhanced");
    state();
  });
})();
