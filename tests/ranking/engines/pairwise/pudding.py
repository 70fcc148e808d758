"""Six brands of chocolate pudding compared in pairs, with ties: Davidson 1970, table 2."""

from __future__ import annotations

from ranking.engines.evidence import Evidence

# brand i, brand j, i preferred, j preferred, no preference
COUNTS = [
    (1, 2, 19, 22, 16), (1, 3, 16, 19, 12), (2, 3, 19, 19, 10), (1, 4, 18, 23, 13), (2, 4, 23, 19, 9),
    (3, 4, 19, 20, 15), (1, 5, 13, 19, 18), (2, 5, 16, 20, 12), (3, 5, 16, 15, 17), (4, 5, 17, 14, 16),
    (1, 6, 18, 21, 12), (2, 6, 22, 20, 12), (3, 6, 13, 18, 10), (4, 6, 14, 19, 18), (5, 6, 11, 21, 12),
]  # fmt: skip


def pudding() -> Evidence:
    rows = [
        (i - 1, j - 1, outcome, float(count))
        for i, j, ahead, behind, tied in COUNTS
        for outcome, count in ((1, ahead), (-1, behind), (0, tied))
    ]
    first, second, outcome, weight = (list(column) for column in zip(*rows, strict=True))
    return Evidence.from_pairs([f"brand {n}" for n in range(1, 7)], first, second, outcome, weight=weight)
