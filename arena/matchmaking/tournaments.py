"""The tournaments that are on, one for each prompt, kept up to date from the ballots as they are written.

Who is out follows from every battle since the tournament began, and with many prompts that may be long ago. So a
process reads all decided battles of an arena once and from then on those since, and forgets what came before the
tournament that is on.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field

from ranking.engines.matchmaking.policies import replayed
from ranking.engines.matchmaking.situation import Played

# Ballots that are read again each time: one may be written before another with a lower number is.
OVERLAP = 500


@dataclass(frozen=True)
class Decided:
    """What a ballot says of its battle. winner: None for nobody alone; supersedes: the ballot it takes the place of."""

    ballot: int
    prompt: int
    members: tuple[int, ...]
    winner: int | None
    supersedes: int | None = None


@dataclass(frozen=True)
class Tournaments:
    """Of one arena: by prompt the battles since its tournament began, by ballot; the last ballot that was read, and
    those read of the latest `OVERLAP`. Contestants by id.
    """

    arena: int = 0
    by_prompt: Mapping[int, Mapping[int, Played]] = field(default_factory=dict)
    last: int = 0
    read: frozenset[int] = frozenset()

    @property
    def since(self) -> int:
        """Ballots with higher numbers are to be read."""
        return max(self.last - OVERLAP, 0)

    def after(self, arena: int, decided: Iterable[Decided], ready: Callable[[int], Collection[int]]) -> Tournaments:
        """With the ballots of this arena since. ready: who takes part on a prompt. Cost: one pass over what is new.

        Where what is known is about another arena, the ballots are too few to begin with: the next reading is complete.
        """
        if self.last and self.arena != arena:
            return Tournaments(arena)
        since = self.since
        new = sorted(
            (each for each in decided if each.ballot > since and each.ballot not in self.read),
            key=lambda each: each.ballot,
        )
        if not new:
            return Tournaments(arena, self.by_prompt, self.last, self.read)
        changed: dict[int, dict[int, Played]] = {}
        for each in new:
            rounds = changed.get(each.prompt)
            if rounds is None:
                rounds = changed[each.prompt] = dict(self.by_prompt.get(each.prompt, {}))
            if each.supersedes is not None:
                rounds.pop(each.supersedes, None)
            if each.winner is not None:
                rounds[each.ballot] = Played(frozenset(each.members), each.winner)
        last = max(self.last, new[-1].ballot)
        latest = self.read | {each.ballot for each in new}
        return Tournaments(
            arena,
            dict(self.by_prompt) | {prompt: _still_on(rounds, ready(prompt)) for prompt, rounds in changed.items()},
            last,
            frozenset(ballot for ballot in latest if ballot > last - OVERLAP),
        )


NO_TOURNAMENTS = Tournaments()


def _still_on(rounds: Mapping[int, Played], ready: Collection[int]) -> dict[int, Played]:
    """The battles since the last tournament ended."""
    ballots = sorted(rounds)
    _, start = replayed(ready, [rounds[ballot] for ballot in ballots])
    return {ballot: rounds[ballot] for ballot in ballots[start:]}
