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
from ranking.engines.options import OPTIONS, WRITTEN
from ranking.engines.registry import ENGINES, engine_named
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
    assert [option["name"] for option in rows["elo"]["options"]] == ["k_factor", "shuffles", "rng"]
    assert rows["elo"]["options"][0] == {
        "name": "k_factor", "meaning": "points at stake in one comparison", "default": 4.0, "written": True
    }  # fmt: skip
    assert main(["engines"]) == 0
    printed = capsys.readouterr().out
    for engine in ENGINES.values():
        assert [option["name"] for option in rows[engine.name]["options"]] == list(engine.options)
        for option in rows[engine.name]["options"]:
            assert f"option       {option['name']}: {option['meaning']}" in printed or not option["written"]


@pytest.mark.parametrize("name", NAMES)
def test_an_engine_has_every_option_that_its_function_has_with_the_same_default(name) -> None:
    module, function = ENGINES[name].target.split(":")
    parameters = inspect.signature(getattr(import_module(module), function)).parameters
    assert {key: value.default for key, value in parameters.items() if key != "evidence"} == ENGINES[name].options
    assert set(ENGINES[name].options) <= set(OPTIONS)


def test_everything_but_a_fit_to_start_from_can_be_written() -> None:
    assert set(OPTIONS) - set(WRITTEN) == {"start"}
    assert {option for engine in ENGINES.values() for option in engine.options} == set(OPTIONS)


@pytest.mark.parametrize("option", ["fans=false", "scales=true", "sides=true", "position=true", "prior_sd=0.5"])
def test_who_is_believed_can_be_chosen_on_the_command_line(capsys, tmp_path, option) -> None:
    path = tmp_path / "ballots.jsonl"
    lines = [{"items": ["a", "b", "c"], "ranks": [1, 2, 3], "voter": f"v{n % 3}"} for n in range(9)]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    ask = ["fit", str(path), "--json", "--engine", "annotator-aware", "--option", option]
    assert main(ask) == 0
    found = json.loads(capsys.readouterr().out)["parameters"]
    name, value = option.split("=")
    evidence = evidence_of([([0, 1, 2], [1, 2, 3])] * 9, 3, voters=[line["voter"] for line in lines])
    asked = ENGINES["annotator-aware"].fit(evidence, **{name: WRITTEN[name](value)})
    assert found["log_likelihood"] == pytest.approx(asked.parameters["log_likelihood"])
    assert set(found["shares"]) == set(asked.parameters["shares"])
    assert main([*ask[:-1], f"{name}=maybe"]) == 2
    assert "must be" in capsys.readouterr().err
