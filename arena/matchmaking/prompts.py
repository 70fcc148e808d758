"""Which prompt a battle is about: a probability for each prompt that a battle could be made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def chances(
    rule: str,
    judged: NDArray[np.int64],
    worth: Floats,
    categories: Sequence[Sequence[str]],
    quota: Mapping[str, float],
) -> Floats:
    """Probabilities of P prompts, which sum to one.

    rule: even, least-judged or most-informative (see `Arena.prompt_choice`); judged: (P,) ballots on each; worth: (P,)
    how much the best battle on it would tell, in any unit; categories: paths of each; quota: shares of paths, a path
    taking all below it along. A path without a prompt gives its share to the others; what the shares leave goes to the
    prompts in none of the paths. Cost: P times the number of paths.
    """
    everything = np.ones(len(judged), np.bool_)
    if not quota:
        return _within(rule, everything, judged, worth)
    groups = [(share, _below(path, categories)) for path, share in quota.items()]
    others = everything & ~np.any([members for _, members in groups], axis=0)
    groups.append((max(1 - sum(quota.values()), 0.0), others))
    groups = [(share, members) for share, members in groups if share > 0 and members.any()]
    if not groups:  # quotas for categories that no prompt has, and no share for the rest
        return _within(rule, everything, judged, worth)
    whole = sum(share for share, _ in groups)
    return np.sum([share / whole * _within(rule, members, judged, worth) for share, members in groups], axis=0)


def _within(rule: str, members: NDArray[np.bool_], judged: NDArray[np.int64], worth: Floats) -> Floats:
    best = members
    if rule == "most-informative":
        best = best & (worth >= worth[best].max() * (1 - 1e-9))
    if rule != "even":  # equals in information are told apart by ballots
        best = best & (judged == judged[best].min())
    return np.asarray(best / best.sum(), np.float64)


def _below(path: str, categories: Sequence[Sequence[str]]) -> NDArray[np.bool_]:
    return np.array(
        [any(each == path or each.startswith(path + "/") for each in some) for some in categories], np.bool_
    )
