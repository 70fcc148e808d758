"""The page of the standings object names every key that any engine prints."""

from __future__ import annotations

import json
import re

import pytest

from ranking.engines.registry import ENGINES
from ranking.engines.report import report
from ranking.engines.standings import standings
from tests.conftest import REPOSITORY
from tests.ranking.engines.ballots import evidence_of

PAGE = (REPOSITORY / "docs" / "reference" / "standings.md").read_text()
BALLOTS = [([0, 1, 2], [1, 2, 3]), ([1, 0], [1, 2]), ([2, 1], [1, 1]), ([2, 0], [2, 1]), ([0, 2], [None, None])] * 4
USES = [(name, {}) for name in ENGINES] + [
    ("plackett-luce", {"prior_sd": 1.0, "intervals": "clustered"}),
    ("plackett-luce", {"covariates": "position", "contamination": True}),
    ("plackett-luce", {"effects": "prompt"}),
    ("bradley-terry", {"method": "ml", "intervals": "bootstrap", "samples": 20}),
    ("win-rate", {"average": "opponents"}),
    ("rank-centrality", {"intervals": "none"}),
    ("kemeny", {"intervals": "none"}),
    ("elo", {"shuffles": 5}),
    ("ksort", {"variant": "deployed"}),
    ("annotator-aware", {"position": True, "scales": True, "sides": True}),
]


def printed(name: str, options: dict) -> dict:
    evidence = evidence_of(
        BALLOTS, 3, all_bad=[n % 5 == 4 for n in range(20)], voters=[f"v{n % 4}" for n in range(20)],
        prompts=[f"p{n % 3}" for n in range(20)],
    )  # fmt: skip
    fit = ENGINES[name].fit(evidence, **options)
    found: dict = json.loads(json.dumps(report(fit, standings(fit, draws=200), 0.95, "natural", [])))
    return found


def documented(section: str) -> set[str]:
    """The keys in the first column of the tables below a heading, or of the whole page."""
    part = PAGE if not section else PAGE.split(f"\n## {section}\n")[1].split("\n## ")[0]
    cells = re.findall(r"^\| (`[^|]+`) \|", part, flags=re.MULTILINE)
    return {key for cell in cells for key in re.findall(r"`(\w+)`", cell)}


@pytest.mark.parametrize(("name", "options"), USES)
def test_every_key_of_the_object_is_on_the_page(name, options) -> None:
    found = printed(name, options)
    keys = documented("")
    assert set(found) <= keys
    assert set(found["standings"][0]) <= keys
    below = documented("Parameters")
    assert set(found["parameters"]) <= below, set(found["parameters"]) - below


def test_the_page_lists_no_parameter_that_no_engine_prints() -> None:
    seen = {key for name, options in USES for key in printed(name, options)["parameters"]}
    assert documented("Parameters") == seen
