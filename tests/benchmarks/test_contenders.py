"""The engines are called rightly, on ballots that are what they should be."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks import contenders
from benchmarks.agreement import agreement
from benchmarks.ballots import Ballots

pytestmark = pytest.mark.pure

# arena-rank needs an older numpy than Podium, so it is never installed beside it.
HERE = [name for name, one in contenders.CONTENDERS.items() if one.package != "arena-rank"]


@pytest.mark.parametrize("name", HERE)
def test_an_engine_finds_the_order_that_ours_finds(name: str) -> None:
    one = contenders.CONTENDERS[name]
    ballots, theta = Ballots.drawn(2000, 6, one.ways)
    scores, ours = one.made(ballots)(), contenders.CONTENDERS[one.beside].made(ballots)()

    assert np.corrcoef(linear(one, scores), ours)[0, 1] > 0.85
    assert np.corrcoef(linear(one, scores), theta)[0, 1] > 0.85


def linear(one: contenders.Contender, scores: list[float]) -> np.ndarray:
    return np.log(scores) if one.scale == "odds" else np.asarray(scores)


@pytest.mark.parametrize(
    "name", ["evalica bradley_terry", "evalica newman", "choix ilsr_pairwise_dense", "choix ilsr_pairwise",
             "choix opt_pairwise", "choix ilsr_rankings"],
)  # fmt: skip
def test_peers_without_a_prior_come_near_ours_with_more_ballots(name: str) -> None:
    """The reason the benchmark gives for the distance: what a prior does, which fades as ballots come in."""
    one = contenders.CONTENDERS[name]
    distances = []
    for count in (200, 3000):
        ballots, _ = Ballots.drawn(count, 6, one.ways)
        ours = contenders.CONTENDERS[one.beside].made(ballots)()
        distances.append(agreement(one.made(ballots)(), one.scale, ours).distance)

    assert distances[1] < 0.2 * distances[0]
    assert distances[1] < 0.03


@pytest.mark.parametrize("name", ["evalica elo", "trueskill rate of four"])
def test_the_same_update_in_the_same_order_gives_the_same_scores(name: str) -> None:
    one = contenders.CONTENDERS[name]
    ballots, _ = Ballots.drawn(400, 6, one.ways)
    ours = contenders.CONTENDERS[one.beside]
    found = agreement(one.made(ballots)(), one.scale, ours.made(ballots)(), ours.scale)

    assert found.tau == pytest.approx(1)
    assert found.distance < 1e-6


def test_ballots_are_rankings_of_different_items() -> None:
    ballots, theta = Ballots.drawn(2000, 7, 4)

    assert (np.diff(np.sort(ballots.slots, axis=1), axis=1) > 0).all()
    assert (np.sort(ballots.ranks, axis=1) == [1, 2, 3, 4]).all()
    first = np.bincount(ballots.order[:, 0], minlength=7)
    assert np.argmax(first) == np.argmax(theta)
    assert (np.take_along_axis(ballots.order, ballots.ranks - 1, axis=1) == ballots.slots).all()


def test_ballots_come_back_from_disk_as_they_were(tmp_path: Path) -> None:
    ballots, _ = Ballots.drawn(50, 5, 3)
    ballots.save(tmp_path / "ballots.npz")
    found = Ballots.load(tmp_path / "ballots.npz")

    assert found.contestants == 5
    np.testing.assert_array_equal(found.slots, ballots.slots)
    np.testing.assert_array_equal(found.ranks, ballots.ranks)


def test_a_package_that_is_not_installed_has_no_version(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> str:
        raise contenders.metadata.PackageNotFoundError(name)

    assert contenders.version("choix") == contenders.metadata.version("choix")
    monkeypatch.setattr(contenders.metadata, "version", missing)
    assert contenders.version("choix") is None
    assert contenders.version("podium") == "this checkout"


def test_every_peer_says_what_it_is_given_and_why_it_differs() -> None:
    for one in contenders.CONTENDERS.values():
        assert one.form
        assert one.intervals
        assert one.why or one.name in {*contenders.REFERENCE.values(), contenders.ONLINE}
