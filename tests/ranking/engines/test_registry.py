"""The registry: every engine says what it is, can be fitted from it, and accounts for every ballot."""

from __future__ import annotations

import inspect
import json
from importlib import import_module

import numpy as np
import pytest
from hypothesis import given, settings

from ranking.engines.__main__ import main
from ranking.engines.errors import EngineError, FitError
from ranking.engines.evidence import Evidence
from ranking.engines.fit import Fit
from ranking.engines.registry import ENGINES, WRITTEN, engine_named
from ranking.engines.standings import standings
from tests.ranking.engines.ballots import evidence_of, some_ballots

NAMES = list(ENGINES)


def fitted(name: str, evidence: Evidence) -> tuple[Fit | None, str]:
    """The fit, or why there is none."""
    try:
        return ENGINES[name].fit(evidence), ""
    except FitError as refusal:
        return None, str(refusal)


@pytest.mark.parametrize("name", NAMES)
def test_the_options_listed_are_the_keywords_of_the_engine(name) -> None:
    module, function = ENGINES[name].target.split(":")
    parameters = inspect.signature(getattr(import_module(module), function)).parameters
    keywords = {key for key, parameter in parameters.items() if parameter.kind is parameter.KEYWORD_ONLY}
    assert set(ENGINES[name].options) <= keywords


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=15, deadline=None)
@given(ballots=some_ballots())
def test_every_engine_has_a_board_for_any_ballots_or_a_reason(name, ballots) -> None:
    evidence = evidence_of(ballots, 6)
    fit, reason = fitted(name, evidence)
    if fit is None:
        assert len(reason) > 20
        assert "\n" not in reason
        return
    rows = standings(fit)
    assert [row.item for row in rows] != []
    assert {row.item for row in rows} == set(evidence.items)
    assert all(np.isfinite(row.mean) for row in rows)
    assert fit.engine == name
    assert fit.converged or any("did not converge" in warning for warning in fit.warnings)
    json.dumps(dict(fit.parameters), allow_nan=False)
    unused = int((~evidence.informative()).sum())
    assert any(f"{unused} of {len(evidence)} ballots rank nothing" in warning for warning in fit.warnings) == (
        unused > 0
    )


@pytest.mark.parametrize("name", NAMES)
def test_ballots_without_information_alone_are_a_prior_or_a_reason(name) -> None:
    evidence = evidence_of([([0, 1, 2], [None, None, None])] * 4, 3, all_bad=[True, True, True, False])
    if name in ("plackett-luce", "bradley-terry", "davidson", "rao-kupper", "thurstone", "annotator-aware"):
        fit = ENGINES[name].fit(evidence)
        np.testing.assert_allclose(fit.mean, 0, atol=1e-9)
        assert any("say all bad" in warning for warning in fit.warnings)
    else:
        with pytest.raises(FitError, match=r"4|3"):
            ENGINES[name].fit(evidence)


@pytest.mark.parametrize("name", NAMES)
def test_no_ballots_and_one_contestant_are_a_board_or_a_reason(name) -> None:
    none = np.empty((0, 2), int)
    for items in (("only",), ("a", "b")):
        fit, reason = fitted(name, Evidence.from_arrays(items, none, none))
        if fit is None:
            assert "0 ballots" in reason or "none of 0" in reason
        else:
            np.testing.assert_allclose(fit.mean, 0, atol=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_a_clear_order_is_found_by_every_engine(name) -> None:
    rng = np.random.default_rng(1)
    theta = np.array([2.5, 1.2, 0.0, -1.2, -2.5])
    slots = np.array([rng.choice(5, 3, replace=False) for _ in range(1_500)])
    ranks = (-(theta[slots] + rng.gumbel(size=slots.shape))).argsort(axis=1).argsort(axis=1) + 1
    fit = ENGINES[name].fit(Evidence.from_arrays(list("abcde"), slots, ranks))
    assert [row.item for row in standings(fit)] == list("abcde")


def test_an_unknown_option_is_refused_and_never_ignored() -> None:
    for name in NAMES:
        with pytest.raises(EngineError, match=f"{name} has no option colour"):
            engine_named(name).fit(evidence_of([([0, 1], [1, 2])], 2), colour="red")


def test_options_can_be_written_on_the_command_line(capsys, tmp_path) -> None:
    path = tmp_path / "ballots.jsonl"
    path.write_text('{"items": ["a", "b"], "ranks": [1, 2]}\n{"items": ["a", "b"], "ranks": [2, 1]}\n' * 3)
    ask = ["fit", str(path), "--json", "--engine"]
    assert main([*ask, "elo", "--option", "k-factor=16", "--option", "shuffles=5"]) == 0
    assert json.loads(capsys.readouterr().out)["parameters"]["k_factor"] == 16
    assert main([*ask, "bradley-terry", "--option", "method=ml", "--option", "intervals=sandwich"]) == 0
    assert json.loads(capsys.readouterr().out)["parameters"]["intervals"] == "sandwich"
    for arguments, reason in (
        (["elo", "--option", "method=ml"], "elo has no option 'method' that can be written here; there are: k_factor"),
        (["bradley-terry", "--option", "start=x"], "there are: prior_sd, method, intervals, samples, rng"),
        (["elo", "--option", "shuffles=many"], "option shuffles must be a whole number, not 'many'"),
        (["elo", "--option", "k_factor=1", "--option", "k_factor=2"], "k_factor is given twice"),
        (["bradley-terry", "--prior-sd", "1", "--option", "prior_sd=2"], "prior_sd is given twice"),
        (["kemeny", "--prior-sd", "1"], "kemeny has no prior"),
    ):
        assert main([*ask, *arguments]) == 2
        assert reason in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main([*ask, "elo", "--option", "shuffles"])
    assert "must be NAME=VALUE" in capsys.readouterr().err


def test_the_engines_command_names_the_options(capsys) -> None:
    assert main(["engines", "--json"]) == 0
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    assert rows["elo"]["options"] == "k_factor, shuffles, rng"
    for engine in ENGINES.values():
        for option in engine.options:
            assert option not in WRITTEN or option in rows[engine.name]["options"]
