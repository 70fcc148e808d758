"""Outputs per second: one request after another, as a script would make them, against Podium's batches.

    python -m benchmarks.generation [--device cpu] [--size 14m] [--tokens 64] [--prompts 1 8 64] [--rounds 3] [--json]

The same randomly initialised model, the same prompts, the same sampling (temperature 1), taking turns: `generate` of
transformers for each prompt by itself, then the backend `transformers` with all of them at once, in rounds; the ratio
is the median of the rounds'. Pictures in the same way with a small Stable Diffusion and the backend `diffusers`. Models
are loaded before, and each contender has worked once before it is timed. With `--page`, also how long the vote page
takes while a process like a generation worker is busy, beside the same page while none is. With `--live K`, also how
soon K contestants that somebody has asked have begun to write in one worker, all at once and one after another.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks import toys

REPOSITORY = Path(__file__).resolve().parents[1]
STEPS, SIDE = 10, 64  # of pictures
PAGES = 150  # vote pages in each state of the machine
WORDS = "the a of and harbour storm wheat fox snow glass river paints slowly under night small bright"


@dataclass(frozen=True)
class Row:
    """Medians over the rounds. unit: "tokens" or "pictures"; busy: share of the time the GPU was, None on a CPU."""

    what: str
    unit: str
    waiting: int
    sequential: float  # a second
    batched: float
    ratio: float
    busy: float | None


@dataclass(frozen=True)
class Page:
    generating: bool
    median_ms: float
    p95_ms: float


@dataclass(frozen=True)
class Live:
    """Medians over the rounds, in seconds since all were asked: until one has its first text, all have, all end."""

    asked: int
    at_once: bool
    one_begun: float
    all_begun: float
    all_ended: float


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--size", choices=list(toys.SIZES), default="14m", help="of the language model")
    parser.add_argument("--tokens", type=int, default=64, help="at most, of each answer")
    parser.add_argument("--prompts", type=int, nargs="*", default=[1, 8, 64], help="how many wait")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--no-pictures", action="store_true")
    parser.add_argument("--page", action="store_true", help="also time the vote page; needs the database")
    parser.add_argument(
        "--live", type=int, default=0, metavar="K", help="also let K answer at once; needs the database"
    )
    parser.add_argument("--burn", action="store_true", help=argparse.SUPPRESS)  # what --page runs beside the page
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        if options.burn:
            burn(Path(folder), options)
            return
        rows = measured(Path(folder), options) if options.prompts else []
        lives = live(Path(folder), options) if options.live else []
    pages = [page_times(False, options), page_times(True, options)] if options.page else []
    if options.json:
        told = {"rows": rows, "pages": pages, "live": lives}
        print(json.dumps({name: [asdict(each) for each in found] for name, found in told.items()}))
        return
    print(f"{'what':28}{'waiting':>8}{'one by one':>16}{'batched':>16}{'ratio':>8}{'GPU busy':>10}")
    for row in rows:
        rates = f"{row.sequential:>10.3g} {row.unit[:3]}/s{row.batched:>10.3g} {row.unit[:3]}/s"
        busy = "" if row.busy is None else f"{row.busy:>10.0%}"
        print(f"{row.what:28}{row.waiting:>8}{rates}{row.ratio:>8.2f}{busy}")
    for page in pages:
        state = "while a worker generates" if page.generating else "while nothing is generated"
        print(f"vote page {state}: median {page.median_ms:.0f} ms, p95 {page.p95_ms:.0f} ms")
    for each in lives:
        how = "at once" if each.at_once else "one after another"
        print(
            f"{each.asked} answers {how}: the first has begun after {each.one_begun:.2f} s, "
            f"all after {each.all_begun:.2f} s, all have ended after {each.all_ended:.2f} s"
        )


def measured(folder: Path, options: argparse.Namespace) -> list[Row]:
    sequential, batched = text_contenders(folder, options)
    rows = [
        compared(f"text, {options.size}", "tokens", waiting, sequential, batched, options)
        for waiting in options.prompts
    ]
    if options.no_pictures:
        return rows
    sequential, batched = picture_contenders(folder, options)
    return rows + [
        compared(f"pictures, {SIDE} x {SIDE}", "pictures", waiting, sequential, batched, options)
        for waiting in options.prompts
    ]


Contender = Callable[[list[str], int], int]  # prompts and a seed -> how many units were made


def compared(
    what: str, unit: str, waiting: int, sequential: Contender, batched: Contender, options: argparse.Namespace
) -> Row:
    prompts = questions(waiting)
    sequential(prompts[:1], 0)
    batched(prompts, 0)
    ones, all_at_once, busies = [], [], []
    for number in range(1, options.rounds + 1):
        ones.append(rate(sequential, prompts, number))
        with watched(options.device) as busy:
            all_at_once.append(rate(batched, prompts, number))
        busies += busy
    ratios = [quick / slow for quick, slow in zip(all_at_once, ones, strict=True)]
    return Row(
        what,
        unit,
        waiting,
        statistics.median(ones),
        statistics.median(all_at_once),
        statistics.median(ratios),
        statistics.mean(busies) if busies else None,
    )


def rate(contender: Contender, prompts: list[str], seed: int) -> float:
    began = time.perf_counter()
    made = contender(prompts, seed)
    return made / (time.perf_counter() - began)


def text_contenders(folder: Path, options: argparse.Namespace) -> tuple[Contender, Contender]:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from arena.generation.backends.batching import run
    from arena.generation.backends.protocol import Request, Result
    from arena.generation.backends.registry import get_backend

    path = toys.language_model(folder / options.size, options.size, questions(400))
    tokenizer = AutoTokenizer.from_pretrained(path)
    model = AutoModelForCausalLM.from_pretrained(path, dtype="auto").to(options.device).eval()
    backend = get_backend("transformers")
    form = backend.validate({"model": str(path), "max_new_tokens": options.tokens, "temperature": 1.0})
    loaded = backend.load(form, options.device)

    def sequential(prompts: list[str], seed: int) -> int:
        made = 0
        for number, prompt in enumerate(prompts):
            torch.manual_seed(seed * 1000 + number)
            encoded = tokenizer(prompt, return_tensors="pt").to(options.device)
            with torch.inference_mode():
                written = model.generate(
                    input_ids=encoded["input_ids"],
                    attention_mask=encoded["attention_mask"],
                    do_sample=True,
                    temperature=1.0,
                    top_k=0,
                    max_new_tokens=options.tokens,
                )
            made += written.shape[1] - encoded["input_ids"].shape[1]
        return made

    def batched(prompts: list[str], seed: int) -> int:
        made = 0
        for first in range(0, len(prompts), loaded.batch_size):
            part = prompts[first : first + loaded.batch_size]
            requests = [Request(prompt, seed * 1000 + first + number) for number, prompt in enumerate(part)]
            for outcome in run(loaded, requests)[0]:
                assert isinstance(outcome, Result), outcome
                made += outcome.measured.tokens or 0
        return made

    return sequential, batched


def picture_contenders(folder: Path, options: argparse.Namespace) -> tuple[Contender, Contender]:
    import torch
    from diffusers import StableDiffusionPipeline

    from arena.generation.backends.batching import run
    from arena.generation.backends.protocol import Request, Result
    from arena.generation.backends.registry import get_backend

    path = toys.diffusion_pipeline(folder / "diffusion")
    pipeline = StableDiffusionPipeline.from_pretrained(path, safety_checker=None).to(options.device)
    pipeline.set_progress_bar_config(disable=True)
    backend = get_backend("diffusers")
    form = backend.validate({"model": str(path), "steps": STEPS, "width": SIDE, "height": SIDE})
    loaded = backend.load(form, options.device)

    def sequential(prompts: list[str], seed: int) -> int:
        for number, prompt in enumerate(prompts):
            dice = torch.Generator().manual_seed(seed * 1000 + number)
            pipeline(prompt, num_inference_steps=STEPS, width=SIDE, height=SIDE, generator=dice)
        return len(prompts)

    def batched(prompts: list[str], seed: int) -> int:
        for first in range(0, len(prompts), loaded.batch_size):
            part = prompts[first : first + loaded.batch_size]
            requests = [Request(prompt, seed * 1000 + first + number) for number, prompt in enumerate(part)]
            for outcome in run(loaded, requests)[0]:
                assert isinstance(outcome, Result), outcome
        return len(prompts)

    return sequential, batched


def live(folder: Path, options: argparse.Namespace) -> list[Live]:
    """In a database of its own: one answer of each of K contestants, through the queue, with one station's worker."""
    from benchmarks.own_database import own_database

    path = toys.language_model(folder / "live", options.size, questions(400))
    with own_database():
        from arena.catalogue.models import Arena, Contestant
        from arena.generation import lanes
        from arena.generation.models import WAITING, Candidate
        from arena.generation.worker import Station
        from arena.prompts.models import Prompt

        arena = Arena.objects.create(slug="live", name="Live", modality="text")
        settings = {"model": str(path), "max_new_tokens": options.tokens, "temperature": 1.0}
        revisions = [
            Contestant.objects.create(arena=arena, name=f"c{at}").revisions.create(
                number=1, backend="transformers", settings=settings
            )
            for at in range(options.live)
        ]
        begun: dict[int, float] = {}
        station = Station(
            options.device, 10**12, listen=lambda candidate, text: begun.setdefault(candidate.pk, time.perf_counter())
        )

        def answered(number: int) -> tuple[float, float, float] | None:
            prompt = Prompt.objects.create(arena=arena, external_id=f"p{number}", text=questions(8)[number % 8])
            begun.clear()
            asked = time.perf_counter()
            Candidate.objects.bulk_create(
                Candidate(revision=revision, prompt=prompt, seed=100 * number + place, priority=WAITING)
                for place, revision in enumerate(revisions, 1)
            )
            while station.work():
                pass
            ended = time.perf_counter()
            if prompt.candidates.ready().count() < len(revisions):  # a random model may end before its first word
                return None
            return min(begun.values()) - asked, max(begun.values()) - asked, ended - asked

        times: dict[bool, list[tuple[float, float, float]]] = {False: [], True: []}
        most = lanes.MOST_LANES
        number = 0
        while min(map(len, times.values())) < options.rounds:  # taking turns; the first two are not counted
            at_once = bool(number % 2)
            lanes.MOST_LANES = most if at_once else 0
            found = answered(number)
            if number >= 2 and found is not None:
                times[at_once].append(found)
            number += 1
        lanes.MOST_LANES = most
    return [
        Live(options.live, at_once, *(statistics.median(column) for column in zip(*rows, strict=True)))
        for at_once, rows in times.items()
    ]


@contextmanager
def watched(device: str) -> Iterator[list[float]]:
    """Shares of the time that the GPU was busy, by the driver's count, four times a second; nothing on a CPU."""
    seen: list[float] = []
    over = threading.Event()

    def look() -> None:
        while not over.wait(0.25):
            told = subprocess.run(
                ["nvidia-smi", "--query-gpu=utilization.gpu", "--format=csv,noheader,nounits"],
                capture_output=True,
                text=True,
                check=True,
            )
            seen.append(float(told.stdout.splitlines()[0]) / 100)

    if not device.startswith("cuda"):
        yield seen
        return
    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield seen
    finally:
        over.set()
        thread.join()


def questions(count: int) -> list[str]:
    """Prompts of 3 to 40 words, always the same ones."""
    words = WORDS.split()
    return [
        " ".join(words[(number * 7 + place * place) % len(words)] for place in range(3 + number * 11 % 38))
        for number in range(count)
    ]


def burn(folder: Path, options: argparse.Namespace) -> None:
    """Generate like a worker, nicer than the pages, until the parent closes the pipe."""
    os.nice(10)
    _, batched = text_contenders(folder, options)
    batched(questions(8), 0)
    print("generating", flush=True)
    threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
    number = 0
    while True:
        number += 1
        batched(questions(64), number)


def page_times(generating: bool, options: argparse.Namespace) -> Page:
    """The vote page of a new visitor each time, one after another, from a process of its own."""
    command = [sys.executable, "-m", "benchmarks.generation", "--burn", "--size", options.size]
    command += ["--device", options.device, "--tokens", str(options.tokens)]
    burner: Any = None
    if generating:
        burner = subprocess.Popen(command, cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert burner.stdout.readline() == "generating\n"
    try:
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.pages", "--visits", str(PAGES)],
            cwd=REPOSITORY,
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        )
    finally:
        if burner is not None:
            burner.communicate("")
    times = json.loads(done.stdout)
    return Page(generating, times["median_ms"], times["p95_ms"])


if __name__ == "__main__":
    main()
