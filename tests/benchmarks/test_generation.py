"""The benchmark of generation compares like with like and counts what was made."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import pytest

from benchmarks import generation, toys


@pytest.fixture
def options(monkeypatch: pytest.MonkeyPatch) -> argparse.Namespace:
    monkeypatch.setitem(toys.SIZES, "tiny", (32, 2, 2, 1, 64))
    return argparse.Namespace(device="cpu", size="tiny", tokens=4, prompts=[1, 3], rounds=2, no_pictures=True)


def test_both_write_the_tokens_that_are_asked_for(options: argparse.Namespace, tmp_path: Path) -> None:
    sequential, batched = generation.text_contenders(tmp_path, options)
    prompts = generation.questions(3)

    # A random model ends a text early about once in as many tokens as its vocabulary has.
    assert 10 <= sequential(prompts, 1) <= 12
    assert 10 <= batched(prompts, 1) <= 12


def test_both_make_the_pictures_that_are_asked_for(
    options: argparse.Namespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(generation, "STEPS", 1)
    sequential, batched = generation.picture_contenders(tmp_path, options)

    assert sequential(generation.questions(1), 1) == 1
    assert batched(generation.questions(2), 1) == 2


def test_a_row_is_the_median_of_rounds_in_turns(options: argparse.Namespace, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    rates = iter([10.0, 40.0, 20.0, 60.0])
    monkeypatch.setattr(generation, "rate", lambda contender, prompts, seed: contender(prompts, seed) and next(rates))

    def one(prompts: list[str], seed: int) -> int:
        calls.append(f"one {seed}")
        return 1

    def all_at_once(prompts: list[str], seed: int) -> int:
        calls.append(f"all {seed}")
        return 1

    row = generation.compared("text", "tokens", 3, one, all_at_once, options)

    assert calls == ["one 0", "all 0", "one 1", "all 1", "one 2", "all 2"]
    assert (row.sequential, row.batched, row.ratio, row.busy) == (15.0, 50.0, 3.5, None)


def test_prompts_are_many_different_ones_and_always_the_same() -> None:
    assert generation.questions(64) == generation.questions(64)
    assert len(set(generation.questions(64))) > 60


def test_it_prints_a_row_for_each_number_of_prompts(
    options: argparse.Namespace, capsys: pytest.CaptureFixture[str]
) -> None:
    generation.main(
        ["--size", "tiny", "--tokens", "4", "--prompts", "1", "2", "--rounds", "1", "--no-pictures", "--json"]
    )
    printed = json.loads(capsys.readouterr().out)

    assert [row["waiting"] for row in printed["rows"]] == [1, 2]
    assert all(row["batched"] > 0 and row["sequential"] > 0 for row in printed["rows"])
