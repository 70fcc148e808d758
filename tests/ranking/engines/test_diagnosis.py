"""The diagnosis as a command: what it says about good ballots, poor ones, and almost none."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from ranking.engines.__main__ import main
from ranking.engines.connections import connections
from ranking.engines.diagnosis import diagnose, text
from ranking.engines.evidence import Evidence
from ranking.engines.influence import influence
from tests.ranking.engines.ballots import evidence_of, shared_data, simulated
from tests.ranking.engines.test_cycles import rock_paper_scissors

KEYS = [
    "engine", "ballots", "contestants", "log_likelihood", "connections", "held_out", "influence", "cycles", "warnings",
]  # fmt: skip


def written(path: Path, evidence: Evidence) -> Path:
    lines = []
    for ballot in range(len(evidence)):
        span = slice(evidence.offsets[ballot], evidence.offsets[ballot + 1])
        items = [evidence.items[item] for item in evidence.slots[span]]
        ranks = [rank or None for rank in evidence.ranks[span].tolist()]
        lines.append(json.dumps({"voter": f"v{ballot % 40}", "items": items, "ranks": ranks}))
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture
def ballots(tmp_path: Path) -> Path:
    rng = np.random.default_rng(1)
    return written(tmp_path / "ballots.jsonl", simulated(rng.normal(0, 1, 6), 240, 3, rng))


def test_the_object_holds_every_part_and_two_runs_print_the_same(capsys, ballots) -> None:
    ask = ["diagnose", str(ballots), "--json", "--replicates", "19"]
    assert main(ask) == 0
    printed = capsys.readouterr().out
    found = json.loads(printed)
    assert list(found) == KEYS
    assert (found["ballots"], found["contestants"]) == (240, 6)
    assert found["connections"]["identified"] is True
    assert found["held_out"]["pairs"] == 720
    assert found["held_out"]["unit"] == "voter"
    assert found["held_out"]["brier"]["value"] < 0.25
    for how in ("drop", "reverse"):
        assert found["influence"][how]["verified"] is True
        assert len(found["influence"][how]["ballots"]) == found["influence"][how]["count"]
    assert found["cycles"]["p_value"] > 0.05
    assert main(ask) == 0
    assert capsys.readouterr().out == printed


def test_people_get_sentences(capsys, ballots) -> None:
    assert main(["diagnose", str(ballots), "--replicates", "19"]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("plackett-luce on 240 ballots of 6 contestants\n")
    for part in ("Links", "Held-out ballots", "First place", "Cycles"):
        assert f"\n\n{part}\n" in printed
    assert "(checked by a refit)" in printed
    assert "Brier score 0." in printed
    assert "no sign of cycles" in printed


def test_cycles_and_open_orders_are_said() -> None:
    found = diagnose(rock_paper_scissors(np.random.default_rng(1), 0.9, 900), replicates=39)
    assert "in circles" in text(found)
    assert "won 0." in text(found)
    ballots = [([0, 1], [1, 2]), ([2, 1], [1, 2])] * 3
    assert "the ballots leave the order open within 1 pairs: c0 and c2" in text(diagnose(evidence_of(ballots, 3)))


@pytest.mark.parametrize("ranks", [[1, 2], [None, None]])
def test_what_cannot_be_judged_is_said_and_is_no_error(capsys, tmp_path, ranks) -> None:
    path = tmp_path / "one.jsonl"
    path.write_text(json.dumps({"items": ["a", "b"], "ranks": ranks}) + "\n")
    assert main(["diagnose", str(path), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert "refused" in found["held_out"]
    assert found["connections"]["identified"] is False
    assert found["cycles"]["triads"] == 0
    assert main(["diagnose", str(path)]) == 0
    assert found["held_out"]["refused"] in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--replicates", "-1"], "argument --replicates: must be a whole number from 0 to 100000, not '-1'"),
        (["--replicates", "few"], "argument --replicates: must be a whole number from 0 to 100000, not 'few'"),
        (["--unit", "day"], "argument --unit: invalid choice: 'day'"),
        (["--prior-sd", "0"], "argument --prior-sd: must lie between 1e-06 and 1e+06, not 0"),
    ],
)
def test_a_bad_argument_is_refused(capsys, ballots, arguments, reason) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["diagnose", str(ballots), *arguments])
    assert stop.value.code == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.count("\n") == 1
    assert reason in printed.err


def test_options_of_the_default_engine_can_be_written(capsys, ballots) -> None:
    ask = ["fit", str(ballots), "--json"]
    written_options = ["covariates=position", "contamination=true", "intervals=clustered"]
    assert main([*ask, *(part for option in written_options for part in ("--option", option))]) == 0
    parameters = json.loads(capsys.readouterr().out)["parameters"]
    assert set(parameters["covariates"]["position"]) == {"effect", "sd", "low", "high"}
    assert 0 < parameters["contamination"]["low"] < parameters["contamination"]["share"]
    assert parameters["intervals"] == "clustered"
    assert main([*ask, "--option", "effects=voter"]) == 0
    assert json.loads(capsys.readouterr().out)["parameters"]["effects"]["groups"] == 40
    for option, reason in (
        ("contamination=yes", "option contamination must be true or false, not 'yes'"),
        ("covariate_sd=wide", "option covariate_sd must be a number, not 'wide'"),
        ("effects=day", "effects must be prompt or voter, not 'day'"),
        ("start=x", "there are: prior_sd, intervals, covariates, covariate_sd, contamination, effects"),
    ):
        assert main([*ask, "--option", option]) == 2
        assert reason in capsys.readouterr().err


def test_a_published_leaderboard_is_diagnosed() -> None:
    """Turkish-English systems of WMT 2016: well linked, and few of the ballots hold the first place."""
    from ranking.engines.interchange import BallotReader

    with open(shared_data("ballots/wmt16-tur-eng.jsonl"), "rb") as file:
        evidence = Evidence.from_ballots(BallotReader(file))
    assert connections(evidence).identified
    found = influence(evidence)
    assert found.verified
    assert found.count < 0.05 * found.total
