"""`manage.py leaderboard`: the standings as they are now, in the form that other programs read."""

from __future__ import annotations

import json
import threading
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction

from arena.ballots.actions import retract_ballot
from arena.ballots.watermark import hold_for_writing
from arena.catalogue.models import Arena
from arena.voters.models import Voter, VoterKind
from ranking.leaderboards.models import Leaderboard, Snapshot
from tests.ranking.leaderboards.conftest import Cast
from tests.shell import manage, run
from tests.threads import PATIENCE, meanwhile

# DESIGN.md: other programs rely on these.
KEYS = {"engine", "parameters", "converged", "iterations", "ballots", "standings", "warnings"}
STANDING_KEYS = {"item", "mean", "sd", "low", "high", "rank", "rank_low", "rank_high", "p_best", "ballots"}


def said(*arguments: str) -> str:
    out = StringIO()
    call_command("leaderboard", *arguments, stdout=out)
    return out.getvalue()


def board(*arguments: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(said(*arguments, "--json"))
    return found


def refused(*arguments: str) -> str:
    with pytest.raises(CommandError) as raised:
        said(*arguments)
    assert raised.value.returncode == 2
    assert "\n" not in str(raised.value)
    return str(raised.value)


class TestAsJson:
    def test_it_has_the_keys_that_programs_rely_on(self, arena: Arena, cast: Cast) -> None:
        cast([0, 1, 2], [1, 2, 3])
        found = board("prints")

        assert set(found) == KEYS
        assert [set(entry) for entry in found["standings"]] == [STANDING_KEYS] * 3

    def test_it_is_one_line_and_nothing_else(self, arena: Arena, cast: Cast) -> None:
        cast([0, 1], [1, 2])

        assert said("prints", "--json").count("\n") == 1

    def test_it_names_the_best_first_with_intervals_that_hold_the_estimate(self, arena: Arena, cast: Cast) -> None:
        for _ in range(8):
            cast([2, 0, 1], [1, 2, 3])
        entries = board("prints")["standings"]

        assert [entry["item"] for entry in entries] == ["Ultravox", "Zephyrine", "Quorndon"]
        for entry in entries:
            assert entry["low"] < entry["mean"] < entry["high"]
            assert entry["rank_low"] <= entry["rank"] <= entry["rank_high"]
            assert 0 <= entry["p_best"] <= 1
        assert sum(entry["p_best"] for entry in entries) == pytest.approx(1)
        assert sum(entry["mean"] for entry in entries) == pytest.approx(0, abs=1e-9)

    def test_it_is_what_was_published(self, arena: Arena, cast: Cast) -> None:
        cast([0, 1], [1, 2])

        first = board("prints")
        assert first == Snapshot.objects.get().standings
        assert board("prints") == first
        assert Snapshot.objects.count() == 1

    def test_it_includes_a_ballot_of_this_moment(self, arena: Arena, cast: Cast) -> None:
        cast([0, 1], [1, 2])
        board("prints")
        cast([0, 1], [1, 2])

        assert board("prints")["ballots"] == 2

    def test_it_says_that_judges_are_left_out(self, arena: Arena, cast: Cast) -> None:
        cast([0, 1], [1, 2])
        cast([0, 1], [2, 1], voter=Voter.objects.create(kind=VoterKind.JUDGE))
        found = board("prints")

        assert found["ballots"] == 1
        assert "1 ballots by machine judges are left out" in found["warnings"]

    def test_it_can_be_of_one_category_and_what_is_below_it(self, arena: Arena, cast: Cast) -> None:
        for category, ranks in {"nature/sea": [1, 2], "nature": [1, 2], "people": [2, 1]}.items():
            cast([0, 1], list(ranks), categories=[category])

        assert board("prints", "--category", "nature")["ballots"] == 2
        assert board("prints", "--category", "nature/sea")["ballots"] == 1
        assert board("prints", "--category", "people")["standings"][0]["item"] == "Quorndon"
        assert board("prints")["ballots"] == 3


def test_as_a_table_it_is_for_people(arena: Arena, cast: Cast) -> None:
    for _ in range(3):
        cast([0, 1], [1, 2])
    lines = said("prints").splitlines()

    assert "Zephyrine" in lines[1]
    assert "Quorndon" in lines[2]
    assert "3 ballots" in said("prints")
    assert "{" not in said("prints")


class TestIsRefusedWithOneLine:
    def test_for_an_unknown_arena_naming_those_there_are(self, arena: Arena) -> None:
        assert refused("nowhere", "--json") == "there is no arena called 'nowhere'; known: prints"

    def test_where_there_is_no_arena_at_all(self, db: None) -> None:
        assert refused("nowhere") == "there is no arena called 'nowhere'; known: none yet"

    def test_for_an_unknown_category(self, arena: Arena, cast: Cast) -> None:
        cast([0, 1], [1, 2], categories=["nature"])

        assert refused("prints", "--category", "nat") == "no ballot in prints has the category 'nat'"

    def test_for_an_arena_without_ballots(self, arena: Arena) -> None:
        assert refused("prints") == "prints has no ballots that count"

    def test_for_an_arena_whose_ballots_were_all_retracted(self, arena: Arena, cast: Cast) -> None:
        ballot = cast([0, 1], [1, 2])
        assert ballot.voter is not None
        retract_ballot(voter=ballot.voter, ballot=ballot)
        refused("prints")

    @pytest.mark.django_db(transaction=True)
    def test_while_an_import_is_being_written(self, arena: Arena, cast: Cast) -> None:
        written, finish = threading.Event(), threading.Event()

        def write_slowly() -> None:
            with transaction.atomic():
                hold_for_writing(arena.pk)
                cast([0, 1], [1, 2])
                written.set()
                assert finish.wait(PATIENCE)

        with meanwhile(write_slowly):
            assert written.wait(PATIENCE)
            try:
                assert "being written" in refused("prints")
            finally:
                finish.set()


@pytest.mark.django_db(transaction=True)
class TestTheShell:
    def test_sees_the_board_on_standard_output(self, arena: Arena, cast: Cast) -> None:
        cast([0, 1], [1, 2])
        done = manage("leaderboard", "prints", "--json")

        assert (done.returncode, done.stderr) == (0, "")
        assert json.loads(done.stdout)["ballots"] == 1

    @pytest.mark.parametrize("arguments", [["nowhere"], ["prints", "--category", "none"], ["prints"]], ids=" ".join)
    def test_sees_status_2_and_one_line_when_there_is_none(self, arena: Arena, arguments: list[str]) -> None:
        done = manage("leaderboard", *arguments, "--json")

        assert (done.returncode, done.stdout) == (2, "")
        assert len(done.stderr.strip().splitlines()) == 1


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["llmfao", "wmt16-tur-eng"])
def test_real_votes_give_the_board_that_the_engines_own_command_gives(shared_data: Path, name: str) -> None:
    """To the last digit: the same ballots, in the same order, numbered in the same way."""
    file = shared_data / "ballots" / f"{name}.jsonl"
    call_command("import_ballots", name, str(file), stdout=StringIO(), stderr=StringIO())
    done = run("-m", "ranking.engines", "fit", str(file), "--engine", "plackett-luce", "--json")
    assert done.returncode == 0, done.stderr

    expected = json.loads(done.stdout)
    about_the_file = expected.pop("warnings")  # the import has told them; a board knows ballots, not lines
    found = board(name)
    assert set(found.pop("warnings")) <= set(about_the_file)

    assert found == expected
    stored = Snapshot.objects.get().standings
    assert {key: value for key, value in stored.items() if key != "warnings"} == expected


def test_an_engine_that_refuses_is_one_line(arena: Arena, cast: Cast) -> None:
    cast([0, 1], [1, 2])
    Leaderboard.objects.create(arena=arena, parameters={"prior_sd": -1.0})

    assert refused("prints", "--json").startswith("the board of prints cannot be computed: ")
