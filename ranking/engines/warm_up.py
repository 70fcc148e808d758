"""Compile everything once: `python -m ranking.engines.warm_up`.

The first use on a machine otherwise waits for the compiler, tens of seconds for some options of the default engine;
after it the compiled code is read from disk. Installing runs this, and a server loads the compiled code with it before
the first ballot.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any


def warm_up() -> None:
    """Run every compiled loop once, with what it is given in use. Seconds when the code was compiled before."""
    import numpy as np

    from ranking.engines.evidence import Evidence
    from ranking.engines.registry import ENGINES
    from ranking.engines.standings import standings

    evidence = Evidence.from_ballots(_ballots())
    standings(ENGINES["plackett-luce"].fit(evidence))
    for name, options in _uses():
        ENGINES[name].fit(evidence, **options)
    _sets(np.random.default_rng(0))
    _updates(evidence)
    _marks()
    _matchmaking(evidence)


def _ballots() -> list[Any]:
    """One of each form that ballots have, a cycle of majorities, and more tied items than are enumerated."""
    from ranking.engines.interchange import BallotRecord

    few, many = ("a", "b", "c", "d"), tuple("abcdefgh")
    orders = [(1, 2, 3, 4), (1, 2, 2, None), (1, None, None, -1), (1, None, None, None)]
    found = [BallotRecord(items=few, ranks=order, voter="v", prompt="p") for order in orders]
    found.append(BallotRecord(items=few, ranks=(None,) * 4, all_bad=True))
    found.append(BallotRecord(items=many, ranks=(1, *(None,) * 6, -1), voter="w", prompt="q"))
    found += [BallotRecord(items=pair, ranks=(1, 2)) for pair in (("e", "f"), ("f", "g"), ("g", "e"))]
    return found


def _uses() -> Iterator[tuple[str, dict[str, Any]]]:
    yield "plackett-luce", {"intervals": "clustered"}
    yield "plackett-luce", {"covariates": "position", "contamination": True}
    yield "plackett-luce", {"effects": "prompt"}
    yield "bradley-terry", {"intervals": "clustered"}
    yield "davidson", {"prior_sd": 1.0}
    yield "rank-centrality", {"intervals": "none"}
    yield "win-rate", {}
    yield "borda", {"intervals": "voters"}
    yield "copeland", {"samples": 2}
    yield "kemeny", {"samples": 2}
    yield "kemeny", {"samples": 2, "exact": 2}  # searched
    yield "elo", {}
    yield "trueskill", {}
    yield "ksort", {}
    yield "annotator-aware", {"position": True}


def _sets(rng: Any) -> None:
    """Sets too many for tables, which are counted as sorted keys; and strengths too far apart for one table."""
    import numpy as np

    from ranking.engines.errors import EvidenceError
    from ranking.engines.evidence import Evidence
    from ranking.engines.terms import group

    with contextlib.suppress(EvidenceError):  # the loop that finds what is wrong
        Evidence.from_arrays(["a"], [[0, 0]], [[1, 2]])
    slots = rng.random((4, 40)).argsort(axis=1)[:, :8]
    evidence = Evidence.from_arrays([f"c{n}" for n in range(40)], slots, np.tile(np.arange(1, 9), (4, 1)))
    group(evidence).evaluate(np.linspace(0, 1000, 40))


def _updates(evidence: Any) -> None:
    import numpy as np

    from ranking.engines.cycles import cycles
    from ranking.engines.held_out import held_out
    from ranking.engines.online import assimilate
    from ranking.engines.registry import ENGINES

    for order in [(1, 2, 3, 4), (1, 2, 2, None), (1, None, None, -1), (1, None, None, None)]:
        assimilate(np.zeros(4), np.eye(4), range(4), order)
    cycles(evidence, ENGINES["plackett-luce"].fit(evidence), replicates=1)
    held_out(evidence)


def _marks() -> None:
    from ranking.engines.rasch import faceted
    from ranking.engines.ratings import Ratings

    marks = [(item, rater, aspect, (n * 3) % 5) for n, (item, rater, aspect) in enumerate(
        (item, rater, aspect) for item in "ab" for rater in "xyz" for aspect in "st")]  # fmt: skip
    for thresholds in ("common", "rater", "criterion"):
        faceted.fit(Ratings.from_rows(marks), thresholds=thresholds)


def _matchmaking(evidence: Any) -> None:
    import numpy as np

    from ranking.engines.matchmaking.choosing import Rules, choose
    from ranking.engines.matchmaking.in_flight import expect
    from ranking.engines.matchmaking.propensity import win_rates
    from ranking.engines.matchmaking.registry import POLICIES, policy_named
    from ranking.engines.matchmaking.situation import Situation

    rng = np.random.default_rng(0)
    shown = np.arange(6)
    for conflicts in (None, np.zeros((6, 6), np.bool_)):
        situation = Situation(
            np.linspace(-1, 1, 6), np.eye(6), 4, shown, met=np.ones((6, 6), np.int64),
            newcomers=np.arange(6) == 5, conflicts=conflicts, weights=np.ones(6),
        )  # fmt: skip
        for name in POLICIES:
            choose(situation, policy_named(name), Rules(), rng)
    expect(np.linspace(-1, 1, 6), np.eye(6), [0, 1, 2, 3])
    evenly = np.full(len(evidence), 0.5)
    win_rates(evidence, evenly, evenly)


if __name__ == "__main__":
    warm_up()
