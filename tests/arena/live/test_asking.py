"""Asking: from the form to a battle whose outputs are in the queue, and everything that is refused on the way."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from arena.ballots.models import Ballot
from arena.battles.models import Battle, BattleState
from arena.catalogue.models import Arena, ContestantRevision
from arena.generation.actions import plan_candidates
from arena.generation.models import WAITING, Candidate, CandidateState
from arena.live.limits import VOTERS_AT_ONE_ADDRESS
from arena.live.models import Review
from arena.models import User
from arena.prompts.models import Origin, Prompt
from tests.arena.live.asker import PROMPT, Asker, picture, refused, upload
from tests.arena.live.conftest import NAMES
from tests.clock import Clock
from tests.threads import at_once
from tests.visitor import JSON

pytestmark = pytest.mark.usefixtures("committed")
Work = Callable[[], int]


def test_a_prompt_becomes_a_battle_with_its_candidates_before_all_others_in_the_queue(
    live_arena: Arena, asker: Asker, pumps: list[int]
) -> None:
    battle = asker.battle(live_arena)

    assert (battle.state, battle.prompt.text) == (BattleState.PREPARING, PROMPT)
    assert (battle.prompt.origin, battle.prompt.asked_by) == (Origin.LIVE, battle.voter)
    assert 0 < battle.probability <= 1
    assert battle.uniform_probability == pytest.approx(1 / 20), "three of six, the prompt being given"
    candidates = [slot.candidate for slot in battle.slots.all()]
    assert len({candidate.revision.contestant_id for candidate in candidates}) == 3
    assert {(candidate.state, candidate.priority) for candidate in candidates} == {(CandidateState.QUEUED, WAITING)}
    assert pumps, "somebody was told to work"


def test_a_contestant_needs_no_outputs_beforehand(live_arena: Arena, asker: Asker, work: Work) -> None:
    newcomer = ContestantRevision.objects.filter(contestant__name=NAMES[0])
    newcomer.update(backend="imported")
    Prompt.objects.create(arena=live_arena, external_id="p", text="a bridge")
    plan_candidates(live_arena)
    assert work() == 5
    newcomer.update(backend="chatty")
    Arena.objects.update(least_coverage=1.0, battle_size=6)
    assert "No battle is left" in asker.open(live_arena).html, "five cover the arena's own prompts"

    live_arena.refresh_from_db()
    asked = asker.battle(live_arena)
    assert {slot.candidate.revision.contestant.name for slot in asked.slots.all()} == set(NAMES)


def test_the_whole_path_without_javascript(live_arena: Arena, asker: Asker, work: Work) -> None:
    battle = asker.battle(live_arena)
    waiting = asker.look(battle)
    assert 'http-equiv="refresh"' in waiting.content.decode()
    assert asker.open(live_arena).response.headers["Location"].endswith(f"/asked/{battle.public_id}/")

    assert work() == 3

    ready = asker.look(battle)
    assert (ready.status_code, ready.headers["Location"]) == (303, "/arenas/sayings/vote/")
    ballot = asker.vote(live_arena, 1, 2, None)
    assert (ballot.battle, ballot.prompt) == (battle, battle.prompt)
    battle.refresh_from_db()
    assert battle.state == BattleState.VOTED


def test_what_a_voter_asked_is_nobody_elses_battle_and_no_work_for_the_backfill(
    live_arena: Arena, asker: Asker, work: Work
) -> None:
    asker.battle(live_arena)
    work()

    assert plan_candidates(live_arena) == 0
    assert "No battle is left" in Asker().open(live_arena).html


def test_an_open_battle_is_skipped_for_the_prompt(live_arena: Arena, asker: Asker, work: Work) -> None:
    Prompt.objects.create(arena=live_arena, external_id="p", text="a bridge")
    plan_candidates(live_arena)
    work()
    before = asker.open(live_arena).battle
    asked = asker.battle(live_arena)

    before.refresh_from_db()
    assert (before.state, before.skip_reason) == (BattleState.SKIPPED, "asked")
    assert Battle.objects.open().get() == asked


def test_the_same_prompt_again_is_the_same_battle(live_arena: Arena, asker: Asker) -> None:
    assert asker.battle(live_arena) == asker.battle(live_arena)
    assert Prompt.objects.count() == 1


def test_another_prompt_has_to_wait_for_the_first(live_arena: Arena, asker: Asker) -> None:
    asker.battle(live_arena)
    response = asker.ask(live_arena, "something else")

    assert response.status_code == 409
    assert "still being answered" in response.content.decode()
    assert Prompt.objects.count() == 1


def test_cancelling_takes_the_candidates_from_the_queue(live_arena: Arena, asker: Asker, work: Work) -> None:
    battle = asker.battle(live_arena)
    page = asker.look(battle).content.decode()
    token = page.partition('name="token" value="')[2].partition('"')[0]
    asker.client.post("/arenas/sayings/skips/", {"token": token, "reason": "cancelled"})

    battle.refresh_from_db()
    assert (battle.state, battle.skip_reason) == (BattleState.SKIPPED, "cancelled")
    assert work() == 0


def test_a_ballot_before_the_answers_are_complete_is_refused(live_arena: Arena, asker: Asker) -> None:
    battle = asker.battle(live_arena)
    page = asker.look(battle).content.decode()
    token = page.partition('name="token" value="')[2].partition('"')[0]
    ranks = {"rank_a": "1", "rank_b": "2", "rank_c": "3"}
    response = asker.client.post("/arenas/sayings/ballots/", {"token": token, **ranks}, headers=JSON)

    assert (response.status_code, response.json()["code"]) == (409, "battle_closed")
    assert not Ballot.objects.exists()


@pytest.mark.parametrize("text", ["", "  \n "])
def test_an_empty_prompt_is_refused(live_arena: Arena, asker: Asker, text: str) -> None:
    refused(asker.ask(live_arena, text), 422, "The prompt is empty.")


def test_a_prompt_that_is_too_long_is_refused_and_kept_in_the_form(live_arena: Arena, asker: Asker) -> None:
    live_arena.live_prompt_length = 20
    live_arena.save()
    refused(asker.ask(live_arena), 422, "has 34 characters; 20 are allowed", PROMPT)


def test_lines_count_once_however_the_browser_ends_them(live_arena: Arena, asker: Asker) -> None:
    live_arena.live_prompt_length = 5
    live_arena.save()
    assert asker.battle(live_arena, "ab\r\ncd").prompt.text == "ab\ncd"


def test_too_few_who_can_answer_is_said(live_arena: Arena, asker: Asker) -> None:
    ContestantRevision.objects.exclude(contestant__name__startswith="Z").update(backend="imported")
    refused(asker.ask(live_arena), 409, "3 contestants have to answer, and only 1 can", PROMPT)


@pytest.mark.parametrize(
    ("change", "code"),
    [({"live_prompts": False}, "no_live_prompts"), ({"is_open": False}, "voting_closed")],
)
def test_an_arena_that_takes_no_prompts_says_so(
    live_arena: Arena, asker: Asker, change: dict[str, bool], code: str
) -> None:
    Arena.objects.update(**change)
    response = asker.client.post("/arenas/sayings/ask/", {"text": PROMPT}, headers=JSON)

    assert (response.status_code, response.json()["code"]) == (403, code)
    assert not Prompt.objects.exists()


def test_only_arenas_that_take_prompts_offer_it(live_arena: Arena, asker: Asker) -> None:
    assert "/arenas/sayings/ask/" in asker.open(live_arena).html
    Arena.objects.update(live_prompts=False)
    assert "/arenas/sayings/ask/" not in asker.open(live_arena).html


class TestTheRate:
    @pytest.fixture(autouse=True)
    def _two_an_hour(self, live_arena: Arena, work: Work) -> None:
        live_arena.live_prompts_per_hour = 2
        live_arena.save()
        self.arena, self.work = live_arena, work

    def spend(self, asker: Asker, count: int = 2) -> None:
        for number in range(count):
            asker.battle(self.arena, f"{PROMPT} {number}")
            self.work()

    def test_is_limited_for_a_voter(self, asker: Asker, clock: Clock) -> None:
        self.spend(asker)
        response = asker.ask(self.arena, "a third")

        assert response.status_code == 429
        assert "You have asked 2 prompts within an hour" in response.content.decode()
        assert ">a third</textarea>" in response.content.decode()
        clock.advance(minutes=61)
        assert asker.ask(self.arena, "a third").status_code == 303

    def test_counts_refused_prompts_too(self, asker: Asker, settings: Any, tmp_path: Path) -> None:
        settings.MODERATION_WORDS = str(tmp_path / "words")
        (tmp_path / "words").write_text("drat\n")
        assert [asker.ask(self.arena, "drat it").status_code for _ in range(3)] == [422, 422, 429]

    def test_is_limited_for_an_address_whose_voters_lose_their_cookies(self) -> None:
        most = 2 * VOTERS_AT_ONE_ADDRESS
        answers = [Asker().ask(self.arena, f"{number}").status_code for number in range(most + 1)]
        assert answers == [303] * most + [429]

    def test_counts_an_ipv6_visitor_by_the_network(self) -> None:
        def answers(*addresses: str) -> list[int]:
            asked = []
            for address in addresses:
                somebody = Asker()
                somebody.client.defaults["REMOTE_ADDR"] = address
                asked.append(somebody.ask(self.arena).status_code)
            return asked

        most = 2 * VOTERS_AT_ONE_ADDRESS
        assert answers(*[f"2001:db8:0:7:{number:x}::1" for number in range(most + 1)]) == [303] * most + [429]
        assert answers("2001:db8:0:8::1") == [303]

    def test_counts_pictures_that_came_to_nothing_more_generously(self) -> None:
        Arena.objects.update(modality="image-edit")
        account = Asker()
        account.client.force_login(User.objects.create_user("ada"))
        for tries in (account, Asker()):
            answers = [tries.ask(self.arena, picture=upload(picture()[:-30])).status_code for _ in range(7)]
            assert answers == [422] * 6 + [429]

    def test_of_accounts_is_their_own(self) -> None:
        for number in range(2 * VOTERS_AT_ONE_ADDRESS + 1):
            account = Asker()
            account.client.force_login(User.objects.create_user(f"ada{number}"))
            assert account.ask(self.arena).status_code == 303


def test_a_form_of_another_site_is_refused(live_arena: Arena) -> None:
    strict = Client(enforce_csrf_checks=True)
    assert strict.post("/arenas/sayings/ask/", {"text": PROMPT}).status_code == 403
    assert not Prompt.objects.exists()
    page = strict.get("/arenas/sayings/ask/").content.decode()
    token = page.partition('name="csrfmiddlewaretoken" value="')[2].partition('"')[0]
    assert strict.post("/arenas/sayings/ask/", {"text": PROMPT, "csrfmiddlewaretoken": token}).status_code == 303


def test_a_prompt_of_somebody_else_looks_as_if_it_did_not_exist(live_arena: Arena, asker: Asker, work: Work) -> None:
    battle = asker.battle(live_arena)
    stranger = Asker()
    stranger.open(live_arena)

    assert stranger.look(battle).status_code == 404


def test_no_review_and_no_candidate_without_a_prompt(live_arena: Arena, asker: Asker) -> None:
    asker.ask(live_arena, "")
    assert (Review.objects.count(), Candidate.objects.count()) == (0, 0)


@pytest.mark.django_db(transaction=True)
def test_two_tabs_at_once_ask_once(live_arena: Arena, asker: Asker) -> None:
    asker.open(live_arena)
    answers = at_once(*[lambda: asker.ask(live_arena)] * 2)

    assert [answer.status_code for answer in answers] == [303, 303]
    assert answers[0].headers["Location"] == answers[1].headers["Location"]
    assert Prompt.objects.count() == Battle.objects.filter(state=BattleState.PREPARING).count() == 1
    assert Candidate.objects.count() == 3


def test_a_program_is_told_the_code_instead_of_the_form(live_arena: Arena, asker: Asker) -> None:
    response = asker.client.post("/arenas/sayings/ask/", {"text": ""}, headers=JSON)

    assert (response.status_code, response.json()["code"]) == (422, "prompt_unfit")
