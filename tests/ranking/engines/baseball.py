"""American League East, 1987 season (Agresti, Categorical Data Analysis, 2nd edition, table 10.10)."""

from __future__ import annotations

from ranking.engines.evidence import Evidence

TEAMS = ("Milwaukee", "Detroit", "Toronto", "New York", "Boston", "Cleveland", "Baltimore")
RESULTS = """
-   4-3 4-2 4-3 6-1 4-2 6-0
3-3 -   4-2 4-3 6-0 6-1 4-3
2-5 4-3 -   2-4 4-3 4-2 6-0
3-3 5-1 2-5 -   4-3 4-2 6-1
5-1 2-5 3-3 4-2 -   5-2 6-0
2-5 3-3 3-4 4-3 4-2 -   2-4
2-5 1-5 1-6 2-4 1-6 3-4 -
"""  # a row a home team, a column a visitor: games won by the home team, games lost by it


def baseball() -> Evidence:
    """One weighted pair ballot for each home team, visitor and outcome; the home team is in the first place."""
    slots, ranks, weight = [], [], []
    for home, row in enumerate(RESULTS.split("\n")[1:-1]):
        for visitor, cell in enumerate(row.split()):
            if home != visitor:
                won, lost = (float(games) for games in cell.split("-"))
                slots += [[home, visitor]] * 2
                ranks += [[1, 2], [2, 1]]
                weight += [won, lost]
    kept = [place for place, games in enumerate(weight) if games > 0]
    return Evidence.from_arrays(
        TEAMS, [slots[place] for place in kept], [ranks[place] for place in kept], weight=[weight[p] for p in kept]
    )
