/* Protocols whose candidates or steps are chosen: pair, graded pair, best, best and worst, the good ones. */
(() => {
  "use strict";
  const { ways, query, all } = Podium;
  const checked = (ballot, name) => query(`[name=${name}]:checked`, ballot)?.value ?? "";
  const check = (ballot, name, values) =>
    all(`[name=${name}]`, ballot).forEach((field) => { field.checked = values.includes(field.value); });

  ways.pair = {
    nothing: "", read: () => "", write: () => undefined, says: () => "", spoken: () => "", complete: () => true,
    presses: { 1: "a", 2: "b", arrowleft: "a", arrowright: "b", t: "even" },
  };

  // The value is that of the step, from "3" (A is much better) to "-3".
  const stepAt = (ballot, value) => query(`[name=step][value="${value}"]`, ballot);
  ways["graded-pair"] = {
    nothing: "",
    read: (ballot) => checked(ballot, "step"),
    write: (ballot, value) => check(ballot, "step", [value]),
    says: () => "",
    spoken: (value) => {
      const step = value && stepAt(document, value);
      return step ? `${step.closest("label").querySelector("span").textContent}.` : "Choose a step, from A to B.";
    },
    complete: (value) => value !== "",
    keys: (value, name, ballot) => {
      const step = name === "t" ? stepAt(ballot, 0) : /^[1-9]$/.test(name) ? query(`[data-step="${name}"]`, ballot) : null;
      if (!step) return undefined;
      return step.value === value ? "" : step.value;
    },
  };

  ways["best-of-k"] = {
    nothing: "", unsaid: "not chosen",
    read: (ballot) => checked(ballot, "best"),
    write: (ballot, value) => check(ballot, "best", [value]),
    says: (value, letter) => value === letter ? "best" : "",
    picked: (value, letter) => value === letter ? "" : letter,
    spoken: (value) => value ? `${value} is the best.` : "Choose the best one.",
    complete: (value) => value !== "",
  };

  // The first pick is the best, the next one the worst; a further one takes the place of the worst.
  ways["best-worst"] = {
    nothing: { best: "", worst: "" }, unsaid: "in between",
    read: (ballot) => ({ best: checked(ballot, "best"), worst: checked(ballot, "worst") }),
    write: (ballot, { best, worst }) => { check(ballot, "best", [best]); check(ballot, "worst", [worst]); },
    says: ({ best, worst }, letter) => letter === best ? "best" : letter === worst ? "worst" : "",
    picked: ({ best, worst }, letter) => {
      if (letter === best) return { best: "", worst };
      if (letter === worst) return { best, worst: "" };
      return best ? { best, worst: letter } : { best: letter, worst };
    },
    spoken: ({ best, worst }) => {
      if (!best) return `Choose the best one.${worst ? ` ${worst} is the worst.` : ""}`;
      return `${best} is the best. ${worst ? `${worst} is the worst.` : "Now choose the worst one."}`;
    },
    complete: ({ best, worst }) => best !== "" && worst !== "" && best !== worst,
  };

  ways["pick-many"] = {
    nothing: [], unsaid: "not picked",
    read: (ballot) => all("[name=pick]:checked", ballot).map((field) => field.value),
    write: (ballot, value) => check(ballot, "pick", value),
    says: (value, letter) => value.includes(letter) ? "good" : "",
    picked: (value, letter) => (value.includes(letter) ? value.filter((other) => other !== letter) : [...value, letter]).sort(),
    spoken: (value) => value.length ? `Good: ${value.join(", ")}.` : "Choose every good one.",
    complete: (value) => value.length > 0,
  };
})();
