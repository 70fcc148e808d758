"""Sentences for `Fit.warnings` that do not depend on the engine: what was pooled, unused or never compared."""

from __future__ import annotations

from collections.abc import Sequence

from ranking.engines.evidence import Evidence
from ranking.engines.terms import Terms

SHOWN_NAMES = 5


def general(evidence: Evidence, *, uses_strength: bool = False) -> list[str]:
    """What was pooled and which parts of the ballots play no role."""
    found = []
    for labels, noun in ((evidence.protocols, "protocols"), (evidence.voter_kinds, "kinds of voter")):
        counts = labels.counts()
        if len(counts) > 1:
            listed = ", ".join(f"{name} {count}" for name, count in counts.items())
            found.append(f"ballots of {len(counts)} {noun} are pooled: {listed}")
    bad = int(evidence.all_bad.sum())
    if bad:
        share = 100 * bad / len(evidence)
        found.append(f"{bad} of {len(evidence)} ballots ({share:.1f} %) say all bad; they move no strength")
    silent = int((~evidence.informative() & ~evidence.all_bad).sum())
    if silent:
        found.append(f"{silent} of {len(evidence)} ballots rank nothing and count for nothing")
    graded = int((evidence.strength > 0).sum())
    if graded and not uses_strength:
        found.append(f"the grades of {graded} graded pairs are not used, only who is ahead")
    return found


def links(items: Sequence[str], terms: Terms) -> list[str]:
    """Says when ballots leave contestants, or groups of them, without a link."""
    groups = terms.components()
    alone = [group[0] for group in groups if len(group) == 1]
    joined = [group for group in groups if len(group) > 1]
    found = []
    if alone:
        verb = "is" if len(alone) == 1 else "are"
        found.append(f"{names(items, alone)} {verb} compared with nothing; only the prior places them")
    if len(joined) > 1:
        listed = "; ".join(names(items, group) for group in joined[:SHOWN_NAMES])
        more = f"; and {len(joined) - SHOWN_NAMES} more groups" if len(joined) > SHOWN_NAMES else ""
        found.append(
            f"the ballots fall into {len(joined)} groups never compared with each other ({listed}{more}); "
            "only the prior places one group against another"
        )
    return found


def names(items: Sequence[str], chosen: Sequence[int]) -> str:
    """A few names and how many more."""
    listed = ", ".join(items[item] for item in chosen[:SHOWN_NAMES])
    return f"{listed} and {len(chosen) - SHOWN_NAMES} more" if len(chosen) > SHOWN_NAMES else listed
