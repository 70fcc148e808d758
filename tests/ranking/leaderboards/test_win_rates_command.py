"""`manage.py win_rates`: the numbers of the page as they are now, for people and for programs."""

from __future__ import annotations

import json
import threading
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction

from arena.ballots.watermark import hold_for_writing
from arena.catalogue.models import Arena, Contestant
from ranking.leaderboards.models import Snapshot
from tests.ranking.leaderboards.battles import fight
from tests.ranking.leaderboards.conftest import Cast
from tests.shell import manage
from tests.threads import PATIENCE, meanwhile

# docs/reference/commands.md: other programs rely on these.
KEYS = {
    "snapshot", "engine", "estimator", "clip", "level", "ballots", "without_battle", "by_judges", "unranked",
    "partly_ranked", "estimated", "clipped", "win_rates", "warnings",
}  # fmt: skip
ROW_KEYS = {
    "item", "rate", "error", "low", "high", "as_shown", "model", "model_low", "model_high", "battles", "effective",
}  # fmt: skip


def said(*arguments: str) -> str:
    out = StringIO()
    call_command("win_rates", *arguments, stdout=out)
    return out.getvalue()


def rates(*arguments: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(said(*arguments, "--json"))
    return found


def refused(*arguments: str) -> str:
    with pytest.raises(CommandError) as raised:
        said(*arguments)
    assert raised.value.returncode == 2
    assert "\n" not in str(raised.value)
    return str(raised.value)


class TestAsJson:
    def test_it_has_the_keys_that_programs_rely_on(self, contestants: list[Contestant]) -> None:
        fight(contestants[:3], [1, 2, 3])
        found = rates("prints")

        assert set(found) == KEYS
        assert [set(row) for row in found["win_rates"]] == [ROW_KEYS] * 3
        assert found["snapshot"] == str(Snapshot.objects.get().public_id)
        assert (found["engine"], found["estimator"], found["clip"], found["level"]) == (
            "plackett-luce", "hajek", 10.0, 0.95,
        )  # fmt: skip

    def test_it_is_one_line_of_strict_json_whatever_is_missing(self, contestants: list[Contestant]) -> None:
        fight(contestants[:2], [1, 2])
        fight(contestants[2:4], [None, None], all_bad=True)
        printed = said("prints", "--json", "--clip", "inf")

        assert printed.count("\n") == 1
        assert "NaN" not in printed
        assert "Infinity" not in printed
        assert json.loads(printed)["clip"] is None

    def test_it_includes_a_ballot_of_this_moment(self, contestants: list[Contestant]) -> None:
        fight(contestants[:2], [1, 2])
        assert rates("prints")["ballots"] == 1
        fight(contestants[:2], [2, 1])

        assert rates("prints")["ballots"] == 2
        assert Snapshot.objects.count() == 2

    def test_it_follows_the_options(self, contestants: list[Contestant]) -> None:
        fight(contestants[:2], [1, 2], probability=0.01)
        fight(contestants[:2], [2, 1])
        cut = rates("prints", "--clip", "4")
        other = rates("prints", "--estimator", "horvitz-thompson")

        assert (cut["clip"], cut["clipped"]) == (4, 1)
        assert cut["win_rates"][0]["rate"] == pytest.approx(4 / 5)
        assert other["estimator"] == "horvitz-thompson"
        assert other["win_rates"][0]["rate"] == pytest.approx(10 / 2)


def test_as_a_table_it_is_for_people(contestants: list[Contestant], cast: Cast) -> None:
    for _ in range(3):
        fight(contestants[:2], [1, 2])
    fight(contestants[:2], [None, None], all_bad=True)
    cast([0, 1], [1, 2])
    lines = said("prints").splitlines()

    assert lines[0].split()[:3] == ["contestant", "win", "rate"]
    assert lines[1].split()[:2] == ["Zephyrine", "1.000"]
    assert lines[2].split()[:2] == ["Quorndon", "0.000"]
    assert lines[3] == "hajek, 4 ballots on battles, 1 without one left out, 0 weights cut (limit 10)"
    assert lines[4] == "note: 1 ballots rank nobody and are in no win rate"
    assert len(lines) == 5


def test_a_name_cannot_command_a_terminal(contestants: list[Contestant]) -> None:
    Contestant.objects.filter(pk=contestants[0].pk).update(name="red \x1b[31m")
    fight(contestants[:2], [1, 2])

    assert "\x1b" not in said("prints")


class TestIsRefusedWithOneLine:
    def test_for_an_unknown_arena_naming_those_there_are(self, arena: Arena) -> None:
        assert refused("nowhere", "--json") == "there is no arena called 'nowhere'; known: prints"

    def test_for_an_arena_without_ballots(self, arena: Arena) -> None:
        assert refused("prints") == "prints has no ballots that count"

    def test_for_an_arena_with_imported_ballots_alone(self, arena: Arena, cast: Cast) -> None:
        cast([0, 1], [1, 2])

        assert refused("prints") == "none of the 1 ballots of prints has a battle, so none has a probability"

    @pytest.mark.parametrize("clip", ["0.5", "nan", "-inf"])
    def test_for_a_clip_below_one(self, contestants: list[Contestant], clip: str) -> None:
        fight(contestants[:2], [1, 2])

        assert refused("prints", f"--clip={clip}").startswith("clip must be at least 1")

    @pytest.mark.parametrize("option", ["--clip=ten", "--estimator=mean"])
    def test_for_an_option_that_makes_no_sense(self, arena: Arena, option: str) -> None:
        with pytest.raises(CommandError, match=r"argument --(clip|estimator): invalid"):
            said("prints", option)

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
    def test_sees_the_rates_on_standard_output(self, contestants: list[Contestant]) -> None:
        fight(contestants[:2], [1, 2])
        done = manage("win_rates", "prints", "--json")

        assert (done.returncode, done.stderr) == (0, "")
        assert json.loads(done.stdout)["ballots"] == 1

    def test_sees_status_2_and_one_line_when_there_is_none(self, arena: Arena) -> None:
        done = manage("win_rates", "prints", "--json")

        assert (done.returncode, done.stdout) == (2, "")
        assert len(done.stderr.strip().splitlines()) == 1
