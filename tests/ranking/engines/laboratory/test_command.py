"""`python -m ranking.engines simulate`: what it prints, draws and refuses."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ranking.engines.__main__ import main
from ranking.engines.laboratory.peers import BETAS, K_FACTORS, PEERS
from ranking.engines.laboratory.progress import Bar
from tests.conftest import REPOSITORY

SMALL = ("--count", "6", "--size", "3", "--ballots", "40", "--seeds", "2", "--step", "1.5")


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(["simulate", *SMALL, *arguments]) == 0
    said = capsys.readouterr()
    assert said.err == ""
    return said.out


def found(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict:
    out = printed(capsys, *arguments, "--json")
    assert out.count("\n") == 1
    return json.loads(out)


def status_and_error(*arguments: str) -> tuple[int | str | None, str]:
    try:
        return main(["simulate", *arguments]), ""
    except SystemExit as stop:
        return stop.code, ""


def refusal(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    status, _ = status_and_error(*SMALL, *arguments)
    said = capsys.readouterr()
    assert status == 2
    assert said.out == ""
    assert said.err.count("\n") == 1
    return said.err.strip()


def test_the_object_has_exactly_the_promised_keys(capsys: pytest.CaptureFixture[str]) -> None:
    said = found(capsys, "--newcomers", "1", "--joins", "5")
    assert list(said) == ["version", "contestants", "voters", "ballots", "seeds", "runs"]
    assert (said["version"], said["ballots"], said["seeds"]) == (1, 40, [0, 1])
    assert list(said["contestants"]) == ["shape", "count", "spread", "clusters", "newcomers", "joins"]
    assert list(said["voters"]) == [
        "kind", "each", "scale_sd", "cyclic", "random", "lazy", "bloc", "random_ballots",
    ]  # fmt: skip
    (run,) = said["runs"]
    assert list(run) == [
        "name", "engine", "policy", "rules", "form", "best_of", "curve", "until", "final", "newcomers", "calls",
    ]  # fmt: skip
    assert list(run["rules"]) == ["audit", "floor", "rescue", "ceiling"]
    assert list(run["form"]) == ["name", "size", "threshold"]
    assert list(run["curve"]) == ["ballots", "tau", "top_1", "top_5", "rmse"]
    assert list(run["curve"]["tau"]) == ["mean", "low", "median", "high"]
    assert {len(curve) for curve in run["curve"]["tau"].values()} == {len(run["curve"]["ballots"])}
    assert list(run["until"]) == ["tau_0.9", "tau_0.95", "top_5_0.9", "exact", "exact_once"]
    for until in run["until"].values():
        assert list(until) == ["mean_curve", "low", "median", "high", "reached"]
    assert list(run["final"]) == [
        "tau", "top_1", "top_5", "rmse", "covered_strengths", "covered_ranks", "least_shown",
    ]  # fmt: skip
    assert list(run["final"]["tau"]) == ["mean", "low", "median", "high"]
    assert set(run["newcomers"]) == {"10"}
    assert list(run["calls"]) == ["low", "median", "high"]


def test_calls_are_the_outputs_shown_until_the_order_is_right(capsys: pytest.CaptureFixture[str]) -> None:
    (run,) = found(capsys, "--voters", "true", "--contestants", "equal")["runs"]
    exact = run["until"]["exact"]
    assert exact["median"] is not None
    assert run["calls"] == {name: 3 * exact[name] for name in ("low", "median", "high")}


def test_every_engine_runs_with_every_policy(capsys: pytest.CaptureFixture[str]) -> None:
    said = found(capsys, "--engine", "elo", "--engine", "borda", "--policy", "uniform", "--policy", "swiss")
    names = [run["name"] for run in said["runs"]]
    assert names == ["elo / uniform", "elo / swiss", "borda / uniform", "borda / swiss"]


def test_peers_are_run_as_they_are_run_elsewhere(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = [word for peer in PEERS for word in ("--peer", peer)]
    runs = found(capsys, *arguments)["runs"][1:]
    assert [run["name"].split(" (")[0] for run in runs] == [f"peer {peer}" for peer in PEERS]
    tried = {run["name"].split(" (")[0].removeprefix("peer "): run["best_of"] for run in runs}
    assert tried == {
        "elo": len(K_FACTORS), "bradley-terry": 1, "ksort": 2, "ksort-deployed": 2, "ksort-tuned": len(BETAS),
        "openskill": 1, "trueskill": 1,
    }  # fmt: skip
    assert {run["form"]["size"] for run in runs if run["name"].startswith(("peer elo", "peer bradley"))} == {2}
    assert {run["policy"].split(":")[0] for run in runs if "ksort" in run["name"]} == {"ksort"}
    for run in runs:
        assert run["rules"] == {"audit": 0.0, "floor": 0.0, "rescue": 0.0, "ceiling": None}


def test_the_table_has_a_line_for_each_run_and_says_what_was_simulated(capsys: pytest.CaptureFixture[str]) -> None:
    lines = printed(capsys, "--policy", "uniform", "--policy", "coverage", "--spread", "1.5").splitlines()
    assert lines[0] == "6 contestants (normal, spread 1.5), plackett-luce voters, 40 ballots, 2 seeds"
    assert lines[2].split()[:3] == ["K", "tau", "top"]
    assert [line.split("  ")[0] for line in lines[3:]] == ["plackett-luce / uniform", "plackett-luce / coverage"]


def test_two_runs_print_the_same_bytes_and_so_do_two_processes(capsys: pytest.CaptureFixture[str]) -> None:
    first = printed(capsys, "--random", "0.2", "--json")
    assert printed(capsys, "--random", "0.2", "--json") == first
    assert printed(capsys, "--random", "0.2", "--json", "--jobs", "2") == first
    assert printed(capsys, "--random", "0.2", "--json", "--seed", "1") != first


def test_the_drawing_is_written(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "curves.svg"
    printed(capsys, "--svg", str(path))
    root = ElementTree.parse(path).getroot()  # noqa: S314  # our own
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert root.findtext("{http://www.w3.org/2000/svg}title") == "6 contestants (normal, spread 1), 2 seeds"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--contestants", "round"], "contestants must be normal, equal, clusters, not 'round'"),
        (["--count", "1"], "there must be 2 to 1000 contestants, not 1"),
        (["--count", "-3"], "argument --count: must be a whole number, 0 or more, not '-3'"),
        (["--count", "2"], "battles of 3 need as many contestants; at the start there are 2"),
        (["--spread", "1e300"], "at most 100 logits"),
        (["--spread", "wide"], "argument --spread: must be a number, not 'wide'"),
        (["--voters", "wise"], "voters must be plackett-luce, thurstone, true, not 'wise'"),
        (["--each", "1000000000000"], "a voter casts 1 to 1000000 ballots"),
        (["--random", "0.7", "--lazy", "0.7"], "add up to more than 1"),
        (["--form", "essay"], "the ballot must be rank, pair, best, best-worst, ties, not 'essay'"),
        (["--form", "pair"], "a pair has two contestants, not 3; ask for rank instead"),
        (["--size", "9"], "a battle has 2 to 8 contestants, not 9"),
        (["--engine", "abacus"], "there is no engine 'abacus' to simulate"),
        (["--policy", "fixed-weights"], "there is no policy 'fixed-weights' to simulate"),
        (["--peer", "chess"], "there is no peer 'chess'; there are: elo, bradley-terry"),
        (["--engine", "elo", "--engine", "elo"], "elo / misorder is asked for twice"),
        (["--engine", "openskill-package", "--form", "best"], "knows no ballots with places left open, as best has"),
        (["--ballots", "0"], "ballots must be 1 to 1000000, not 0"),
        (["--step", "inf"], "checkpoints must be a factor above 1 and at most 1000 apart, not inf"),
        (["--seeds", "0"], "seeds must be 1 to 10000, not 0"),
        (["--jobs", "999"], "jobs must be 1 to 256, not 999"),
        (["--svg", "nowhere/at/all.svg"], "cannot write nowhere/at/all.svg: No such file or directory"),
        (["--svg", ""], "cannot write ."),
        (["--svg", "a\0b"], "cannot write 'a\\x00b': embedded null byte"),
        (["--sorcery"], "unrecognized arguments: --sorcery"),
    ],
)
def test_what_makes_no_sense_is_refused_in_one_line(
    capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    assert message in refusal(capsys, *arguments)


NUMBERS = st.sampled_from(["0", "-1", "1e-300", "1e300", "nan", "inf", "0.1", "0.5", "1", "2", "50", "x", "", "9" * 30])
WHOLES = st.sampled_from(["0", "1", "2", "4", "5", "9", "-1", "x", "", "1e3", "9" * 30, "１", "1000000"])
OPTIONS = {
    "--spread": NUMBERS, "--scale-sd": NUMBERS, "--cyclic": NUMBERS, "--random": NUMBERS, "--lazy": NUMBERS,
    "--bloc": NUMBERS, "--random-ballots": NUMBERS, "--tie-threshold": NUMBERS, "--step": NUMBERS, "--count": WHOLES,
    "--clusters": WHOLES, "--newcomers": WHOLES, "--joins": WHOLES, "--each": WHOLES, "--size": WHOLES,
    "--seed": WHOLES,
    "--contestants": st.sampled_from(["normal", "equal", "clusters", "x", ""]),
    "--voters": st.sampled_from(["plackett-luce", "thurstone", "true", "x"]),
    "--form": st.sampled_from(["rank", "pair", "best", "best-worst", "ties", "x"]),
    "--engine": st.tuples(
        st.sampled_from([
            "plackett-luce", "plackett-luce:prior_sd=", "plackett-luce:start_sd=", "plackett-luce:refit=",
            "elo:k_factor=", "ksort:beta=", "ksort-deployed", "trueskill:tau=", "trueskill:draw_probability=",
            "bradley-terry:prior_sd=", "win-rate", "rank-centrality:pseudo=", "borda:", "x", ":", "",
        ]),
        NUMBERS,
    ).map(lambda parts: parts[0] + (parts[1] if parts[0].endswith("=") else "")),
    "--policy": st.tuples(
        st.sampled_from([
            "misorder:top_weight=", "misorder:sharpness=", "misorder:variant=", "uniform", "coverage", "ksort:alpha=",
            "expected-information:sharpness=", "thompson-window", "swiss", "placement:top_weight=", "tournament", "x",
        ]),
        NUMBERS,
    ).map(lambda parts: parts[0] + (parts[1] if parts[0].endswith("=") else "")),
}  # fmt: skip


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(chosen=st.lists(st.sampled_from(sorted(OPTIONS)), min_size=1, max_size=4, unique=True), data=st.data())
def test_whatever_is_asked_it_answers_or_refuses_in_one_line(
    capsys: pytest.CaptureFixture[str], chosen: list[str], data: st.DataObject
) -> None:
    arguments = [f"{option}={data.draw(OPTIONS[option], label=option)}" for option in chosen]
    small = ["--ballots=12", "--seeds=1", "--json", *([] if "--count" in chosen else ["--count=6"])]
    status, _ = status_and_error(*small, *arguments)
    said = capsys.readouterr()
    if status == 0:
        assert said.err == ""
        json.loads(said.out, parse_constant=lambda constant: pytest.fail(f"{constant} in the object"))
    else:
        assert status == 2
        assert said.out == ""
        assert said.err.count("\n") == 1


def test_ctrl_c_ends_it_without_a_word(tmp_path: Path) -> None:
    path = tmp_path / "curves.svg"  # it is there as soon as the arguments are known to be good
    process = subprocess.Popen(
        [sys.executable, "-m", "ranking.engines", "simulate", "--ballots", "900000", "--jobs", "2", "--svg", str(path)],
        cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
        # As from a terminal; a test run in the background is told to ignore Ctrl-C, and hands that on.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip
    deadline = time.monotonic() + 60
    while not path.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert path.exists()
    time.sleep(1)  # into the trials, on most machines; wherever it is, it has to be quiet
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (130, b"", b"")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class TestTheBar:
    def test_is_for_terminals_only(self) -> None:
        stream = io.StringIO()
        with Bar(stream=stream) as bar:
            bar(1, 2)
        assert stream.getvalue() == ""

    def test_fills_and_is_wiped(self) -> None:
        stream = Terminal()
        with Bar(stream=stream) as bar:
            bar(1, 3)
            bar(3, 3)
        first, second, wiped = stream.getvalue().split("\r")[1:4]
        assert first.startswith(f"[{'#' * 10}{'.' * 20}] 1/3 trials")
        assert "left" in first
        assert second.startswith(f"[{'#' * 30}] 3/3 trials")
        assert "left" not in second
        assert wiped.strip() == ""
        assert len(wiped) == max(len(first), len(second))

    def test_can_be_asked_for(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["simulate", *SMALL, "--progress", "--json"]) == 0
        said = capsys.readouterr()
        assert "2/2 trials" in said.err
        assert "trials" not in said.out


@pytest.mark.parametrize("rules", [(), ("--no-rules", "--policy", "uniform")], ids=["with rules", "lots alone"])
def test_ties_of_an_engine_that_holds_them_for_impossible_are_refused_before_the_first(
    capsys: pytest.CaptureFixture[str], rules: tuple[str, ...]
) -> None:
    said = refusal(capsys, "--engine", "trueskill", "--form", "ties", *rules)
    assert "trueskill holds ties for impossible; give it a chance of them, as trueskill:draw_probability=0.1" in said
    (run,) = found(capsys, "--engine", "trueskill:draw_probability=0.1", "--form", "ties", *rules)["runs"]
    assert run["final"]["tau"]["mean"] > 0


def test_strengths_that_are_not_finite_end_the_run(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from ranking.engines.laboratory import updates

    monkeypatch.setattr(updates.Elo, "mean", lambda self: self._mean * float("nan"))
    said = refusal(capsys, "--engine", "elo", "--policy", "uniform", "--no-rules")
    assert "elo has come to strengths that are not finite" in said


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--clusters", "3"), "--clusters is for --contestants clusters, not for normal"),
        (("--joins", "5"), "--joins says when newcomers enter, but there are none"),
        (("--tie-threshold", "0.3"), "--tie-threshold is for --form ties, not for rank"),
    ],
)
def test_an_option_that_would_change_nothing_is_refused(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], words: str
) -> None:
    assert words in refusal(capsys, *arguments)
