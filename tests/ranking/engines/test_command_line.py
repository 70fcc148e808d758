"""The command line other programs call: its output is a contract, its refusals are one line and status 2."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ranking.engines.__main__ import main
from tests.ranking.engines.ballots import shared_data

REPOSITORY = Path(__file__).resolve().parents[3]
BALLOTS = [
    {"items": ["ada", "bob", "eve"], "ranks": [1, 2, 3]},
    {"items": ["bob", "ada"], "ranks": [2, 1]},
    {"items": ["eve", "bob"], "ranks": [1, 1]},
    {"items": ["eve", "ada"], "ranks": [None, None], "all_bad": True},
]


@pytest.fixture
def ballots(tmp_path: Path) -> Path:
    path = tmp_path / "ballots.jsonl"
    path.write_text("".join(json.dumps(ballot) + "\n" for ballot in BALLOTS))
    return path


def fitted(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict:
    assert main(["fit", *arguments, "--json"]) == 0
    printed = capsys.readouterr()
    assert printed.err == ""
    assert printed.out.count("\n") == 1
    return json.loads(printed.out)


def refusal(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """The one line on standard error, after checking the status."""
    try:
        status = main(list(arguments))
    except SystemExit as stop:
        status = stop.code
    printed = capsys.readouterr()
    assert status == 2
    assert printed.out == ""
    assert printed.err.count("\n") == 1
    return printed.err.strip()


def test_the_object_has_exactly_the_promised_keys(capsys, ballots) -> None:
    found = fitted(capsys, str(ballots))
    assert list(found) == ["engine", "parameters", "converged", "iterations", "ballots", "standings", "warnings"]
    assert found["engine"] == "plackett-luce"
    assert found["ballots"] == 4
    assert found["converged"] is True
    for row in found["standings"]:
        assert list(row) == ["item", "mean", "sd", "low", "high", "rank", "rank_low", "rank_high", "p_best", "ballots"]
        assert row["low"] < row["mean"] < row["high"]
        assert row["rank_low"] <= row["rank"] <= row["rank_high"]
    assert found["standings"][0]["item"] == "ada"
    assert [row["rank"] for row in found["standings"]] == [1, 2, 3]
    assert {row["item"]: row["ballots"] for row in found["standings"]} == {"ada": 3, "bob": 3, "eve": 3}
    assert sum(row["p_best"] for row in found["standings"]) == pytest.approx(1)
    assert sum(row["mean"] for row in found["standings"]) == pytest.approx(0, abs=1e-9)
    assert any("say all bad" in warning for warning in found["warnings"])


def test_two_runs_print_the_same_bytes(capsys, ballots) -> None:
    assert main(["fit", str(ballots), "--json"]) == 0
    first = capsys.readouterr().out
    assert main(["fit", str(ballots), "--json"]) == 0
    assert capsys.readouterr().out == first


def test_prior_level_and_scale_do_what_they_say(capsys, ballots) -> None:
    natural = fitted(capsys, str(ballots), "--prior-sd", "0.5")
    assert natural["parameters"]["prior_sd"] == 0.5
    assert natural["parameters"]["prior"] == "given"
    elo = fitted(capsys, str(ballots), "--prior-sd", "0.5", "--scale", "elo")
    narrow = fitted(capsys, str(ballots), "--prior-sd", "0.5", "--level", "0.5")
    for plain, points, half in zip(natural["standings"], elo["standings"], narrow["standings"], strict=True):
        assert points["mean"] == pytest.approx(1000 + 173.7178 * plain["mean"], abs=1e-3)
        assert points["sd"] == pytest.approx(173.7178 * plain["sd"], rel=1e-5)
        assert points["high"] == pytest.approx(1000 + 173.7178 * plain["high"], abs=1e-3)
        assert half["high"] - half["mean"] == pytest.approx(
            (plain["high"] - plain["mean"]) * 0.67449 / 1.95996, rel=1e-4
        )
    assert fitted(capsys, str(ballots))["parameters"]["prior"] == "learned"


def test_a_table_for_people(capsys, ballots) -> None:
    assert main(["fit", str(ballots), "--scale", "elo"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["rank", "contestant", "rating", "95", "%", "interval", "P(best)", "ballots"]
    assert lines[1].split()[2] == "ada"
    assert lines[4].startswith("plackett-luce, 4 ballots, converged after ")
    assert lines[5].startswith("note: 1 of 4 ballots")


def test_standard_input_is_read(tmp_path) -> None:
    text = "".join(json.dumps(ballot) + "\n" for ballot in BALLOTS)
    done = run("fit", "-", "--json", stdin=text)
    assert json.loads(done.stdout)["ballots"] == 4
    assert done.stderr == ""


def test_oddities_are_warnings(capsys, tmp_path) -> None:
    path = tmp_path / "odd.jsonl"
    path.write_text('{"items": ["a", "b"], "ranks": [1, 2], "mood": 1}\n' * 3)
    assert "unknown key 'mood' is ignored (line 1 and 2 more)" in fitted(capsys, str(path))["warnings"]


def test_the_first_bad_line_is_named_and_the_others_counted(capsys, tmp_path) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_text('{"items": ["a", "b"], "ranks": [1, 2]}\n{}\n{"items": ["a", "b"], "ranks": [0, 1]}\nx\n')
    assert (
        refusal(capsys, "fit", str(path)) == f"ranking.engines: {path}: line 2: items is missing (and 2 more bad lines)"
    )
    path.write_text('{"items": ["a", "b"], "ranks": [1]}\n')
    assert refusal(capsys, "fit", str(path)).endswith("line 1: ranks has 1 entries for 2 items")


@pytest.mark.parametrize("content", ["", "\n\n"])
def test_an_empty_file_is_refused(capsys, tmp_path, content) -> None:
    path = tmp_path / "empty.jsonl"
    path.write_text(content)
    assert refusal(capsys, "fit", str(path)).endswith("there are no ballots in it")


def test_a_file_that_cannot_be_read_is_refused(capsys, tmp_path) -> None:
    assert refusal(capsys, "fit", str(tmp_path / "none")).endswith("none: No such file or directory")
    assert refusal(capsys, "fit", str(tmp_path)).endswith("Is a directory")


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--engine", "oracle"], "unknown engine 'oracle'; there are: plackett-luce"),
        (["--prior-sd", "0"], "argument --prior-sd: must lie between 1e-06 and 1e+06, not 0"),
        (["--prior-sd", "nan"], "argument --prior-sd: must be a finite number, not nan"),
        (["--prior-sd", "wide"], "argument --prior-sd: must be a number, not 'wide'"),
        (["--level", "1"], "argument --level: must lie between 0 and 1, not 1"),
        (["--level", "95"], "argument --level: must lie between 0 and 1, not 95"),
        (["--scale", "glicko"], "argument --scale: invalid choice: 'glicko'"),
        (["--colour", "red"], "unrecognized arguments: --colour red"),
    ],
)
def test_a_bad_argument_is_refused(capsys, ballots, arguments, reason) -> None:
    assert reason in refusal(capsys, "fit", str(ballots), *arguments)


def test_no_command_is_refused(capsys) -> None:
    assert "COMMAND" in refusal(capsys)


def test_the_engines_are_listed_with_equation_ballots_and_cost(capsys) -> None:
    assert main(["engines", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert rows[0]["name"] == "plackett-luce"
    assert all(row[key] for row in rows for key in ("title", "equation", "accepts", "uncertainty", "cost"))
    assert main(["engines"]) == 0
    assert capsys.readouterr().out.startswith("plackett-luce: ")


def run(
    *arguments: str, stdin: str = "", cwd: Path = REPOSITORY, **environment: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "ranking.engines", *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        check=True,
        cwd=cwd,
        env={**os.environ, **environment},
    )


def test_a_program_runs_without_django_and_lists_engines_without_the_compiler() -> None:
    script = (
        "import sys; from ranking.engines.__main__ import main; main(['engines']);"
        "assert not {'numba', 'numpy', 'scipy'} & set(sys.modules), 'heavy import';"
        "status = main(['fit', '-', '--json']);"
        "heavy = {'django', 'arena', 'annotation', 'config', 'torch'} & set(sys.modules); assert not heavy, heavy;"
        "sys.exit(status)"
    )
    subprocess.run(
        [sys.executable, "-c", script], input=json.dumps(BALLOTS[0]), text=True, cwd=REPOSITORY, check=True,
        capture_output=True,
    )  # fmt: skip


def test_a_reader_that_has_seen_enough_is_no_error(ballots) -> None:
    command = f"{sys.executable} -m ranking.engines fit {ballots} --json | head -c 0; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert done.stderr == ""


@pytest.mark.slow
def test_no_writable_folder_only_means_compiling_again(tmp_path) -> None:
    """An image with read-only code and no home: numba finds no place for its cache, and the fit still works."""
    code = tmp_path / "code"
    shutil.copytree(REPOSITORY / "ranking" / "engines", code / "ranking" / "engines",
                    ignore=shutil.ignore_patterns("__pycache__"))  # fmt: skip
    (code / "ranking" / "__init__.py").touch()
    (
        code / "ranking" / "engines" / "__pycache__"
    ).touch()  # a file where the folder should be: unwritable even for root
    nowhere = tmp_path / "nowhere"
    nowhere.touch()
    done = run(
        "fit",
        "-",
        "--json",
        stdin=json.dumps(BALLOTS[0]),
        cwd=code,
        HOME=str(nowhere),
        XDG_CACHE_HOME=str(nowhere),
        PYTHONDONTWRITEBYTECODE="1",
    )
    assert json.loads(done.stdout)["converged"] is True


def test_real_rankings_give_the_published_clusters(capsys) -> None:
    """WMT 2016 Turkish-English: the official significance clusters (Bojar and others 2016) of nine systems."""
    found = fitted(capsys, str(shared_data("ballots/wmt16-tur-eng.jsonl")))
    published = [[]]
    for text in shared_data("ballots/published_wmt16.tur-eng.txt").read_text().splitlines():
        if text.startswith("+"):
            published.append([])
        elif text.strip():
            published[-1].append(text.split()[0].removeprefix("newstest2016."))
    board = [row["item"] for row in found["standings"]]
    begin = 0
    for cluster in published:
        assert set(board[begin : begin + len(cluster)]) == set(cluster)
        rows = found["standings"][begin : begin + len(cluster)]
        assert all(begin < row["rank_low"] <= row["rank_high"] <= begin + len(cluster) for row in rows)
        begin += len(cluster)
    assert begin == len(board) == 9


@pytest.mark.parametrize("prior_sd", ["1e300", "1e160", "1e7", "1e-7", "1e-300", "inf", "1" * 5000])
def test_a_prior_beyond_all_sense_is_refused(capsys, ballots, prior_sd) -> None:
    for command in ("fit", "diagnose"):
        assert "argument --prior-sd" in refusal(capsys, command, str(ballots), "--prior-sd", prior_sd)
    assert "must be a number from 1e-06" in refusal(capsys, "fit", str(ballots), "--option", f"prior_sd={prior_sd}")


@pytest.mark.parametrize("prior_sd", ["1e-6", "1e6"])
def test_the_narrowest_and_the_widest_prior_have_uncertainty(capsys, ballots, prior_sd) -> None:
    found = fitted(capsys, str(ballots), "--prior-sd", prior_sd)
    assert found["converged"]
    assert all(row["sd"] > 0 for row in found["standings"])


@pytest.mark.parametrize("level", ["1e-300", "1e-9", "0.999999", "0.9999999999999999"])
def test_extreme_levels_have_intervals(capsys, ballots, level) -> None:
    for row in fitted(capsys, str(ballots), "--level", level)["standings"]:
        assert row["low"] <= row["mean"] <= row["high"]
        assert 1 <= row["rank_low"] <= row["rank"] <= row["rank_high"] <= 3


def test_names_cannot_write_to_the_terminal_or_break_a_line(capsys, tmp_path) -> None:
    path = tmp_path / "names.jsonl"
    path.write_text(json.dumps({"items": ["\x1b[2J", "two\nlines", "plain"], "ranks": [1, 2, None]}) + "\n")
    assert main(["fit", str(path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(")")[1].split()[0] for line in lines[1:4]] == [r"\x1b[2J", r"two\nlines", "plain"]
    assert main(["diagnose", str(path), "--replicates", "0"]) == 0
    assert "\x1b" not in capsys.readouterr().out


def test_a_terminal_without_unicode_gets_escapes(tmp_path) -> None:
    stdin = json.dumps({"items": ["é", "日本😀"], "ranks": [1, 2]})
    done = run("fit", "-", "--json", stdin=stdin, PYTHONIOENCODING="latin-1")
    assert [row["item"] for row in json.loads(done.stdout)["standings"]] == ["é", "日本😀"]
    assert done.stdout.isascii()
    assert r"\u65e5\u672c\U0001f600" in run("fit", "-", stdin=stdin, PYTHONIOENCODING="ascii").stdout


@pytest.mark.parametrize(
    ("script", "status", "reason"),
    [
        ("fit {ballots} --json | head -c 1", 0, ""),
        ("engines | true", 0, ""),
        ("--help | true", 0, ""),
        ("fit {ballots} >&-", 0, ""),
        ("fit - <&-", 2, "ranking.engines: cannot read standard input: it is closed\n"),
        ("fit - < /dev/null", 2, "ranking.engines: -: there are no ballots in it\n"),
        ("fit $'no\\nsuch file'", 2, "ranking.engines: cannot read no such file: No such file or directory\n"),
    ],
)
def test_closed_ends_and_odd_paths_are_no_tracebacks(ballots, script, status, reason) -> None:
    command = f"{sys.executable} -m ranking.engines {script.format(ballots=ballots)}; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (status, reason)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here to stand for a full disk")
def test_a_full_disk_is_said_in_one_line(ballots) -> None:
    command = f"{sys.executable} -m ranking.engines fit {ballots} --json > /dev/full"
    done = subprocess.run(["bash", "-c", command], cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (2, "ranking.engines: cannot write the result: No space left on device\n")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"\xff\xfe" + '{"items": ["a", "b"], "ranks": [1, 2]}'.encode("utf-16-le"), "line 1: not UTF-8 text"),
        (bytes(range(128, 256)) * 4, "line 1: not UTF-8 text"),
        (b'{"items": ["' + b"a" * (3 << 20) + b'"]}', "line 1: the line is longer than 1048576 bytes"),
        (b'{"items": ["a", "b"], "ranks": [1, 2]}\r' * 2, "line 1: not valid JSON: Extra data"),
        (b"[" * 500_000, "line 1: not a ballot: nested too deeply"),
        (b'{"a":' * 100_000, "line 1: not a ballot: nested too deeply"),
        (b'{"ranks": [1, ' + b"9" * 5_000 + b"]}", "line 1: not a ballot: it holds a number of thousands of digits"),
        (b'{"items": ["a", "\\ud800"], "ranks": [1, 2]}', "line 1: items[1] holds a character that no database stores"),
    ],
    ids=["utf-16", "binary", "long", "old-mac", "deep-list", "deep-object", "digits", "surrogate"],
)
def test_a_file_of_something_else_is_refused_in_one_line(capsys, tmp_path, content, reason) -> None:
    path = tmp_path / "odd.jsonl"
    path.write_bytes(content)
    assert reason in refusal(capsys, "fit", str(path))


def test_a_byte_order_mark_and_windows_line_ends_are_read(capsys, ballots, tmp_path) -> None:
    path = tmp_path / "windows.jsonl"
    path.write_bytes(b"\xef\xbb\xbf" + ballots.read_bytes().replace(b"\n", b"\r\n"))
    assert fitted(capsys, str(path)) == fitted(capsys, str(ballots))


def test_too_many_contestants_for_the_memory_are_refused(capsys, monkeypatch, ballots) -> None:
    def full(*_: object, **__: object) -> None:
        raise MemoryError("Unable to allocate 80. GiB")

    monkeypatch.setattr("ranking.engines.plackett_luce.maximise", full)
    assert refusal(capsys, "fit", str(ballots)).endswith("there is not enough memory for this many contestants")
