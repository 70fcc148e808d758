"""Battles with ballots: by hand, with a probability of one's own, or by matchmaking, from voters with a known taste."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from django.utils import timezone

from arena.ballots.actions import cast_ballot
from arena.ballots.judgements import Judgement
from arena.ballots.models import Ballot
from arena.battles import actions, tokens
from arena.battles.actions import open_battle
from arena.battles.models import Battle, BattleState
from arena.catalogue.models import Arena, Contestant
from arena.matchmaking.keeping import forget
from arena.prompts.models import Prompt
from arena.voters.models import Voter, VoterKind

REREAD = 10


def fight(
    contestants: Sequence[Contestant],
    ranks: Sequence[int | None],
    *,
    probability: float = 0.1,
    uniform: float = 0.1,
    exact: bool = True,
    all_bad: bool = False,
    kind: VoterKind = VoterKind.PUBLIC,
) -> Ballot:
    """A ballot on a battle between these contestants that was chosen with this probability."""
    arena = contestants[0].arena
    prompt, _ = Prompt.objects.get_or_create(arena=arena, external_id="ring", defaults={"text": "a ring"})
    voter = Voter.objects.create(kind=kind)
    battle = Battle.objects.create(
        arena=arena,
        prompt=prompt,
        voter=voter,
        protocol=arena.protocol,
        state=BattleState.VOTED,
        policy="misorder",
        probability=probability,
        uniform_probability=uniform,
        probability_exact=exact,
        expires_at=timezone.now(),
    )
    return Ballot.objects.create(
        arena=arena,
        battle=battle,
        prompt=prompt,
        voter=voter,
        voter_kind=kind,
        contestants=[contestant.pk for contestant in contestants],
        ranks=list(ranks),
        all_bad=all_bad,
    )


def vote_by_taste(
    arena: Arena, strengths: dict[int, float], battles: int, seed: int, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    """So many battles as the arena's policy chooses them, each ranked by a voter of its own (Plackett-Luce).

    Matchmaking looks at the ballots once in every `REREAD` battles, whatever the clock says.
    """
    rng = np.random.default_rng(seed)
    monkeypatch.setattr(actions, "dice", lambda: rng)
    settings.MATCHMAKING_SECONDS = 3600
    for number in range(battles):
        if number % REREAD == 0:
            forget(arena.pk)
        voter = Voter.objects.create(kind=VoterKind.PUBLIC)
        battle = open_battle(arena=arena, voter=voter)
        assert battle is not None
        shown = [strengths[slot.candidate.revision.contestant_id] for slot in battle.slots.all()]
        felt = np.array(shown) + rng.gumbel(size=len(shown))
        ranks = [int(rank) for rank in 1 + np.argsort(np.argsort(-felt))]
        cast_ballot(voter=voter, token=tokens.issue(battle, voter.public_id), judgement=Judgement(tuple(ranks)))
    forget(arena.pk)
