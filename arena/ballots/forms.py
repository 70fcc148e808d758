"""The ballot form of the vote page, read into a `Judgement`."""

from __future__ import annotations

from django.http import QueryDict

from arena.battles.models import LETTERS

from .actions import BadJudgement, Judgement

_ONE_DAY_MS = 86_400_000


def read_judgement(form: QueryDict) -> Judgement:
    """`rank_a`, `rank_b` ... hold the rank of each slot or nothing; `verdict` is `ranked` or `all_bad`.

    The number of ranks is checked against the battle by the action; here each must be a number and named once.
    """
    verdict = form.get("verdict", "ranked")
    if verdict not in {"ranked", "all_bad"}:
        raise BadJudgement(f"Verdict {verdict!r} is neither 'ranked' nor 'all_bad'.")
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
    all_bad = verdict == "all_bad"
    ranks = tuple(None if all_bad else _rank(key, form.get(key, "")) for key in named)
    return Judgement(ranks=ranks, all_bad=all_bad, duration_ms=_duration(form.get("duration_ms", "")))


def _rank(key: str, raw: str) -> int | None:
    if raw.strip() == "":
        return None
    try:
        return int(raw)
    except ValueError:
        raise BadJudgement(
            f"The rank of slot {key[-1].upper()} is {raw!r}; it must be a whole number or empty."
        ) from None


def _duration(raw: str) -> int | None:
    """Time taken, as the browser measured it: evidence of care, so a missing or absurd one is simply unknown."""
    return min(int(raw), _ONE_DAY_MS) if raw.isascii() and raw.isdigit() and len(raw) < 12 else None
