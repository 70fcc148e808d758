"""The engines that `benchmarks.engines` compares, each with the form in which it is given its ballots.

Every engine gets the same ballots in the form it takes fastest, made before the clock starts (`form` says which); what
it does with them to answer (checking, counting, grouping, fitting, intervals) is timed. Nothing of Podium is imported
unless that is the engine, so the others also run where only they are installed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata
from typing import Any

import numpy as np

from benchmarks.ballots import SPREAD, Ballots

Scores = Any  # one number a contestant, the better the higher
Run = Callable[[], Scores]
RESAMPLES = 100
PAIRS, FOURS, ONLINE = "podium bradley-terry", "podium plackett-luce of four", "podium online update"
REFERENCE = {2: PAIRS, 4: FOURS}  # of ours, by candidates a ballot: what the others are compared with


@dataclass(frozen=True)
class Contender:
    """An engine: how it is called, what it says of its uncertainty, and a run of it, made from ballots.

    `scale` is that of its scores: "logits", "odds" (their exponential), "elo" (points), or "own" where no formula leads
    to logits. `like` is the engine of ours with the same model; `why` says in one sentence why the answers differ.
    """

    name: str
    package: str
    ways: int  # candidates a ballot
    intervals: str
    form: str
    made: Callable[[Ballots], Run]
    scale: str = "logits"
    like: str = ""
    why: str = ""
    compiles: bool = False  # in its first run, which may then take as long as it needs

    @property
    def label(self) -> str:
        return self.name.removesuffix(" of four").removesuffix(" of pairs")

    @property
    def beside(self) -> str:
        """The name of the engine of ours whose scores its own are held against."""
        return self.like or REFERENCE[self.ways]


def podium(engine: str, **options: float) -> Callable[[Ballots], Run]:
    def made(ballots: Ballots) -> Run:
        from ranking.engines import kernels  # noqa: F401  (loads the compiler, as the other packages load theirs)
        from ranking.engines.evidence import Evidence
        from ranking.engines.registry import engine_named

        names = [f"c{number}" for number in range(ballots.contestants)]
        fit = engine_named(engine).fit
        return lambda: fit(Evidence.from_arrays(names, ballots.slots, ballots.ranks), **options).mean

    return made


def online(ballots: Ballots) -> Run:
    from ranking.engines.online import assimilate

    votes = list(zip(ballots.slots.tolist(), ballots.ranks.tolist(), strict=True))

    def run() -> Scores:
        mean, covariance = np.zeros(ballots.contestants), SPREAD**2 * np.eye(ballots.contestants)
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


def arena_rank(*, grouped: bool = False) -> Callable[[Ballots], Run]:
    """With `grouped` its own counting of equal rows is done before the clock starts."""

    def made(ballots: Ballots) -> Run:
        import pandas as pd
        from arena_rank.models.bradley_terry import BradleyTerry
        from arena_rank.utils.data_utils import PairDataset

        first = ballots.ranks[:, 0] == 1
        frame = pd.DataFrame(
            {
                "model_a": ballots.slots[:, 0],
                "model_b": ballots.slots[:, 1],
                "winner": pd.Categorical.from_codes(np.where(first, 0, 1), categories=["model_a", "model_b"]),
            }
        )
        ready = PairDataset.from_pandas(frame) if grouped else None

        def run() -> Scores:
            dataset = ready or PairDataset.from_pandas(frame)
            model = BradleyTerry(n_competitors=len(dataset.competitors))
            found = model.compute_ratings_and_cis(dataset)
            assert np.isfinite(np.asarray(found["rating_lower"])).all()  # JAX computes when asked for the numbers
            scores = np.full(ballots.contestants, np.nan)
            scores[dataset.competitors] = np.asarray(found["ratings"])
            return scores

        return run

    return made


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
SHOWN = "numpy arrays of slots and ranks, as shown"
COLUMNS = "numpy arrays of the two items and of the winner, and the index of items"
TUPLES = "a list of tuples, best first"
LISTS = "lists of items, best first; one call a ballot"
FRAME = "a pandas frame with a column of winners as categories"
NO_PRIOR = "It has no prior; that of ours draws scores towards the middle, less with more ballots."
ONE_BY_ONE = "Ballots count one after the other, the late ones most, and what is known of pairs is not kept."
POINTS = "As evalica bradley_terry."
TRUESKILL = "The same update in the same order; distance in its own points."


def contenders() -> list[Contender]:
    skills = {"tau": 25 / 300, "draw_probability": 0.0}  # as the package trueskill has them
    return [
        Contender(PAIRS, "podium", 2, JOINT, SHOWN, podium("bradley-terry")),
        Contender("podium plackett-luce of pairs", "podium", 2, JOINT, SHOWN, podium("plackett-luce"),
                  why="The same model on pairs."),
        Contender("podium elo", "podium", 2, NONE, SHOWN, podium("elo"),
                  why="Ballots count one after the other, with K = 4 points; late ones count most."),
        Contender("arena-rank BradleyTerry", "arena-rank", 2, "sandwich", FRAME, arena_rank(), "elo", why=NO_PRIOR,
                  compiles=True),
        Contender("arena-rank BradleyTerry, grouped", "arena-rank", 2, "sandwich",
                  "its own counts of equal rows, made from the frame", arena_rank(grouped=True), "elo", why=NO_PRIOR,
                  compiles=True),
        Contender("evalica bradley_terry", "evalica", 2, NONE, COLUMNS, evalica("bradley_terry"), "odds", why=NO_PRIOR),
        Contender("evalica newman", "evalica", 2, NONE, COLUMNS, evalica("newman"), "odds", why=NO_PRIOR),
        Contender("evalica elo", "evalica", 2, NONE, COLUMNS, evalica("elo"), "elo", like="podium elo",
                  why="The same update in the same order."),
        Contender("evalica bootstrap of bradley_terry", "evalica", 2, f"bootstrap, {RESAMPLES} resamples", COLUMNS,
                  evalica("bradley_terry", resamples=RESAMPLES), "odds", why=POINTS),
        Contender("choix ilsr_pairwise_dense", "choix", 2, NONE, "numpy arrays of winners and losers",
                  choix_dense, why=NO_PRIOR),
        Contender("choix ilsr_pairwise", "choix", 2, NONE, TUPLES, choix("ilsr_pairwise"), why=NO_PRIOR),
        Contender("choix opt_pairwise", "choix", 2, NONE, TUPLES, choix("opt_pairwise"), why=NO_PRIOR),
        Contender("openskill PlackettLuce.rate of pairs", "openskill", 2, EACH, LISTS, openskill, "own",
                  why=ONE_BY_ONE),
        Contender("trueskill rate of pairs", "trueskill", 2, EACH, LISTS, trueskill, "own", why=ONE_BY_ONE),
        Contender(FOURS, "podium", 4, JOINT, SHOWN, podium("plackett-luce")),
        Contender("podium trueskill", "podium", 4, EACH, SHOWN, podium("trueskill", **skills), "own", why=ONE_BY_ONE),
        Contender("choix ilsr_rankings", "choix", 4, NONE, TUPLES, choix("ilsr_rankings"), why=NO_PRIOR),
        Contender("choix opt_rankings", "choix", 4, NONE, TUPLES, choix("opt_rankings"), why=NO_PRIOR),
        Contender("openskill PlackettLuce.rate of four", "openskill", 4, EACH, LISTS, openskill, "own",
                  why=ONE_BY_ONE),
        Contender("trueskill rate of four", "trueskill", 4, EACH, LISTS, trueskill, "own", like="podium trueskill",
                  why=TRUESKILL),
        Contender(ONLINE, "podium", 4, JOINT, "lists of slots and ranks, as shown; one call a ballot", online),
    ]  # fmt: skip


CONTENDERS = {contender.name: contender for contender in contenders()}
PEERS = tuple(dict.fromkeys(one.package for one in CONTENDERS.values() if one.package != "podium"))


def version(package: str) -> str | None:
    """Of an installed package; None where it is not installed. Podium is the checkout itself."""
    if package == "podium":
        return "this checkout"
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
