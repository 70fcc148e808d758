"""How old the beliefs are on which battles are chosen, while many people vote.

    python -m benchmarks.freshness [--seconds 30] [--visitors 6] [--contestants 200] [--in-flight 500]

A database of its own (the test database of `DATABASE_URL`, or of the embedded server) with an arena of 200 contestants,
500 prompts, an output of each contestant for each prompt and a published board of 200,000 ballots. So many visitors at
a time, each a thread of one server process, open the vote page and cast a ballot on it without a pause, as fast as the
machine lets them; the given number of other battles stays open meanwhile. The age of the beliefs is counted at each
choice from the moment their reading began, so that the reading's own duration is part of it.
"""

from __future__ import annotations

import argparse
import json
import re
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ranking.engines.laboratory.trials import one_thread

one_thread()  # before numpy is loaded

import django  # noqa: E402

from config import celery  # noqa: E402, F401  (names the settings)

django.setup()

import numpy as np  # noqa: E402
from django.conf import settings  # noqa: E402
from django.db import connection, connections  # noqa: E402
from django.test import Client  # noqa: E402

from arena.battles import actions  # noqa: E402
from arena.catalogue.models import Arena, Contestant, ContestantRevision  # noqa: E402
from arena.generation.models import Candidate, CandidateState  # noqa: E402
from arena.matchmaking import keeping  # noqa: E402
from arena.prompts.models import Prompt  # noqa: E402
from arena.voters.models import Voter  # noqa: E402
from benchmarks.own_database import own_database  # noqa: E402
from ranking.leaderboards.actions import publish  # noqa: E402
from ranking.leaderboards.models import Leaderboard  # noqa: E402

PROMPTS, SIZE, BALLOTS = 500, 4, 200_000
WARM_UP = 3.0  # seconds that are not counted


@dataclass(frozen=True)
class Age:
    """Seconds; page: until a vote page was answered, choices: how many ages were taken."""

    visitors: int
    contestants: int
    in_flight: int
    choices: int
    median: float
    p99: float
    longest: float
    over_a_second: float  # share
    page_median: float
    page_p95: float


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=30.0, help="how long is measured")
    parser.add_argument("--visitors", type=int, default=6, help="at a time")
    parser.add_argument("--contestants", type=int, default=200)
    parser.add_argument("--in-flight", type=int, nargs="+", default=[0, 500, 1000], help="open battles of others")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    with own_database():
        arena = filled(options.contestants)
        rows = []
        for in_flight in sorted(options.in_flight):
            leave_open(arena, in_flight)
            rows.append(measured(arena, options.visitors, options.seconds, in_flight))
    if options.json:
        print(json.dumps([asdict(row) for row in rows]))
        return
    columns = [("in flight", 9), ("choices", 9), ("age median", 12), ("p99", 8), ("longest", 9), ("over 1 s", 10)]
    print("".join(f"{name:>{width}}" for name, width in [*columns, ("page p50", 10), ("p95", 8)]))
    for row in rows:
        ages = f"{row.median:>10.2f} s{row.p99:>6.2f} s{row.longest:>7.2f} s{row.over_a_second:>10.2%}"
        print(
            f"{row.in_flight:>9}{row.choices:>9}{ages}{row.page_median * 1000:>7.0f} ms{row.page_p95 * 1000:>5.0f} ms"
        )


def filled(contestants: int) -> Arena:
    """The arena with outputs, ballots and a board."""
    arena = Arena.objects.create(slug="crowded", name="Crowded", modality="text", battle_size=SIZE)
    made = Contestant.objects.bulk_create(Contestant(arena=arena, name=f"c{at}") for at in range(contestants))
    revisions = ContestantRevision.objects.bulk_create(
        ContestantRevision(contestant=contestant, number=1, backend="imported", settings={}) for contestant in made
    )
    prompts = Prompt.objects.bulk_create(
        Prompt(arena=arena, external_id=f"p{at}", text=f"question {at}") for at in range(PROMPTS)
    )
    for prompt in prompts:
        Candidate.objects.bulk_create(
            Candidate(prompt=prompt, revision=revision, seed=0, state=CandidateState.READY, text="an answer")
            for revision in revisions
        )
    with connection.cursor() as cursor:
        voter = Voter.objects.create(kind="public")
        rng = np.random.default_rng(1)
        strength = dict(zip([contestant.pk for contestant in made], rng.normal(size=contestants), strict=True))
        ids = np.array(list(strength))
        utilities = np.array(list(strength.values()))
        shown = rng.permuted(np.tile(np.arange(contestants), (BALLOTS, 1)), axis=1)[:, :SIZE]
        ranks = 1 + np.argsort(np.argsort(-(utilities[shown] + rng.gumbel(size=shown.shape)), axis=1), axis=1)
        rows = [(arena.pk, voter.pk, who, rank) for who, rank in zip(ids[shown].tolist(), ranks.tolist(), strict=True)]
        for start in range(0, BALLOTS, 20_000):
            part = rows[start : start + 20_000]
            cursor.execute(
                """INSERT INTO arena_ballot (public_id, arena_id, voter_id, prompt_id, voter_kind, protocol,
                       contestants, ranks, all_bad, weight, categories, external_id, at, recorded_at, retracts)
                   SELECT gen_random_uuid(), %s, %s, p.id, 'public', 'k-rank',
                       told.who::bigint[], told.ranks::integer[], false, 1, '{}', '', now(), now(), false
                   FROM unnest(%s::text[], %s::text[]) WITH ORDINALITY AS told (who, ranks, number)
                   JOIN (SELECT id, row_number() OVER () AS at FROM arena_prompt) p ON p.at = 1 + told.number %% %s""",
                [
                    arena.pk,
                    voter.pk,
                    ["{" + ",".join(map(str, row[2])) + "}" for row in part],
                    ["{" + ",".join(map(str, row[3])) + "}" for row in part],
                    PROMPTS,
                ],
            )
        cursor.execute("ANALYZE")
    board, _ = Leaderboard.objects.get_or_create(arena=arena, category="")
    publish(board)
    return arena


def leave_open(arena: Arena, wanted: int) -> None:
    """So many battles whose voters are thinking."""
    keeping.forget()
    arena.refresh_from_db()
    arena.battles.update(state="expired")
    for _ in range(wanted):
        actions.open_battle(arena=arena, voter=Voter.objects.create(kind="public"))


def measured(arena: Arena, visitors: int, seconds: float, in_flight: int) -> Age:
    keeping.forget()
    ages: list[float] = []
    pages: list[float] = []
    begin = time.monotonic() + WARM_UP
    end = begin + seconds
    chosen = actions.choose

    def noted(knowledge: Any, **rest: Any) -> Any:
        age = keeping.age_of_knowledge(arena)
        if time.monotonic() >= begin and age is not None:
            ages.append(age)
        return chosen(knowledge, **rest)

    actions.choose = noted
    failures: list[str] = []

    def visit() -> None:
        try:
            while time.monotonic() < end:
                began = time.monotonic()
                client = Client()
                response = client.get(f"/arenas/{arena.slug}/vote/")
                if began >= begin:
                    pages.append(time.monotonic() - began)
                token = re.search(r'name="token" value="([^"]+)"', response.content.decode())
                if token is None:
                    failures.append(response.content.decode()[:500])
                    return
                ranks = {f"rank_{letter}": str(1 + at) for at, letter in enumerate("abcd")}
                form = {"token": token[1], "verdict": "ranked"} | ranks
                answer = client.post(f"/arenas/{arena.slug}/ballots/", form)
                if answer.status_code != 303:
                    failures.append(answer.content.decode()[:500])
                    return
        finally:
            connections.close_all()

    threads = [threading.Thread(target=visit) for _ in range(visitors)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    actions.choose = chosen
    if failures:
        raise SystemExit(f"a visitor was turned away: {failures[0]}")
    age, page = np.array(ages), np.array(pages)
    return Age(
        visitors=visitors,
        contestants=arena.contestants.count(),
        in_flight=in_flight,
        choices=len(age),
        median=float(np.median(age)),
        p99=float(np.quantile(age, 0.99)),
        longest=float(age.max()),
        over_a_second=float((age > settings.MATCHMAKING_SECONDS).mean()),
        page_median=float(np.median(page)),
        page_p95=float(np.quantile(page, 0.95)),
    )


if __name__ == "__main__":
    main()
