"""One contestant's line in an interval plot."""

import math
from dataclasses import dataclass

FIELD_AVERAGE = 1000.0  # the Elo scale's offset: strengths are centred on the field
LARGEST = 1e9  # beyond it no axis can be drawn


@dataclass(frozen=True, slots=True)
class IntervalRow:
    """Mean and ends of the credible interval on the Elo scale, rank and ends of its interval.

    Raises ValueError for what cannot be drawn: numbers that are not finite, a mean outside its interval, ranks below 1.
    """

    name: str
    mean: float
    low: float
    high: float
    rank: int
    rank_low: int
    rank_high: int
    preliminary: bool = False

    def __post_init__(self) -> None:
        for field in ("mean", "low", "high"):
            value = getattr(self, field)
            if not math.isfinite(value) or abs(value) > LARGEST:
                raise ValueError(f"{self.name!r}: {field} is {value}, not a rating that can be drawn")
        if not self.low <= self.mean <= self.high:
            raise ValueError(f"{self.name!r}: mean {self.mean} lies outside its interval {self.low} to {self.high}")
        if not 1 <= self.rank_low <= self.rank_high or self.rank < 1:
            raise ValueError(f"{self.name!r}: rank {self.rank} with interval {self.rank_low} to {self.rank_high}")
