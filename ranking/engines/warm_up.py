"""Compile everything once: `python -m ranking.engines.warm_up`.

The first use on a machine otherwise waits some ten seconds for the compiler; after it the compiled code is read from
disk. Installing runs this, and a server loads the compiled code with it before the first ballot.
"""

from __future__ import annotations


def warm_up() -> None:
    """Fit and update once in each form that ballots have. Half a second when the code was compiled before."""
    import numpy as np

    from ranking.engines.evidence import Evidence
    from ranking.engines.interchange import BallotRecord
    from ranking.engines.online import assimilate
    from ranking.engines.registry import ENGINES
    from ranking.engines.standings import standings

    items = ("a", "b", "c", "d")
    orders = [(1, 2, 3, 4), (1, 2, 2, None), (1, None, None, -1), (1, None, None, None)]
    ballots = [BallotRecord(items=items, ranks=order) for order in orders]
    ballots.append(BallotRecord(items=items, ranks=(None,) * 4, all_bad=True))
    evidence = Evidence.from_ballots(ballots)
    standings(ENGINES["plackett-luce"].fit(evidence))
    for order in orders:
        assimilate(np.zeros(4), np.eye(4), range(4), order)


if __name__ == "__main__":
    warm_up()
