"""What a voter said of a battle, and whether it answers what was asked."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from arena.protocols import Protocol
from arena.refusals import Invalid

Ranks = tuple[int | None, ...]
GRADES: Mapping[int, Collection[int]] = {5: (1, 3), 7: (1, 2, 3)}  # steps of a graded pair, with the tie -> strengths


@dataclass(frozen=True)
class Judgement:
    """What a voter said, aligned with the slots as shown. See `Ballot` for the meaning of ranks.

    protocol: how it was asked, as far as the sender knows; None if the sender leaves that to the battle.
    """

    ranks: Ranks
    all_bad: bool = False
    strength: int | None = None
    duration_ms: int | None = None
    protocol: str | None = None


class BadJudgement(Invalid):
    code = "judgement_invalid"
    title = "This ballot cannot be counted"


def check_judgement(judgement: Judgement, protocol: str, slots: int, *, steps: int = 7) -> None:
    """Refuse what no reading can save, and what does not answer the question; the message says what to do.

    steps: of a graded pair, 5 or 7.
    """
    ranks = judgement.ranks
    if judgement.protocol not in (None, protocol):
        raise BadJudgement(
            f"The battle asks for {_name(protocol)}, and this ballot answers {_name(str(judgement.protocol))}: the way "
            "of judging was changed meanwhile. Load the page again and judge once more; nothing was counted."
        )
    if len(ranks) != slots:
        raise BadJudgement(f"The battle has {slots} candidates, the ballot {len(ranks)} ranks. Send one for each.")
    placed = [rank for rank in ranks if rank is not None]
    for rank in placed:
        if rank == 0 or abs(rank) > slots:
            raise BadJudgement(f"Rank {rank} is outside 1 to {slots} (or -1 to -{slots} from the bottom).")
    if judgement.strength is not None and judgement.strength not in (1, 2, 3):
        raise BadJudgement(f"Strength {judgement.strength} is not 1 (slightly), 2 (better) or 3 (much better).")
    if judgement.strength is not None and protocol != Protocol.GRADED_PAIR:
        raise BadJudgement(f"The battle asks for {_name(protocol)}, which has no strength. Leave it out.")
    if judgement.all_bad:
        if placed or judgement.strength is not None:
            raise BadJudgement("A ballot cannot both rank candidates and call all of them bad. Choose one.")
        return
    if problem := _FITS.get(protocol, _is_an_order)(ranks):
        raise BadJudgement(problem)
    if protocol == Protocol.GRADED_PAIR:
        _check_grade(judgement, steps)


def answers(ranks: Sequence[int | None], protocol: str) -> bool:
    """Whether such ranks can be what a protocol asked for."""
    return not _FITS.get(protocol, _is_an_order)(tuple(ranks))


def _is_an_order(ranks: Ranks) -> str:
    if all(rank is None for rank in ranks):
        return "No candidate is ranked. Rank at least the best one, say that all are bad, or skip."
    return ""


def _is_a_pair(ranks: Ranks) -> str:
    if ranks not in ((1, 2), (2, 1), (1, 1)):
        return "Say which of the two is better, or that they tie; or that both are bad, or skip."
    return ""


def _is_the_best(ranks: Ranks) -> str:
    if sorted(ranks, key=str) != [1, *[None] * (len(ranks) - 1)]:
        return "Choose one candidate as the best; or say that all are bad, or skip."
    return ""


def _are_the_ends(ranks: Ranks) -> str:
    if sorted(ranks, key=str) != [-1, 1, *[None] * (len(ranks) - 2)]:
        return "Choose one candidate as the best and another one as the worst; or say that all are bad, or skip."
    return ""


def _are_picks(ranks: Ranks) -> str:
    """Those picked share the first place, the rest the second: the voter saw all, and put each on one of two sides."""
    if 1 not in ranks or not set(ranks) <= {1, 2}:
        return "Pick at least one good candidate; if there is none, say that all are bad, or skip."
    return ""


_FITS: Mapping[str, Callable[[Ranks], str]] = {
    Protocol.PAIR: _is_a_pair,
    Protocol.GRADED_PAIR: _is_a_pair,
    Protocol.BEST: _is_the_best,
    Protocol.BEST_WORST: _are_the_ends,
    Protocol.PICK_MANY: _are_picks,
}


def _check_grade(judgement: Judgement, steps: int) -> None:
    tie = judgement.ranks == (1, 1)
    if tie and judgement.strength is not None:
        raise BadJudgement("A tie has no strength. Leave it out, or say which of the two is better.")
    if not tie and judgement.strength not in GRADES[steps]:
        allowed = " or ".join(map(str, GRADES[steps]))
        raise BadJudgement(f"Say by how much it is better: strength {allowed} (1 slightly, 2 better, 3 much better).")


def _name(protocol: str) -> str:
    return f"“{Protocol(protocol).label}”" if protocol in Protocol.values else f"“{protocol}”"
