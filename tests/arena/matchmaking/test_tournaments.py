"""Tournaments go on from where they stand, however long ago they began."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable

import numpy as np

from arena.matchmaking.choosing import choose
from arena.matchmaking.knowledge import Recent, assemble
from arena.matchmaking.queries import LATEST
from arena.matchmaking.tournaments import NO_TOURNAMENTS, OVERLAP, Decided, Tournaments
from ranking.engines.matchmaking.choosing import Rules
from ranking.engines.matchmaking.policies import replayed
from ranking.engines.matchmaking.registry import policy_named
from tests.arena.matchmaking.stages import stock

ARENA = 7
FOUR = {1, 2, 3, 4}


def four(prompt: int) -> Collection[int]:
    return FOUR


def pairs(*wins: tuple[int, int], prompt: int = 1, first: int = 1) -> list[Decided]:
    """(winner, loser) each."""
    return [Decided(first + at, prompt, (win, lose), win) for at, (win, lose) in enumerate(wins)]


def after(known: Tournaments, decided: Iterable[Decided]) -> Tournaments:
    return known.after(ARENA, decided, four)


def standing(known: Tournaments, prompt: int = 1) -> dict[int, int]:
    return replayed(FOUR, list(known.by_prompt.get(prompt, {}).values()))[0]


def test_those_who_lost_are_out_until_one_is_left() -> None:
    semis = after(NO_TOURNAMENTS, pairs((1, 2), (3, 4)))
    assert standing(semis) == {1: 1, 2: -1, 3: 1, 4: -1}
    final = after(semis, pairs((3, 1), first=3))
    assert standing(final) == dict.fromkeys(FOUR, 0)
    assert final.by_prompt[1] == {}, "what is over is forgotten"


def test_prompts_have_tournaments_of_their_own() -> None:
    known = after(NO_TOURNAMENTS, [*pairs((1, 2)), *pairs((2, 1), prompt=5, first=2)])
    assert standing(known, 1)[2] == standing(known, 5)[1] == -1


def test_a_ballot_that_is_read_twice_counts_once() -> None:
    """Each reading goes back a little; a tournament that ended then does not come back."""
    ballots = pairs((1, 2), (3, 4), (3, 1), (2, 1))
    known = after(after(NO_TOURNAMENTS, ballots), ballots)
    assert known.since == 0
    assert standing(known) == {1: -1, 2: 1, 3: 0, 4: 0}


def test_a_ballot_that_was_written_late_counts_in_its_place() -> None:
    first, late, third = pairs((1, 2), (3, 4), (3, 1))
    known = after(after(NO_TOURNAMENTS, [first, third]), [late])
    assert standing(known) == dict.fromkeys(FOUR, 0), "the three together are a whole tournament"


def test_a_correction_takes_the_place_of_the_ballot_and_a_retraction_leaves_none() -> None:
    known = after(NO_TOURNAMENTS, pairs((1, 2), (3, 4)))
    known = after(known, [Decided(3, 1, (1, 2), 2, supersedes=1), Decided(4, 1, (3, 4), None, supersedes=2)])
    assert standing(known) == {1: -1, 2: 1, 3: 0, 4: 0}


def test_what_lies_far_back_is_not_read_again() -> None:
    known = after(NO_TOURNAMENTS, pairs((1, 2), first=10_000))
    assert known.since == 10_000 - OVERLAP
    assert after(known, pairs((3, 4), first=10_000 - OVERLAP)) == known


def test_those_of_another_arena_are_begun_anew() -> None:
    known = after(NO_TOURNAMENTS, pairs((1, 2)))
    assert known.after(8, pairs((3, 4), first=900), four) == Tournaments(8)


def test_tournaments_on_many_prompts_come_to_an_end() -> None:
    """Thirty contestants on a hundred prompts: a tournament's first battles are long past when its last is fought.

    The better one always wins, so whoever lost comes back only to fill a group or in a uniform battle.
    """
    prompts, count, size = 100, 30, 4
    rng = np.random.default_rng(0)
    known_stock = stock([[1] * count] * prompts)
    strength = rng.permutation(count)
    mean = (strength - strength.mean()) * 0.1
    known, finals, ballots = NO_TOURNAMENTS, 0, 1200
    judged = np.zeros(prompts, np.int64)
    for ballot in range(1, ballots + 1):
        knowledge = assemble(
            dataclasses.replace(known_stock, judged=judged),
            Recent({}, ()),
            mean,
            np.eye(count) * 0.2,
            np.zeros(count, np.bool_),
            {prompt: tuple(rounds.values()) for prompt, rounds in known.by_prompt.items()},
        )
        choice = choose(
            knowledge,
            size=size,
            policy=policy_named("tournament"),
            rules=Rules(audit=0.0, floor=0.0),
            audit=0.0,
            prompt_choice="least-judged",
            quota={},
            seen={},
            lately=(),
            rng=rng,
        )
        assert choice is not None
        members = tuple(10 + member for member in choice.contestants)
        winner = 10 + max(choice.contestants, key=lambda member: strength[member])
        prompt = 100 + choice.prompt
        judged[choice.prompt] += 1
        known = known.after(ARENA, [Decided(ballot, prompt, members, winner)], known_stock.ready_on)
        if not known.by_prompt[prompt]:
            finals += 1
            assert strength[winner - 10] == count - 1
    assert ballots > LATEST
    assert finals == prompts  # of 10 or 11 battles each, as each puts out three at most
