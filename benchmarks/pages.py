"""How long the vote page takes: `python -m benchmarks.pages [--visits 150]`, as one JSON object.

In the test database of `DATABASE_URL`, or of the embedded server: six contestants, twenty prompts, an output of each
for each. Every visit is a new visitor's, so that each opens a battle.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence

from ranking.engines.laboratory.trials import one_thread

one_thread()  # before numpy is loaded

import numpy as np  # noqa: E402

from benchmarks.own_database import own_database  # noqa: E402

CONTESTANTS, PROMPTS, WARM_UP = 6, 20, 10


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--visits", type=int, default=150)
    options = parser.parse_args(arguments)
    with own_database():
        times = np.array(visits(options.visits)) * 1000
    print(json.dumps({"visits": len(times), "median_ms": np.median(times), "p95_ms": float(np.quantile(times, 0.95))}))


def visits(count: int) -> list[float]:
    from django.test import Client

    from arena.catalogue.models import Arena, Contestant
    from arena.generation.models import Candidate, CandidateState
    from arena.prompts.models import Prompt

    arena = Arena.objects.create(slug="pages", name="Pages", modality="text")
    prompts = [Prompt.objects.create(arena=arena, external_id=f"p{at}", text=f"ask {at}") for at in range(PROMPTS)]
    for at in range(CONTESTANTS):
        contestant = Contestant.objects.create(arena=arena, name=f"c{at}")
        revision = contestant.revisions.create(number=1, backend="imported")
        Candidate.objects.bulk_create(
            Candidate(revision=revision, prompt=prompt, seed=0, state=CandidateState.READY, text="an answer " * 40)
            for prompt in prompts
        )
    times = []
    for _ in range(count + WARM_UP):
        began = time.perf_counter()
        response = Client().get(f"/arenas/{arena.slug}/vote/")
        times.append(time.perf_counter() - began)
        assert response.status_code == 200, response.content
    return times[WARM_UP:]


if __name__ == "__main__":
    main()
