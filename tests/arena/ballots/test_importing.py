"""`manage.py import_ballots`: a file is loaded whole or not at all, and loading it again adds nothing."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError
from django.db import transaction

from arena.ballots.models import Ballot
from arena.catalogue.models import Arena, Contestant
from arena.voters.models import Voter
from tests.arena.ballots.ballot_files import FULL, SHORT, everything, refused, run, write
from tests.threads import meanwhile, wait_until_somebody_waits_for_a_lock


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "ballots.jsonl"


@pytest.mark.django_db
class TestAGoodFile:
    def test_is_stored_to_the_last_field(self, file: Path) -> None:
        out, err = run("painters", write(file, FULL))

        assert out.strip() == "1 ballots read, 1 added to painters, 0 were there already."
        assert err == ""
        ballot = Ballot.objects.get()
        names = Contestant.objects.in_bulk(ballot.contestants)
        assert [names[pk].name for pk in ballot.contestants] == FULL["items"]
        assert (ballot.ranks, ballot.all_bad, ballot.strength) == ([1, 2, 2, None], False, None)
        assert (ballot.weight, ballot.categories, ballot.protocol) == (2.5, ["people", "nature/sea"], "k-rank")
        assert (ballot.external_id, ballot.battle, ballot.supersedes) == ("b1", None, None)
        assert ballot.at == datetime(2026, 1, 31, 9, tzinfo=UTC)
        assert ballot.voter is not None
        assert (ballot.voter.external_id, ballot.voter.kind, ballot.voter_kind) == ("v9", "crowd", "crowd")
        assert ballot.voter.arena == ballot.arena
        assert ballot.prompt is not None
        assert (ballot.prompt.external_id, ballot.prompt.categories) == ("p3", ["people", "nature/sea"])

    def test_needs_no_more_than_items_and_ranks(self, file: Path) -> None:
        out, err = run("painters", write(file, SHORT, {"items": ["a", "b", "c"], "ranks": [1, None, -1]}))

        assert "2 added" in out
        assert "2 ballots have no id: importing this file again would count them again" in err
        pair, rank = Ballot.objects.order_by("pk")
        assert (pair.protocol, rank.protocol) == ("pair", "k-rank")
        assert (pair.voter, pair.voter_kind, pair.prompt, pair.weight) == (None, "public", None, 1.0)

    def test_makes_an_arena_in_which_nobody_can_vote_yet(self, file: Path) -> None:
        run("painters", write(file, SHORT))

        arena = Arena.objects.get()
        assert (arena.slug, arena.is_open) == ("painters", False)
        assert set(arena.contestants.values_list("revisions__backend", flat=True)) == {"imported"}

    def test_goes_into_an_arena_that_is_there_and_leaves_its_contestants_alone(
        self, file: Path, arena: Arena, contestants: list[Contestant]
    ) -> None:
        out, _ = run("prints", write(file, {"items": ["Zephyrine", "Cobalt"], "ranks": [2, 1]}))

        assert "1 added to prints" in out
        assert Contestant.objects.filter(arena=arena).count() == 7
        assert Ballot.objects.get().contestants[0] == contestants[0].pk
        assert Arena.objects.get().is_open

    def test_keeps_the_order_of_its_lines(self, file: Path) -> None:
        run("painters", write(file, *[SHORT | {"id": f"b{number}"} for number in range(30)]))

        assert list(Ballot.objects.order_by("pk").values_list("external_id", flat=True)) == [f"b{n}" for n in range(30)]

    def test_is_loaded_in_chunks_as_in_one(self, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("arena.ballots.importing.CHUNK", 3)
        rows = [FULL | {"id": f"b{n}", "voter": f"v{n % 4}", "prompt": f"p{n % 5}"} for n in range(20)]
        run("painters", write(file, *rows))

        assert everything() == [1, 20, 4, 5, 4]

    @pytest.mark.parametrize("end", [b"\r\n", b"\n"], ids=["crlf", "lf"])
    def test_may_come_from_any_editor(self, file: Path, end: bytes) -> None:
        """A byte order mark, Windows line ends, blank lines, no line end after the last."""
        file.write_bytes(
            b"\xef\xbb\xbf" + end.join(json.dumps(SHORT).encode() for _ in range(2)) + end + end + b" \t" + end
        )
        assert "2 ballots read, 2 added" in run("painters", file)[0]
        file.write_bytes(json.dumps(SHORT | {"id": "last"}).encode())
        assert "1 ballots read, 1 added" in run("painters", file)[0]

    def test_may_hold_any_script(self, file: Path) -> None:
        rows = {"items": ["Ольга", "織部", "🎨 x"], "ranks": [1, 2, 3], "voter": "Ж", "categories": ["мир/море"]}
        run("painters", write(file, json.dumps(rows, ensure_ascii=False)))

        assert set(Contestant.objects.values_list("name", flat=True)) == {"Ольга", "織部", "🎨 x"}

    def test_may_be_odd_and_is_then_said_to_be(self, file: Path) -> None:
        _, err = run("painters", write(file, FULL | {"mood": "sunny"}, FULL | {"mood": "sunny"}))

        assert "unknown key 'mood' is ignored" in err
        assert "counted once" in err
        assert Ballot.objects.count() == 1

    @pytest.mark.parametrize("dry_run", [False, True])
    def test_has_every_key_named_that_is_kept_nowhere(self, file: Path, dry_run: bool) -> None:
        rows = [SHORT | {"id": f"b{n}", "mood": "sunny"} | ({"weather": "rain"} if n == 2 else {}) for n in range(4)]
        _, err = run("painters", write(file, *rows), dry_run=dry_run)

        assert err.splitlines() == [
            "note: unknown key 'mood' is ignored (line 1 and 3 more)",
            "note: unknown key 'weather' is ignored (line 3)",
        ]

    @pytest.mark.parametrize(
        ("at", "read"),
        [
            ("2026-01-31T09:00:00", datetime(2026, 1, 31, 9, tzinfo=UTC)),
            ("2026-01-31 09:00:00.25", datetime(2026, 1, 31, 9, 0, 0, 250_000, tzinfo=UTC)),
            ("2026-01-31", datetime(2026, 1, 31, tzinfo=UTC)),
        ],
    )
    def test_has_a_time_without_a_zone_read_as_utc_with_a_note(self, file: Path, at: str, read: datetime) -> None:
        _, err = run("painters", write(file, FULL, FULL | {"id": "b2", "at": at}, FULL | {"id": "b3", "at": at}))

        assert err.splitlines() == ["note: at has no time zone and is read as UTC (line 2 and 1 more)"]
        assert [ballot.at for ballot in Ballot.objects.filter(external_id__in=["b2", "b3"])] == [read, read]
        assert "0 added to painters, 3 were there already" in run("painters", file)[0]

    @pytest.mark.parametrize("at", ["2026-01-31T09:00:00Z", "2026-01-31T10:00:00+01:00"])
    def test_has_a_time_with_a_zone_kept_without_a_word(self, file: Path, at: str) -> None:
        _, err = run("painters", write(file, FULL | {"at": at}))

        assert err == ""
        assert Ballot.objects.get().at == datetime(2026, 1, 31, 9, tzinfo=UTC)

    def test_says_the_same_person_of_two_kinds_is_two_voters(self, file: Path) -> None:
        run("painters", write(file, SHORT | {"voter": "x"}, SHORT | {"voter": "x", "voter_kind": "judge"}))

        assert Counter(Voter.objects.values_list("kind", flat=True)) == {"public": 1, "judge": 1}

    def test_is_announced_once(self, file: Path, django_capture_on_commit_callbacks: Any) -> None:
        with django_capture_on_commit_callbacks() as callbacks:
            run("painters", write(file, *[SHORT] * 50))
        assert len(callbacks) == 1


@pytest.mark.django_db
class TestTheSameFileAgain:
    def test_adds_nothing_and_says_so(self, file: Path, django_capture_on_commit_callbacks: Any) -> None:
        run("painters", write(file, FULL, FULL | {"id": "b2"}))
        before = everything()
        with django_capture_on_commit_callbacks() as callbacks:
            out, _ = run("painters", file)

        assert out.strip() == "2 ballots read, 0 added to painters, 2 were there already."
        assert everything() == before
        assert callbacks == []

    def test_with_more_lines_adds_those(self, file: Path) -> None:
        run("painters", write(file, FULL))
        out, _ = run("painters", write(file, FULL, FULL | {"id": "b2", "items": ["new", "sdxl"], "ranks": [1, 2]}))

        assert out.strip() == "2 ballots read, 1 added to painters, 1 were there already."
        assert Contestant.objects.count() == 5

    def test_into_another_arena_is_another_import(self, file: Path) -> None:
        run("painters", write(file, FULL))
        assert "1 added to printers" in run("printers", file)[0]

    @pytest.mark.parametrize(
        "change",
        [
            {"ranks": [2, 1, 1, None]},
            {"items": ["pixart", "sdxl", "sd15", "kandinsky"]},
            {"weight": 1.0},
            {"ranks": [None] * 4, "all_bad": True},
        ],
        ids=lambda change: "-".join(change),
    )
    def test_with_another_judgement_under_an_old_id_is_refused(self, file: Path, change: dict[str, Any]) -> None:
        run("painters", write(file, FULL))
        before = everything()
        error, lines = refused("painters", write(file, SHORT | {"id": "new"}, FULL | change))

        assert lines == [f"{file}: line 2: id 'b1' is already recorded with another content"]
        assert str(error) == "1 bad line; nothing was loaded."
        assert everything() == before

    @pytest.mark.parametrize("change", [{"prompt": "p9"}, {"voter": "v1"}, {"protocol": "rating"}], ids=str)
    def test_with_another_person_prompt_or_protocol_under_an_old_id_is_refused(
        self, file: Path, change: dict[str, Any]
    ) -> None:
        run("painters", write(file, FULL))
        refused("painters", write(file, FULL | change))

    @pytest.mark.django_db(transaction=True)
    def test_while_the_first_import_is_still_writing_is_refused_or_adds_nothing(self, file: Path) -> None:
        Arena.objects.create(slug="painters", name="Painters")
        write(file, *[FULL | {"id": f"b{number}"} for number in range(20)])

        def load() -> str:
            try:
                return run("painters", file)[0]
            except CommandError as error:
                return str(error)

        with transaction.atomic():
            run("painters", file)
            waiting = meanwhile(load)
            second = waiting.__enter__()
            wait_until_somebody_waits_for_a_lock()
        waiting.__exit__(None, None, None)

        assert everything() == [1, 20, 4, 1, 1]
        assert second.result()


@pytest.mark.django_db
class TestADryRun:
    def test_says_what_would_be_done_and_writes_nothing(self, file: Path) -> None:
        out, _ = run("painters", write(file, FULL, FULL | {"id": "b2"}), dry_run=True)

        assert out.strip() == "2 ballots read, 2 would be added to painters, 0 were there already."
        assert everything() == [0] * 5

    def test_knows_what_is_there(self, file: Path) -> None:
        run("painters", write(file, FULL))
        out, _ = run("painters", write(file, FULL, FULL | {"id": "b2"}), dry_run=True)

        assert "1 would be added to painters, 1 were there already" in out
        assert Ballot.objects.count() == 1

    def test_refuses_what_a_real_run_would_refuse(self, file: Path) -> None:
        refused("painters", write(file, SHORT | {"ranks": [0, 1]}), dry_run=True)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("name", "ballots", "contestants", "voters", "prompts", "kind", "protocol"),
    [
        ("llmfao", 8931, 59, 124, 13, "crowd", "pair"),
        ("wmt16-tur-eng", 970, 9, 33, 642, "annotator", "k-rank"),
    ],
)
def test_real_votes_are_loaded_whole_and_once(
    shared_data: Path,
    name: str,
    ballots: int,
    contestants: int,
    voters: int,
    prompts: int,
    kind: str,
    protocol: str,
) -> None:
    file = shared_data / "ballots" / f"{name}.jsonl"
    out, _ = run(name, file)
    assert out.strip() == f"{ballots} ballots read, {ballots} added to {name}, 0 were there already."
    assert everything() == [1, ballots, contestants, prompts, voters]
    assert set(Ballot.objects.values_list("voter_kind", "protocol").distinct()) == {(kind, protocol)}

    out, _ = run(name, file)
    assert out.strip() == f"{ballots} ballots read, 0 added to {name}, {ballots} were there already."
    assert everything() == [1, ballots, contestants, prompts, voters]
