"""What choosing a battle costs, from what is known of the arena to the prompt, the set and its exact probability.

    python -m benchmarks.matchmaking [--times 40] [--json]

An arena of 500 prompts for which every contestant is ready, battles of four, beliefs after some ballots, a voter who
has judged 30 battles; the arena's own rules (a tenth for audit, floor and ceiling of exposure). Once more with a voter
who has judged 50 sets on the prompt already, which have to be left out of the probability. The database is not in
it: the page asks it for the voter, the candidates of one set and the two rows it writes, whatever the policy. Linear
algebra has one thread, as in a server with a process for each core.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from ranking.engines.laboratory.trials import one_thread

one_thread()  # before numpy is loaded

import numpy as np  # noqa: E402

from arena.matchmaking.choosing import choose  # noqa: E402
from arena.matchmaking.knowledge import Knowledge, Stock  # noqa: E402
from ranking.engines.matchmaking.choosing import Rules  # noqa: E402
from ranking.engines.matchmaking.registry import POLICIES, policy_named  # noqa: E402

PROMPTS, SIZE = 500, 4
JUDGED = (0, 50)  # sets of the same prompt that the voter has judged
GOALS = {50: 5.0, 200: 20.0}  # milliseconds


@dataclass(frozen=True)
class Row:
    policy: str
    contestants: int
    judged: int
    median_ms: float  # on the clock
    processor_ms: float  # on the processor, which other programs do not lengthen; also a median
    goal_ms: float


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--times", type=int, default=40, help="battles chosen for each figure")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    rows = [measured(name, count, judged, options.times) for count in GOALS for judged in JUDGED for name in POLICIES]
    if options.json:
        print(json.dumps([asdict(row) for row in rows]))
        return
    print(f"{'policy':24}{'contestants':>12}{'judged':>8}{'clock ms':>10}{'processor ms':>14}{'goal ms':>9}")
    for row in rows:
        times = f"{row.median_ms:>10.2f}{row.processor_ms:>14.2f}{row.goal_ms:>9g}"
        met = "met" if row.processor_ms <= row.goal_ms else "not met"
        print(f"{row.policy:24}{row.contestants:>12}{row.judged:>8}{times}  {met}")


def measured(name: str, contestants: int, judged: int, times: int) -> Row:
    """Battles opened one after another, each noted as open, the first one (which compiles) not counted."""
    known, rng = arena(contestants), np.random.default_rng(1)
    clock, processor = [], []
    policy = policy_named(name)
    lately = [some(contestants, rng) for _ in range(12)]
    seen = {prompt: [some(contestants, rng)] for prompt in range(30)}
    if judged:  # on every prompt, as it is not known which comes
        sets = [some(contestants, rng) for _ in range(judged)]
        seen = dict.fromkeys(range(PROMPTS), sets)
    for _ in range(times + 1):
        started, worked = time.perf_counter(), time.thread_time()
        choice = choose(
            known,
            size=SIZE,
            policy=policy,
            rules=Rules(audit=0.0),
            audit=0.1,
            prompt_choice="least-judged",
            quota={},
            seen=seen,
            lately=lately,
            rng=rng,
        )
        assert choice is not None
        known.note(choice.prompt, choice.contestants)
        clock.append((time.perf_counter() - started) * 1000)
        processor.append((time.thread_time() - worked) * 1000)
    return Row(
        name, contestants, judged, float(np.median(clock[1:])), float(np.median(processor[1:])), GOALS[contestants]
    )


def some(contestants: int, rng: np.random.Generator) -> frozenset[int]:
    return frozenset(rng.permutation(contestants)[:SIZE].tolist())


def arena(contestants: int) -> Knowledge:
    rng = np.random.default_rng(contestants)
    root = rng.normal(size=(contestants, contestants)) * 0.02
    return Knowledge(
        stock=Stock(
            contestants=np.arange(contestants),
            apart=("",) * contestants,
            weights=np.ones(contestants),
            prompts=np.arange(PROMPTS),
            categories=((),) * PROMPTS,
            judged=np.zeros(PROMPTS, np.int64),
            ready=np.ones((PROMPTS, contestants), np.bool_),
        ),
        mean=rng.normal(size=contestants),
        covariance=root @ root.T + np.diag(rng.uniform(0.05, 0.3, contestants)),
        shown=rng.poisson(40, contestants),
        met=np.zeros((contestants, contestants), np.int64),
        newcomers=np.zeros(contestants, np.bool_),
        busy=np.zeros(contestants, np.int64),
    )


if __name__ == "__main__":
    main()
