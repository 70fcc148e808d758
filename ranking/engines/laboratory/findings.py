"""What many trials of one setup say together: mean curves, medians and quartiles over seeds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ranking.engines.laboratory import measures
from ranking.engines.laboratory.kinds import Floats, Ints
from ranking.engines.laboratory.trial import Trial

LEVELS = (0.9, 0.95)  # of tau, at which it is asked from which ballot on it stays


@dataclass(frozen=True)
class Crossing:
    """From which ballot on something holds to the end.

    mean_curve: for the mean over seeds. Quartiles are over seeds; a seed in which it does not hold at the end counts as
    later than all others, so a quartile among those is None. reached: in how many seeds it holds at the end.
    """

    mean_curve: int | None
    low: int | None
    median: int | None
    high: int | None
    reached: int


@dataclass(frozen=True)
class Spread:
    """Of a number over seeds."""

    mean: float
    low: float
    median: float
    high: float


@dataclass(frozen=True, eq=False)
class Finding:
    """The trials of one setup together. Curves are mean, quartiles and median over seeds at `marks`."""

    marks: Ints
    tau: dict[str, Floats]
    top_1: Floats
    top_5: Floats
    rmse: Floats | None
    until: dict[str, Crossing]
    final: dict[str, Spread | None]
    placed: dict[int, float]

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values; curves to four decimals."""
        return {
            "curve": {
                "ballots": self.marks.tolist(),
                "tau": {name: _rounded(values) for name, values in self.tau.items()},
                "top_1": _rounded(self.top_1),
                "top_5": _rounded(self.top_5),
                "rmse": None if self.rmse is None else _rounded(self.rmse),
            },
            "until": {name: asdict(crossing) for name, crossing in self.until.items()},
            "final": {name: None if spread is None else asdict(spread) for name, spread in self.final.items()},
            "newcomers": {str(count): error for count, error in self.placed.items()},
        }


def found(trials: Sequence[Trial]) -> Finding:
    """Raises nothing: the trials of one setup have the same marks."""
    marks = trials[0].marks
    taus = np.array([trial.tau for trial in trials])
    top_5 = np.array([trial.top_5 for trial in trials])
    distances = [trial.rmse for trial in trials if trial.rmse is not None]
    until = {f"tau_{level:g}": crossing(marks, taus, level) for level in LEVELS}
    until["top_5_0.9"] = crossing(marks, top_5, 0.9)
    until["exact"] = _quartiles([trial.exact for trial in trials], None)
    until["exact_once"] = _quartiles([trial.exact_once for trial in trials], None)
    final = {
        "tau": spread([trial.tau[-1] for trial in trials]),
        "top_1": spread([trial.top_1[-1] for trial in trials]),
        "top_5": spread([trial.top_5[-1] for trial in trials]),
        "rmse": spread([distance[-1] for distance in distances]),
        "covered_strengths": spread([trial.covered_strengths for trial in trials]),
        "covered_ranks": spread([trial.covered_ranks for trial in trials]),
        "least_shown": spread([trial.least_shown for trial in trials]),
    }
    return Finding(
        marks=marks,
        tau={
            "mean": taus.mean(axis=0),
            "low": np.quantile(taus, 0.25, axis=0),
            "median": np.median(taus, axis=0),
            "high": np.quantile(taus, 0.75, axis=0),
        },
        top_1=np.mean([trial.top_1 for trial in trials], axis=0),
        top_5=top_5.mean(axis=0),
        rmse=np.mean(distances, axis=0) if distances else None,
        until=until,
        final=final,
        placed=_placed(trials),
    )


def crossing(marks: Ints, curves: Floats, level: float) -> Crossing:
    """`curves` has a row for each seed."""
    each = [measures.stays(marks, curve, level) for curve in curves]
    return _quartiles(each, measures.stays(marks, curves.mean(axis=0), level))


def spread(values: Sequence[float | None]) -> Spread | None:
    """None where there are no values."""
    known = [value for value in values if value is not None]
    if not known:
        return None
    low, median, high = np.quantile(known, [0.25, 0.5, 0.75]).tolist()
    return Spread(float(np.mean(known)), low, median, high)


def _quartiles(values: Sequence[int | None], mean_curve: int | None) -> Crossing:
    ordered = sorted((value is None, value or 0) for value in values)

    def at(share: float) -> int | None:
        """The smallest value that at least this share of the seeds does not exceed."""
        never, value = ordered[max(int(np.ceil(share * len(ordered))) - 1, 0)]
        return None if never else value

    reached = sum(value is not None for value in values)
    return Crossing(mean_curve, at(0.25), at(0.5), at(0.75), reached)


def _placed(trials: Sequence[Trial]) -> dict[int, float]:
    """Mean rank error of newcomers after so many ballots with them, over the seeds that came so far."""
    counts = sorted({count for trial in trials for count in trial.placed})
    return {
        count: float(np.mean([trial.placed[count] for trial in trials if count in trial.placed])) for count in counts
    }


def _rounded(values: Floats) -> list[float]:
    return [round(value, 4) for value in values.tolist()]
