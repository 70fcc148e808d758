"""The ballot form of the vote page, read into a `Judgement`."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from django.http import QueryDict

from arena.battles.models import LETTERS
from arena.protocols import Protocol

from .judgements import BadJudgement, Judgement, Ranks
from .remarks import Remarks

_ONE_DAY_MS = 86_400_000
Read = tuple[Ranks, int | None]  # with the strength of a graded pair


def read_judgement(form: QueryDict) -> Judgement:
    """What the form says, by its `protocol` (`k-rank` if it names none). `verdict` is `ranked` or `all_bad`.

    k-rank       `rank_a`, `rank_b` ...: the rank of each slot, or nothing
    pair         `verdict` is `a`, `b` or `tie` instead
    graded-pair  `step`: 3, 2, 1 for A much better, better, slightly better, 0 for a tie, -1, -2, -3 for B
    best-of-k    `best`: a letter
    best-worst   `best` and `worst`: a letter each
    pick-many    `pick`: letters
    All but k-rank say in `slots` how many there are. Whether they fit the battle is checked by the action.
    """
    protocol = form.get("protocol", Protocol.K_RANK)
    read = _READERS.get(protocol)
    if read is None:
        raise BadJudgement(f"Protocol {protocol[:40]!r} is none that battles are judged by: {', '.join(_READERS)}.")
    verdict, verdicts = form.get("verdict", "ranked"), _VERDICTS.get(protocol, ("ranked", "all_bad"))
    if verdict not in verdicts:
        raise BadJudgement(f"Verdict {verdict[:40]!r} is neither {' nor '.join(map(repr, verdicts))}.")
    duration = _duration(form.get("duration_ms", ""))
    if verdict == "all_bad":
        count = len(_rank_fields(form)) if protocol == Protocol.K_RANK else _slots(form)
        return Judgement((None,) * count, all_bad=True, duration_ms=duration, protocol=protocol)
    ranks, strength = read(form)
    return Judgement(ranks, strength=strength, duration_ms=duration, protocol=protocol)


def read_remarks(form: QueryDict) -> Remarks:
    """`aspect_a`, `aspect_b` ...: the aspects that a slot is best in; `confidence`; `tag`: reasons; `comment`."""
    aspects: dict[str, list[int]] = {}
    for at, letter in enumerate(LETTERS):
        for aspect in form.getlist(f"aspect_{letter.lower()}"):
            aspects.setdefault(aspect, []).append(at)
    confidence = form.get("confidence", "")
    if confidence not in {"", "1", "2", "3"}:
        raise BadJudgement(f"Confidence {confidence[:40]!r} is not 1, 2 or 3.")
    comment = form.get("comment", "").replace("\x00", "").strip()
    reasons = tuple(dict.fromkeys(form.getlist("tag")))
    return Remarks(aspects, int(confidence) if confidence else None, reasons, comment)


def _order(form: QueryDict) -> Read:
    return tuple(_number(key, form.get(key, "")) for key in _rank_fields(form)), None


def _pair(form: QueryDict) -> Read:
    ranks: Mapping[str, Ranks] = {"a": (1, 2), "b": (2, 1), "tie": (1, 1)}
    return ranks[form.get("verdict", "")], None


def _graded_pair(form: QueryDict) -> Read:
    raw = form.get("step", "")
    if raw not in {"3", "2", "1", "0", "-1", "-2", "-3"}:
        raise BadJudgement(
            f"Step {raw[:40]!r} is not 3 to -3." if raw else "Choose a step: which of the two is better, or a tie."
        )
    step = int(raw)
    if step == 0:
        return (1, 1), None
    return ((1, 2) if step > 0 else (2, 1)), abs(step)


def _best(form: QueryDict) -> Read:
    return _marked(form, {"best": 1})


def _best_and_worst(form: QueryDict) -> Read:
    return _marked(form, {"best": 1, "worst": -1})


def _marked(form: QueryDict, marks: Mapping[str, int]) -> Read:
    """The rank of each mark for the slot that has it. Checking that all are given is left to the action."""
    ranks: list[int | None] = [None] * _slots(form)
    for name, rank in marks.items():
        if form.get(name):
            at = _slot(name, form.get(name, ""), len(ranks))
            if ranks[at] is not None:
                raise BadJudgement(f"Candidate {LETTERS[at]} cannot be the best and the worst. Choose two of them.")
            ranks[at] = rank
    return tuple(ranks), None


def _picks(form: QueryDict) -> Read:
    count = _slots(form)
    picked = {_slot("pick", letter, count) for letter in form.getlist("pick")}
    return tuple(1 if at in picked else 2 for at in range(count)), None


_READERS: Mapping[str, Callable[[QueryDict], Read]] = {
    Protocol.K_RANK: _order,
    Protocol.PAIR: _pair,
    Protocol.GRADED_PAIR: _graded_pair,
    Protocol.BEST: _best,
    Protocol.BEST_WORST: _best_and_worst,
    Protocol.PICK_MANY: _picks,
}
_VERDICTS: Mapping[str, tuple[str, ...]] = {Protocol.PAIR: ("a", "b", "tie", "all_bad")}


def _slots(form: QueryDict) -> int:
    raw = form.get("slots", "")
    if raw not in {str(count) for count in range(2, len(LETTERS) + 1)}:
        raise BadJudgement(f"The form says {raw[:40]!r} where the number of its slots belongs (2 to {len(LETTERS)}).")
    return int(raw)


def _slot(name: str, letter: str, count: int) -> int:
    at = LETTERS[:count].find(letter.upper()) if len(letter) == 1 else -1
    if at < 0:
        raise BadJudgement(f"{name} is {letter[:40]!r}; it must be one of the letters {', '.join(LETTERS[:count])}.")
    return at


def _rank_fields(form: QueryDict) -> list[str]:
    named = [f"rank_{letter.lower()}" for letter in LETTERS if f"rank_{letter.lower()}" in form]
    expected = [f"rank_{letter.lower()}" for letter in LETTERS[: len(named)]]
    unknown = sorted(key for key in form if key.startswith("rank_") and key not in expected)
    if unknown:
        raise BadJudgement(
            f"The ballot names {unknown[0]!r}, which follows no other slot. Send rank_a, rank_b and so on."
        )
    for key in named:
        if len(form.getlist(key)) > 1:
            raise BadJudgement(f"The ballot names slot {key[-1].upper()} twice. Send one rank for each slot.")
    return named


def _number(key: str, raw: str) -> int | None:
    if raw.strip() == "":
        return None
    try:
        return int(raw)
    except ValueError:
        raise BadJudgement(
            f"The rank of slot {key[-1].upper()} is {raw[:40]!r}; it must be a whole number or empty."
        ) from None


def _duration(raw: str) -> int | None:
    """Time taken, as the browser measured it: evidence of care, so a missing or absurd one is simply unknown."""
    return min(int(raw), _ONE_DAY_MS) if raw.isascii() and raw.isdigit() and len(raw) < 12 else None
