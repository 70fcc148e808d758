"""`generate` queues, follows and reports; `regenerate --check` makes outputs once more."""

from __future__ import annotations

import io
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from arena.catalogue.actions import register_revision
from arena.catalogue.models import Arena, Contestant, ContestantRevision
from arena.generation.models import WAITING, Candidate, CandidateState
from arena.generation.worker import Station
from arena.management.commands import generate, regenerate
from arena.prompts.models import Prompt
from tests.arena.generation import clockwork


@pytest.fixture(autouse=True)
def _stations(clockwork_backend: None, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (generate, regenerate):
        monkeypatch.setattr(module, "station_for", lambda **options: clockwork.new_station(**options))
    monkeypatch.setattr(generate, "_EVERY", 0.0)
    monkeypatch.setattr(generate, "start_pumps", lambda: None)


def told(command: str, *arguments: str, **options: Any) -> tuple[str, str]:
    out, err = io.StringIO(), io.StringIO()
    call_command(command, *arguments, stdout=out, stderr=err, **options)
    return out.getvalue(), err.getvalue()


def refused(command: str, *arguments: str) -> tuple[str, int]:
    with pytest.raises(CommandError) as refusal:
        told(command, *arguments)
    return str(refusal.value), refusal.value.returncode


class TestGenerate:
    def test_queues_what_is_missing_and_makes_it_here(self, queue: list[Candidate]) -> None:
        Candidate.objects.all().delete()
        out, err = told("generate", "prints", "--here")

        assert "18 outputs queued" in out
        assert out.splitlines()[-1].startswith("18 of 18 ready (100 %)")
        assert err == ""
        assert Candidate.objects.ready().count() == 18

    def test_goes_on_where_it_stopped(self, station: Station, queue: list[Candidate]) -> None:
        station.work()
        out, _ = told("generate", "prints", "--here")

        assert "0 outputs queued" in out
        assert "3 of 18 ready (16 %)" in out
        assert Candidate.objects.ready().count() == 18
        assert set(Candidate.objects.values_list("attempts", flat=True)) == {1}

    def test_keeps_more_of_each_where_it_is_asked_to(self, queue: list[Candidate]) -> None:
        out, _ = told("generate", "prints", "--each", "2", "--no-wait")

        assert "18 outputs queued" in out
        assert Candidate.objects.count() == 36
        assert Arena.objects.get().candidates_per_prompt == 2

    def test_works_for_its_own_arena_alone(self, queue: list[Candidate]) -> None:
        other = Arena.objects.create(slug="other", name="Other")
        Prompt.objects.create(arena=other, external_id="p", text="a bridge")
        Contestant.objects.create(arena=other, name="Umber").revisions.create(number=1, backend="clockwork")
        told("generate", "other", "--here")

        assert Candidate.objects.ready().count() == 1

    def test_says_what_failed_and_why_most_frequent_first(self, queue: list[Candidate]) -> None:
        ContestantRevision.objects.filter(contestant__name="Quorndon").update(settings={"mood": "permanent"})
        ContestantRevision.objects.filter(contestant__name="Malachite").update(settings={"mood": "picky"})
        Candidate.objects.filter(pk=queue[3].pk).update(state=CandidateState.READY)  # two may be odd, but not three
        out, err = io.StringIO(), io.StringIO()
        with pytest.raises(CommandError, match="then: generate prints --retry-failed"):
            call_command("generate", "prints", "--here", stdout=out, stderr=err)

        odd = Candidate.objects.filter(state=CandidateState.FAILED, failure="an odd seed").count()
        assert err.getvalue().splitlines()[0] == "3 × Quorndon: a permanent failure"
        assert (f"{odd} × Malachite: an odd seed" in err.getvalue()) == (odd > 0)

    def test_does_not_count_failures_that_cannot_be_tried_again(self, queue: list[Candidate]) -> None:
        """Of a prompt that somebody asked, of an earlier revision, of a prompt that was taken out."""
        asked, earlier, out = queue[0].pk, queue[1].pk, queue[-1].pk
        Candidate.objects.filter(pk__in=[asked, earlier, out]).update(state=CandidateState.FAILED, failure="no disk")
        Candidate.objects.filter(pk=asked).update(priority=WAITING)
        register_revision(contestant=queue[1].revision.contestant, backend="clockwork", settings={})
        Prompt.objects.filter(pk=queue[-1].prompt_id).update(is_active=False)
        _, err = told("generate", "prints", "--here", "--retry-failed")

        assert err == ""
        assert Candidate.objects.filter(state=CandidateState.FAILED).count() == 3

    def test_wakes_the_workers_at_once_unless_it_makes_the_outputs_itself(
        self, queue: list[Candidate], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        woken: list[int] = []
        monkeypatch.setattr(generate, "start_pumps", lambda: woken.append(Candidate.objects.count()))
        Candidate.objects.all().delete()
        told("generate", "prints", "--no-wait")
        assert woken == [18]
        told("generate", "prints", "--here")
        assert woken == [18]

    def test_tries_what_failed_again(self, queue: list[Candidate]) -> None:
        Candidate.objects.filter(pk=queue[0].pk).update(state=CandidateState.FAILED, attempts=3, failure="no disk")
        out, _ = told("generate", "prints", "--here", "--retry-failed")

        assert "1 that had failed queued again" in out
        assert Candidate.objects.ready().count() == 18

    @pytest.mark.parametrize(
        ("arguments", "reason"),
        [
            (["elsewhere"], "there is no arena called 'elsewhere'; there are: prints"),
            (["prints", "--each", "0"], "between 1 and 1000"),
            (["prints", "--here", "--no-wait"], "give one"),
        ],
    )
    def test_refuses_in_one_clear_line(self, queue: list[Candidate], arguments: list[str], reason: str) -> None:
        message, status = refused("generate", *arguments)
        assert reason in message
        assert status == 2

    def test_says_where_nothing_can_be_made(self, arena: Arena) -> None:
        assert refused("generate", "prints") == (
            "Prints has no active contestant with a backend that makes outputs; add one in the admin.",
            2,
        )


class TestRegenerate:
    @pytest.fixture
    def made(self, station: Station, queue: list[Candidate]) -> None:
        while station.work():
            pass

    @pytest.mark.usefixtures("made")
    def test_finds_the_same_bytes(self) -> None:
        out, _ = told("regenerate", "prints", "--check", "--sample", "18")

        assert out.count("the same bytes") == 18
        assert "18 the same, 0 different, 0 not tried" in out
        assert Candidate.objects.ready().count() == 18

    @pytest.mark.usefixtures("made")
    def test_repeats_the_whole_batch(self) -> None:
        told("regenerate", "prints", "--check", "--sample", "1")
        assert clockwork.batches == [3]

    @pytest.mark.usefixtures("made")
    def test_finds_another_output_and_says_what_else_differs(self) -> None:
        changed = Candidate.objects.ready()[0]
        Candidate.objects.filter(pk=changed.pk).update(sha256="0" * 64, library_versions={"clockwork": "0.9"})
        out = io.StringIO()
        with pytest.raises(CommandError, match="1 of 18 outputs did not come out") as refusal:
            call_command("regenerate", "prints", "--check", "--sample", "18", stdout=out)

        assert refusal.value.returncode == 1
        assert "DIFFERENT (clockwork was 0.9, is 1.0)" in out.getvalue()
        assert out.getvalue().count("the same bytes") == 17

    @pytest.mark.usefixtures("made")
    def test_draws_the_same_sample_for_the_same_seed(self) -> None:
        first, again, other = (told("regenerate", "prints", "--check", "--seed", seed)[0] for seed in ("1", "1", "2"))
        assert first == again != other

    @pytest.mark.usefixtures("made")
    def test_tries_one_contestant_alone(self) -> None:
        out, _ = told("regenerate", "prints", "--check", "--contestant", "Malachite")
        assert out.count("Malachite r1 on") == 3
        assert "3 the same, 0 different" in out

    @pytest.mark.usefixtures("made")
    def test_does_not_try_what_cannot_be_repeated(self, monkeypatch: pytest.MonkeyPatch) -> None:
        Candidate.objects.update(job=None)
        message, status = refused("regenerate", "prints", "--check")
        assert message == "no output could be tried: there are none, or none that can be made again"
        assert status == 2
        monkeypatch.setattr(type(clockwork.CLOCKWORK), "reproducible", False)
        assert refused("regenerate", "prints", "--check")[1] == 2

    def test_refuses_in_one_clear_line(self, arena: Arena) -> None:
        assert refused("regenerate", "elsewhere", "--check") == ("there is no arena called 'elsewhere'", 2)
        assert refused("regenerate", "prints", "--check", "--sample", "0")[1] == 2
        assert refused("regenerate", "prints", "--check", "--contestant", "Nobody") == (
            "Prints has no contestant called 'Nobody'",
            2,
        )
