"""Win rates that believe no model, beside what the board's model expects: both are the share of opponents beaten.

The opponent is drawn uniformly from the others that the arena shows, a tie is half a win. By weighting: the ballots of
battles, each counted by how much rarer its battle was than under a uniform choice (`propensity`). By the model: the
mean over the others of P(i beats j) under the posterior of the board's latest snapshot, which knows the same ballots
and the imported ones besides.

Intervals hold 95 %. Of the Hajek estimate it is Wilson's with the effective number of battles for its size. In
simulated arenas of six (misorder, audit .1) it covered .95 to .98 of the truths with battles of two and .99 with four,
where several shares come from one ballot and it is wider than need be; rate +- 1.96 standard errors covered .45, .68,
.87 and .93 with 4, 6, 15 and 54 effective battles, because the few battles that weigh most are missing from both at
first. Horvitz-Thompson can leave 0 to 1 and gets +- 1.96 standard errors: .58 to .94 there. The model's is central in
joint draws.
"""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from ranking.engines import posterior
from ranking.engines.evidence import UNKNOWN, Evidence
from ranking.engines.fit import Fit
from ranking.engines.matchmaking.propensity import CLIP, WinRates
from ranking.engines.matchmaking.propensity import win_rates as weighted

from .actions import LEVEL
from .beliefs import unpack_posterior
from .evidence import BattleEvidence, read_battles
from .models import Leaderboard

Floats = NDArray[np.float64]

HAJEK = "hajek"
DRAWS = 4_000  # the ends of an interval are then within about a twentieth of a standard deviation
# Engines under which P(a beats b) is the logistic function of the difference, and which always have a posterior.
LOGISTIC = ("plackett-luce", "annotator-aware")
MODEL = ("model", "model_low", "model_high")


def board_with_posterior(arena_id: int) -> Leaderboard | None:
    """The arena's board with its latest snapshot and that one's posterior, read together so that they belong together.

    None while nothing was published. One query.
    """
    boards = Leaderboard.objects.select_related("latest").filter(arena_id=arena_id, category="", latest__isnull=False)
    return boards.first()


def win_rates_of(board: Leaderboard, *, estimator: str = HAJEK, clip: float = CLIP) -> dict[str, Any]:
    """The object that `manage.py win_rates --json` prints (docs/reference/commands.md), best first by weighting.

    Of the ballots up to the watermark of the board's latest snapshot. Raises `PolicyError` for an unknown estimator or
    a clip below 1. Three queries. Measured: 1.0 s of processor time for 100,000 ballots on four of 50 contestants, most
    of it for reading them; the DRAWS x M^2 logistic functions take 0.2 s with 50 contestants, 1.7 s with 200.
    """
    snapshot = board.latest
    if snapshot is None:
        raise ValueError(f"{board} has no snapshot")
    battles = read_battles(board.arena_id, snapshot.watermark)
    evidence = battles.evidence
    rates = weighted(evidence, battles.probability, battles.uniform, estimator=estimator, clip=clip)
    as_shown = weighted(evidence, np.ones(len(evidence)), np.ones(len(evidence))).rate
    low, high = interval(rates, estimator)
    columns = {"rate": rates.rate, "error": rates.error, "low": low, "high": high, "as_shown": as_shown}
    packed = board.posterior if snapshot.engine in LOGISTIC else None
    columns |= _by_model(packed, battles)
    left_out = _left_out(battles)
    return {
        "snapshot": str(snapshot.public_id),
        "engine": snapshot.engine,
        "estimator": estimator,
        "clip": None if math.isinf(clip) else clip,
        "level": LEVEL,
        "ballots": len(evidence),
        **left_out,
        "clipped": rates.clipped,
        "win_rates": _rows(rates, columns),
        "warnings": _warnings(left_out, estimator, snapshot.engine if packed is None else ""),
    }


def _warnings(left_out: dict[str, int], estimator: str, not_modelled: str) -> list[str]:
    """What a reader of the numbers has to know beside the counts, one sentence without a full stop each."""
    notes = {
        "by_judges": "by machine judges are left out",
        "unranked": "rank nobody and are in no win rate",
        "partly_ranked": "leave the order of some open; only the pairs that they decide count, which are not drawn"
        " uniformly",
        "estimated": "have a probability that was estimated by simulation",
    }
    said = [f"{left_out[key]} ballots {words}" for key, words in notes.items() if left_out[key]]
    if not_modelled:
        said.append(f"the engine {not_modelled} does not say how often one beats another, so there is no model column")
    if estimator != HAJEK and left_out["partly_ranked"] + left_out["unranked"]:
        said.append(
            "horvitz-thompson is meant for ballots that rank everybody: it counts a ballot without a rank as lost"
        )
    return said


def interval(rates: WinRates, estimator: str = HAJEK) -> tuple[Floats, Floats]:
    """By item: the ends of the 95 % interval described above; nan for an item without a rate."""
    z = NormalDist().inv_cdf((1 + LEVEL) / 2)
    if estimator != HAJEK:
        return rates.rate - z * rates.error, rates.rate + z * rates.error
    with np.errstate(divide="ignore", invalid="ignore"):  # nan where there is no battle
        spread = z**2 / rates.effective
        centre = (rates.rate + spread / 2) / (1 + spread)
        half = np.sqrt(rates.rate * (1 - rates.rate) * spread + spread**2 / 4) / (1 + spread)
    low: Floats = np.minimum(centre - half, rates.rate)  # exactly at 0 and 1 but for rounding
    high: Floats = np.maximum(centre + half, rates.rate)
    return low, high


def _by_model(packed: bytes | memoryview | None, battles: BattleEvidence) -> dict[str, Floats]:
    """By item: the mean and the interval of the share of the other items that it beats, in joint draws.

    nan without a posterior.
    """
    items = battles.evidence.items
    if packed is None or not items:
        return dict.fromkeys(MODEL, np.full(len(items), np.nan))
    beliefs = unpack_posterior(bytes(packed)).of(battles.contestants)
    fit = Fit(
        engine="posterior",
        items=items,
        mean=beliefs.mean,
        covariance=beliefs.covariance,
        shown=beliefs.ballots,
        ballots=0,
        parameters={},
        converged=True,
        iterations=0,
    )
    strengths = posterior.draws(fit, DRAWS)
    shares = np.empty_like(strengths)
    for item in range(len(items)):
        beaten = expit(strengths[:, item, None] - strengths)  # 1/2 against itself
        shares[:, item] = (beaten.sum(axis=1) - 0.5) / (len(items) - 1)
    low, high = np.quantile(shares, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
    return dict(zip(MODEL, (shares.mean(axis=0), low, high), strict=True))


def _rows(rates: WinRates, columns: dict[str, Floats]) -> list[dict[str, Any]]:
    """Best first; contestants without a rate last, by name."""
    rows = [
        {"item": name}
        | {key: None if math.isnan(values[item]) else float(values[item]) for key, values in columns.items()}
        | {"battles": int(rates.battles[item]), "effective": float(rates.effective[item])}
        for item, name in enumerate(rates.items)
    ]
    return sorted(
        rows, key=lambda row: (row["rate"] is None, 0.0 if row["rate"] is None else -row["rate"], row["item"])
    )


def _left_out(battles: BattleEvidence) -> dict[str, int]:
    ranked = battles.evidence.informative()
    return {
        "without_battle": battles.without_battle,
        "by_judges": battles.by_judges,
        "unranked": int(np.count_nonzero(~ranked)),
        "partly_ranked": int(np.count_nonzero(ranked & (_in_between(battles.evidence) > 1))),
        "estimated": battles.estimated,
    }


def _in_between(evidence: Evidence) -> NDArray[np.int64]:
    """int64[B]: how many a ballot leaves in between; of two of them it is not known which is better."""
    upto = np.concatenate([[0], np.cumsum(evidence.ranks == UNKNOWN)])
    return np.asarray(np.diff(upto[evidence.offsets]), np.int64)
