"""The textbook election of a capital: four cities, voters rank them by distance (42, 26, 15 and 17 per cent)."""

from __future__ import annotations

from ranking.engines.evidence import Evidence

CITIES = ("Memphis", "Nashville", "Chattanooga", "Knoxville")
BALLOTS = {(1, 2, 3, 4): 42.0, (4, 1, 2, 3): 26.0, (4, 3, 1, 2): 15.0, (4, 3, 2, 1): 17.0}


def tennessee() -> Evidence:
    return Evidence.from_arrays(CITIES, [range(4)] * 4, list(BALLOTS), weight=list(BALLOTS.values()))
