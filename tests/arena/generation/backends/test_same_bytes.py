"""What is made in a lane beside others is what is made alone, to the last byte: threads share torch and no chance."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch

from arena.catalogue.models import Arena, Contestant, ContestantRevision
from arena.demo.catalogue import DEMO_CONTESTANTS
from arena.generation.backends.local import ONE_LOADS
from arena.generation.backends.protocol import Request, Result
from arena.generation.backends.registry import get_backend
from arena.generation.models import WAITING, Candidate
from arena.generation.reproduction import reproduce
from arena.generation.worker import Station
from arena.prompts.models import Prompt
from tests.arena.generation.backends.audio import toys as audio_toys
from tests.arena.generation.backends.diffusion import toys as diffusion_toys
from tests.arena.generation.backends.text import toys as text_toys
from tests.threads import PATIENCE

TEXT = "who sat on the mat"
PAINTER = next(each.settings for each in DEMO_CONTESTANTS if each.slug == "contour-office")

Settings = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def every_local(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """One contestant of each local backend, by backend; and others that work in another way."""
    folder: Path = tmp_path_factory.mktemp("local")
    words = text_toys.llama(folder / "words", text_toys.bytes_tokenizer())
    writer = {"model": str(words), "max_new_tokens": 48, "temperature": 1.0, "top_p": 0.95}
    picture = {"model": str(diffusion_toys.text_to_image(folder / "picture")), "steps": 4, "width": 64, "height": 64}
    return {
        "transformers": writer,
        "transformers, continuous": writer | {"batching": "continuous"},
        "diffusers": picture,
        "transformers-audio": {"model": str(audio_toys.speech(folder / "speech")), "max_seconds": 1.0},
        "transformers-audio, by tokens": {"model": str(audio_toys.music(folder / "music")), "max_seconds": 1.0},
        "painter": dict(PAINTER),
    }


@pytest.fixture
def local(every_local: Settings) -> Settings:
    return dict(every_local)


@pytest.fixture(autouse=True)
def _one_thread(one_thread: None) -> None:
    pass


def made(loaded: Any) -> list[str | bytes]:
    outcomes = loaded.generate([Request(TEXT, 5), Request(TEXT + " and barked", 9)])
    assert all(isinstance(each, Result) for each in outcomes), outcomes
    return [each.text or each.media.content for each in outcomes]


@contextmanager
def half_precision() -> Iterator[None]:
    """As while another thread loads a model of half precision."""
    torch.set_default_dtype(torch.bfloat16)
    try:
        yield
    finally:
        torch.set_default_dtype(torch.float32)


@pytest.mark.parametrize(
    "name",
    [
        "transformers",
        "transformers, continuous",
        "diffusers",
        "transformers-audio",
        "transformers-audio, by tokens",
        "painter",
    ],
)
def test_no_backend_depends_on_what_loading_sets_for_the_whole_process(local: Settings, name: str) -> None:
    backend = get_backend(name.partition(",")[0])
    loaded = backend.load(backend.validate(local[name]), "cpu")
    alone = made(loaded)
    with half_precision():
        assert made(loaded) == alone


@pytest.mark.parametrize("slug", [each.slug for each in DEMO_CONTESTANTS])
def test_nor_does_any_painter_of_the_demo(slug: str) -> None:
    backend = get_backend("painter")
    settings = next(each.settings for each in DEMO_CONTESTANTS if each.slug == slug)
    request = [Request("two boats, birds and a lighthouse by a forest of leaves", 3)]
    alone = backend.load(backend.validate(settings), "cpu").generate(request)
    with half_precision():
        beside = backend.load(backend.validate(settings), "cpu").generate(request)
    assert [each.media for each in beside] == [each.media for each in alone]  # type: ignore[union-attr]


def test_one_thread_of_a_process_loads_at_a_time(local: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    from transformers import AutoModelForCausalLM

    seen: list[bool] = []
    load = AutoModelForCausalLM.from_pretrained

    def loading(*args: Any, **named: Any) -> Any:
        seen.append(ONE_LOADS.locked())
        return load(*args, **named)

    monkeypatch.setattr(AutoModelForCausalLM, "from_pretrained", loading)
    backend = get_backend("transformers")
    backend.load(backend.validate(local["transformers"]), "cpu")
    assert seen == [True]
    assert not ONE_LOADS.locked()


@pytest.mark.django_db(transaction=True)
def test_outputs_of_lanes_are_those_made_alone(
    local: Settings, arena: Arena, contestants: list[Contestant], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Contestants of all local backends begin at the same moment; each is then made once more, with nobody beside."""
    del local["transformers-audio, by tokens"]  # its 1,600 samples a second are too few to be stored
    together = threading.Barrier(len(local))
    revisions = []
    for contestant, (name, settings) in zip(contestants, local.items(), strict=False):
        revision = contestant.revisions.get()
        ContestantRevision.objects.filter(pk=revision.pk).update(backend=name.partition(",")[0], settings=settings)
        revisions.append(revision)
    prompt = Prompt.objects.create(arena=arena, external_id="p", text=TEXT)
    rows = [
        Candidate.objects.create(revision=revision, prompt=prompt, number=number, seed=number + 7, priority=WAITING)
        for revision in revisions
        for number in range(3)
    ]
    run = beginning_together(together)
    monkeypatch.setattr("arena.generation.worker.run", run)
    station = Station("cpu", 10**10)
    while station.work():
        pass
    monkeypatch.undo()

    ready = list(Candidate.objects.ready().select_related("revision", "prompt"))
    assert len(ready) == len(rows), list(Candidate.objects.values_list("failure", flat=True))
    again = list(reproduce(ready, Station("cpu", 10**10)))
    assert [each.remark for each in again if not each.same] == []
    assert {each.candidate.sha256 for each in again} == {each.sha256 for each in ready}


def beginning_together(together: threading.Barrier) -> Callable[..., Any]:
    """The first batch of each contestant waits for those of the others."""
    from arena.generation.backends.batching import run

    begun: set[int] = set()

    def begin(loaded: Any, *rest: Any) -> Any:
        if id(loaded) not in begun:
            begun.add(id(loaded))
            together.wait(PATIENCE * 3)
        return run(loaded, *rest)

    return begin
