"""The engines by name. An entry is text until it is fitted, so listing them loads no numeric code.

To add an engine: write `fit(evidence, *, ..., start=None) -> Fit` in a module of this package, and add an `Engine`
here. `options` names the keyword arguments a caller may pass, with their defaults; anything else is refused, never
ignored. What they mean is in `options`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any

from ranking.engines.errors import EngineError
from ranking.engines.options import WRITTEN as WRITTEN

if TYPE_CHECKING:
    from ranking.engines.evidence import Evidence
    from ranking.engines.fit import Fit


@dataclass(frozen=True, slots=True)
class Engine:
    """What a user needs to choose an engine, and where it is."""

    name: str
    title: str
    equation: str
    accepts: str
    uncertainty: str
    cost: str
    target: str
    options: Mapping[str, object] = field(default_factory=dict)

    def fit(self, evidence: Evidence, **options: Any) -> Fit:
        """Fit this engine. Raises `EngineError` for an option it does not have or evidence it cannot use."""
        for option in options:
            if option not in self.options:
                raise EngineError(f"{self.name} has no option {option}")
        module, function = self.target.split(":")
        result: Fit = getattr(import_module(module), function)(evidence, **options)
        return result


PAIR_OPTIONS = {"prior_sd": None, "method": "map", "intervals": "model", "samples": 500, "rng": None, "start": None}

ENGINES: Mapping[str, Engine] = {
    engine.name: engine
    for engine in (
        Engine(
            name="plackett-luce",
            title="Plackett-Luce with a Gaussian posterior (default)",
            equation="P(a is the best of S) = exp(theta_a) / sum of exp(theta_i) over S, then again without a;"
            " theta ~ N(0, s^2)",
            accepts="every ballot: pairs, best-of-K, top-m, best and worst, rankings with ties and unknowns; all-bad"
            " ballots set the quality floor",
            uncertainty="joint Gaussian posterior (Laplace), with few ballots draws of the posterior itself, prior"
            " learned or given; sandwich over ballots or clustered by voter",
            cost="a pass over the distinct sets of items for each of about seven iterations; a million four-way"
            " ballots in well under a second",
            target="ranking.engines.plackett_luce:fit",
            options={
                "prior_sd": None,
                "intervals": "model",
                "covariates": None,
                "covariate_sd": 1.0,
                "contamination": False,
                "effects": None,
                "start": None,
            },
        ),
        Engine(
            name="bradley-terry",
            title="Bradley-Terry, a logistic model of pairs",
            equation="P(a beats b) = exp(theta_a) / (exp(theta_a) + exp(theta_b)); theta ~ N(0, s^2), or no prior"
            " (method=ml)",
            accepts="pairs; longer ballots are broken into their observed pairs; a tie is half a win each way",
            uncertainty="Gaussian posterior, with few ballots draws of the posterior itself, or inverse information;"
            " sandwich over ballots, clustered by voter, or a bootstrap over either",
            cost="one pass over the pairs, then M^3 an iteration; a million pairs in a tenth of a second, a bootstrap"
            " of 500 in seconds",
            target="ranking.engines.pairwise.bradley_terry:fit",
            options=PAIR_OPTIONS,
        ),
        Engine(
            name="davidson",
            title="Davidson, Bradley-Terry with a tie prevalence",
            equation="P(a beats b) : P(b beats a) : P(tie) = pi_a : pi_b : nu sqrt(pi_a pi_b), pi = exp(theta);"
            " theta ~ N(0, s^2), or no prior (method=ml)",
            accepts="pairs with ties; longer ballots are broken into their observed pairs",
            uncertainty="as bradley-terry; nu with its standard deviation",
            cost="as bradley-terry, times about five",
            target="ranking.engines.pairwise.davidson:fit",
            options=PAIR_OPTIONS,
        ),
        Engine(
            name="rao-kupper",
            title="Rao-Kupper, Bradley-Terry with a threshold below which voters call a tie",
            equation="P(a beats b) = pi_a / (pi_a + Theta pi_b), a tie has the rest, pi = exp(theta);"
            " theta ~ N(0, s^2), or no prior (method=ml)",
            accepts="pairs with ties; longer ballots are broken into their observed pairs",
            uncertainty="as bradley-terry; Theta with its standard deviation",
            cost="as bradley-terry, times about five",
            target="ranking.engines.pairwise.rao_kupper:fit",
            options=PAIR_OPTIONS,
        ),
        Engine(
            name="thurstone",
            title="Thurstone case V, normal impressions with equal spread",
            equation="P(a beats b) = Phi(theta_a - theta_b); theta ~ N(0, s^2) in probits, or no prior (method=ml)",
            accepts="pairs; longer ballots are broken into their observed pairs; a tie is half a win each way",
            uncertainty="as bradley-terry",
            cost="as bradley-terry",
            target="ranking.engines.pairwise.thurstone:fit",
            options=PAIR_OPTIONS,
        ),
        Engine(
            name="win-rate",
            title="Win rate, over comparisons or averaged over opponents",
            equation="wins / comparisons, a tie half a win; or the mean of that over opponents (average=opponents)",
            accepts="pairs; longer ballots are broken into their observed pairs; a tie is half a win each way",
            uncertainty="Wilson's interval as joint draws, Beta posteriors of pairs, or a bootstrap",
            cost="one pass over the pairs",
            target="ranking.engines.pairwise.win_rate:fit",
            options={"average": "comparisons", "intervals": None, "samples": 500, "rng": None},
        ),
        Engine(
            name="rank-centrality",
            title="Rank centrality, stationary shares of a walk towards winners",
            equation="theta = log pi with pi P = pi, P(a to b) proportional to (wins of b over a + r)"
            " / (comparisons + 2r)",
            accepts="pairs that connect everybody; longer ballots are broken into their observed pairs; a tie is half a"
            " win each way",
            uncertainty="Beta posteriors of pairs, or a bootstrap",
            cost="M^3 / 3 operations, and again for each of 500 draws",
            target="ranking.engines.pairwise.rank_centrality:fit",
            options={"pseudo": 1.0, "intervals": "model", "samples": 500, "rng": None},
        ),
        Engine(
            name="borda",
            title="Borda, the average share of a ballot that one is placed above",
            equation="mean of (above + (tied + not observed) / 2) / (K - 1) over ballots",
            accepts="every ballot that ranks something; an order that was not observed is averaged over",
            uncertainty="Gaussian over ballots, or clustered by voter",
            cost="K^2 a ballot",
            target="ranking.engines.voting.borda:fit",
            options={"intervals": "ballots"},
        ),
        Engine(
            name="copeland",
            title="Copeland, majorities won minus majorities lost",
            equation="number of contestants beaten by majority - number lost to",
            accepts="every ballot, as its observed pairs; a tie is half a vote each way",
            uncertainty="Beta posteriors of pairs, or a bootstrap",
            cost="one pass over the pairs, M^2 for each of 500 draws",
            target="ranking.engines.voting.copeland:fit",
            options={"intervals": "model", "samples": 500, "rng": None},
        ),
        Engine(
            name="kemeny",
            title="Kemeny, the order with the fewest disagreements",
            equation="the order that minimises the votes for a over b, summed over all a placed below b",
            accepts="every ballot, as its observed pairs; a tie is half a vote each way",
            uncertainty="Beta posteriors of pairs, or a bootstrap",
            cost="exact up to 16 contestants in one majority cycle (a tenth of a second), searched beyond, with the gap"
            " stated",
            target="ranking.engines.voting.kemeny:fit",
            options={"exact": 16, "intervals": "model", "samples": 200, "rng": None},
        ),
        Engine(
            name="elo",
            title="Elo, updated ballot by ballot",
            equation="R_a += K / (n - 1) sum over the n - 1 others of S - 1 / (1 + 10^((R_b - R_a) / 400))",
            accepts="ballots in the order in which they count; longer ballots as their observed pairs, at once; a tie"
            " is half a win each way",
            uncertainty="none, or ballots redrawn in random order (shuffles)",
            cost="some 10 ns a pair and run",
            target="ranking.engines.sequential.elo:fit",
            options={"k_factor": 4.0, "shuffles": 0, "rng": None},
        ),
        Engine(
            name="trueskill",
            title="TrueSkill for single players, updated ballot by ballot",
            equation="performance ~ N(skill, beta^2); a is ahead of b when better by more than epsilon, else they tie;"
            " skill ~ N(25, sigma^2)",
            accepts="every ballot that ranks something, in the order in which they count",
            uncertainty="a Gaussian for each contestant, without correlations",
            cost="two seconds for a million four-way ballots",
            target="ranking.engines.sequential.trueskill:fit",
            options={"sigma": 25 / 3, "beta": 25 / 6, "tau": 0.0, "draw_probability": None},
        ),
        Engine(
            name="ksort",
            title="K-Sort, the update of K-Sort Arena, ballot by ballot",
            equation="mu_i += sigma_i^2 (sum V / c over those below - sum V / c over those above), sigma_i^2 *= 1 -"
            " sigma_i^2 sum W / c^2; or the deployed variant (variant=deployed)",
            accepts="ballots in the order in which they count, as their observed pairs, at once; ties change nothing",
            uncertainty="a Gaussian for each contestant, without correlations",
            cost="50 ns a pair",
            target="ranking.engines.sequential.ksort:fit",
            options={"variant": "published", "sigma": 25 / 3, "beta": 25 / 6, "least_factor": 0.1},
        ),
        Engine(
            name="annotator-aware",
            title="Plackett-Luce that learns which voters can be believed",
            equation="each voter is honest (plackett-luce), random (every order alike) or a fan of x (x first with"
            " probability .97 where shown), shares learned; weight = P(the ballot means something)",
            accepts="every ballot; those of one voter are judged together, those without a voter are believed",
            uncertainty="joint Gaussian posterior, with what is not known about voters (Louis); intervals of class"
            " shares",
            cost="about ten fits; 0.1 s for 4,000 four-way ballots, 4 s for 100,000",
            target="ranking.engines.reliability.annotator_aware:fit",
            options={"prior_sd": None, "fans": True, "scales": False, "sides": False, "position": False, "start": None},
        ),
    )
}


def engine_named(name: str) -> Engine:
    """The engine, or an `EngineError` that lists the names there are."""
    try:
        return ENGINES[name]
    except KeyError:
        raise EngineError(f"unknown engine {name!r}; there are: {', '.join(ENGINES)}") from None
