"""The engines that `benchmarks.engines` compares, and the process that runs one of them.

    python -m benchmarks.contenders NAME BALLOTS.npz
    python -m benchmarks.contenders                    the versions of the packages, as JSON

Every engine gets the same ballots in the form it takes fastest, made before the clock starts; what it does with them
to answer (checking, counting, grouping, fitting, intervals) is timed. The process prints one line of JSON when it is
ready, then one for each line it reads: how long a run took, the peak of memory, and the scores. It imports nothing of
Podium unless that is the engine, so it also runs where only the others are installed.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

Scores = Any  # one number a contestant, the better the higher
Run = Callable[[], Scores]
RESAMPLES = 100


@dataclass(frozen=True)
class Ballots:
    """Full rankings: `order[b]` lists the items of ballot b, best first; `slots` and `ranks` are as they were shown."""

    contestants: int
    slots: np.ndarray
    ranks: np.ndarray

    @property
    def order(self) -> np.ndarray:
        return np.take_along_axis(self.slots, np.argsort(self.ranks, axis=1), axis=1)

    @classmethod
    def drawn(cls, count: int, contestants: int, size: int, seed: int = 0) -> tuple[Ballots, np.ndarray]:
        """Plackett-Luce ballots on random sets, and the strengths behind them (sd 0.5 logits, a close field)."""
        rng = np.random.default_rng(seed)
        theta = rng.normal(0, 0.5, contestants)
        slots = rng.integers(0, contestants, (count, size))
        while (again := (np.diff(np.sort(slots, axis=1), axis=1) == 0).any(axis=1)).any():
            slots[again] = rng.integers(0, contestants, (int(again.sum()), size))
        utility = theta[slots] + rng.gumbel(size=slots.shape)
        return cls(contestants, slots, np.argsort(np.argsort(-utility, axis=1), axis=1) + 1), theta


@dataclass(frozen=True)
class Contender:
    """An engine: how it is called, what it says of its uncertainty, and a run of it, made from ballots."""

    name: str
    package: str
    ways: int  # candidates a ballot
    intervals: str
    made: Callable[[Ballots], Run]


def podium(engine: str) -> Callable[[Ballots], Run]:
    def made(ballots: Ballots) -> Run:
        from ranking.engines import kernels  # noqa: F401  (loads the compiler, as the other packages load theirs)
        from ranking.engines.evidence import Evidence
        from ranking.engines.registry import engine_named

        names = [f"c{number}" for number in range(ballots.contestants)]
        return lambda: engine_named(engine).fit(Evidence.from_arrays(names, ballots.slots, ballots.ranks)).mean

    return made


def online(ballots: Ballots) -> Run:
    from ranking.engines.online import assimilate

    votes = list(zip(ballots.slots.tolist(), ballots.ranks.tolist(), strict=True))

    def run() -> Scores:
        mean, covariance = np.zeros(ballots.contestants), 0.25 * np.eye(ballots.contestants)
        for slots, ranks in votes:
            mean, covariance = assimilate(mean, covariance, slots, ranks)
        return mean

    return run


def evalica(method: str, *, resamples: int = 0) -> Callable[[Ballots], Run]:
    """Whole numbers and a given index: with names it is several times slower."""

    def made(ballots: Ballots) -> Run:
        import evalica
        import pandas as pd

        index = pd.RangeIndex(ballots.contestants)
        first, second = ballots.slots[:, 0].copy(), ballots.slots[:, 1].copy()
        winners = np.where(ballots.ranks[:, 0] == 1, int(evalica.Winner.X), int(evalica.Winner.Y)).astype(np.uint8)
        function = getattr(evalica, method)

        def run() -> Scores:
            if not resamples:
                return function(first, second, winners, index=index).scores.sort_index().to_numpy()
            found = evalica.bootstrap(
                function, first, second, winners, index=index,
                n_resamples=resamples, bootstrap_method="percentile", random_state=0,
            )  # fmt: skip
            return found.result.scores.sort_index().to_numpy()

        return run

    return made


def choix(function: str) -> Callable[[Ballots], Run]:
    def made(ballots: Ballots) -> Run:
        import choix

        data = [tuple(order) for order in ballots.order.tolist()]
        return lambda: getattr(choix, function)(ballots.contestants, data)

    return made


def choix_dense(ballots: Ballots) -> Run:
    """choix wants a matrix of wins here, which numpy counts fastest."""
    import choix

    count = ballots.contestants
    winner, loser = ballots.order[:, 0].copy(), ballots.order[:, 1].copy()

    def run() -> Scores:
        wins = np.bincount(winner * count + loser, minlength=count**2).reshape(count, count)
        return choix.ilsr_pairwise_dense(wins.astype(np.float64))

    return run


def arena_rank(ballots: Ballots) -> Run:
    import pandas as pd
    from arena_rank.models.bradley_terry import BradleyTerry
    from arena_rank.utils.data_utils import PairDataset

    names = np.array([f"c{number:06}" for number in range(ballots.contestants)], dtype=object)
    frame = pd.DataFrame(
        {
            "model_a": names[ballots.slots[:, 0]],
            "model_b": names[ballots.slots[:, 1]],
            "winner": np.where(ballots.ranks[:, 0] == 1, "model_a", "model_b"),
        }
    )

    def run() -> Scores:
        dataset = PairDataset.from_pandas(frame)
        model = BradleyTerry(n_competitors=len(dataset.competitors))
        found = model.compute_ratings_and_cis(dataset)
        assert np.isfinite(np.asarray(found["rating_lower"])).all()  # JAX computes when asked for the numbers
        scores = np.full(len(names), np.nan)
        scores[np.searchsorted(names.astype(str), dataset.competitors)] = np.asarray(found["ratings"])
        return scores

    return run


def openskill(ballots: Ballots) -> Run:
    from openskill.models import PlackettLuce

    orders = ballots.order.tolist()

    def run() -> Scores:
        model = PlackettLuce()
        players = [[model.rating()] for _ in range(ballots.contestants)]
        for order in orders:
            for item, team in zip(order, model.rate([players[item] for item in order]), strict=True):
                players[item] = team
        return [player.mu for (player,) in players]

    return run


def trueskill(ballots: Ballots) -> Run:
    import trueskill

    orders = ballots.order.tolist()

    def run() -> Scores:
        world = trueskill.TrueSkill(draw_probability=0.0)
        players = [(world.create_rating(),) for _ in range(ballots.contestants)]
        for order in orders:
            for item, team in zip(order, world.rate([players[item] for item in order]), strict=True):
                players[item] = team
        return [player.mu for (player,) in players]

    return run


JOINT, EACH, NONE = "joint posterior", "each by itself", "none"

CONTENDERS = {
    contender.name: contender
    for contender in (
        Contender("podium bradley-terry", "podium", 2, JOINT, podium("bradley-terry")),
        Contender("podium plackett-luce", "podium", 2, JOINT, podium("plackett-luce")),
        Contender("podium elo", "podium", 2, NONE, podium("elo")),
        Contender("arena-rank BradleyTerry", "arena-rank", 2, "sandwich", arena_rank),
        Contender("evalica bradley_terry", "evalica", 2, NONE, evalica("bradley_terry")),
        Contender("evalica newman", "evalica", 2, NONE, evalica("newman")),
        Contender("evalica elo", "evalica", 2, NONE, evalica("elo")),
        Contender(
            "evalica bootstrap of bradley_terry", "evalica", 2, f"bootstrap, {RESAMPLES} resamples",
            evalica("bradley_terry", resamples=RESAMPLES),
        ),
        Contender("choix ilsr_pairwise_dense", "choix", 2, NONE, choix_dense),
        Contender("choix ilsr_pairwise", "choix", 2, NONE, choix("ilsr_pairwise")),
        Contender("choix opt_pairwise", "choix", 2, NONE, choix("opt_pairwise")),
        Contender("podium plackett-luce of four", "podium", 4, JOINT, podium("plackett-luce")),
        Contender("podium trueskill", "podium", 4, EACH, podium("trueskill")),
        Contender("choix ilsr_rankings", "choix", 4, NONE, choix("ilsr_rankings")),
        Contender("choix opt_rankings", "choix", 4, NONE, choix("opt_rankings")),
        Contender("openskill PlackettLuce.rate", "openskill", 4, EACH, openskill),
        Contender("trueskill rate", "trueskill", 4, EACH, trueskill),
        Contender("podium online update", "podium", 4, JOINT, online),
    )
}  # fmt: skip


def version(package: str) -> str | None:
    """Of an installed package; None where it is not installed. Podium is the checkout itself."""
    if package == "podium":
        return "this checkout"
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def resident() -> int:
    """Bytes in use now, after setting back the peak where the system can do that; else the peak so far."""
    gc.collect()
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")
    return peak()


def peak() -> int:
    """The most bytes in use so far.

    Linux's ru_maxrss also counts what the parent used before this process became its own, so its VmHWM is read instead.
    """
    if sys.platform == "linux":
        status = Path("/proc/self/status").read_text().splitlines()
        return 1024 * next(int(line.split()[1]) for line in status if line.startswith("VmHWM:"))
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # macOS counts in bytes


def main(name: str, path: str) -> None:
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a package prints must not mix with the answers

    def say(**values: Any) -> None:
        print(json.dumps(values), file=answers, flush=True)

    contender = CONTENDERS[name]
    with np.load(path) as found:
        ballots = Ballots(int(found["contestants"]), found["slots"], found["ranks"])
    run = contender.made(ballots)
    before = resident()
    say(ready=True)
    for _ in sys.stdin:
        begin, cpu = time.perf_counter(), time.process_time()
        scores = run()
        seconds, cpu_seconds = time.perf_counter() - begin, time.process_time() - cpu
        say(seconds=seconds, cpu=cpu_seconds, above=max(peak() - before, 0), scores=[float(score) for score in scores])


if __name__ == "__main__":
    if sys.argv[1:]:
        main(*sys.argv[1:])
    else:
        print(json.dumps({package: version(package) for package in sorted({c.package for c in CONTENDERS.values()})}))
