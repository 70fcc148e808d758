"""The noise that draws tokens: uniform, independent, the same anywhere."""

from __future__ import annotations

import numpy as np
import torch
from scipy import stats

from arena.generation.backends.text.noise import gumbel, key


def _keys(*pairs: tuple[int, int]) -> torch.Tensor:
    return torch.tensor([key(seed, place) for seed, place in pairs], dtype=torch.int32)


def test_noise_is_gumbel_distributed():
    drawn = gumbel(_keys(*((seed, 3) for seed in range(50))), 2000).flatten().numpy()
    assert stats.kstest(drawn, "gumbel_r").pvalue > 0.01
    assert np.isfinite(drawn).all()


def test_noise_of_a_row_does_not_depend_on_the_rows_beside_it():
    together = gumbel(_keys((1, 0), (2, 7), (2**62, 1)), 500)
    assert torch.equal(together[1], gumbel(_keys((2, 7)), 500)[0])


def test_seeds_places_and_tokens_that_are_neighbours_have_unrelated_noise():
    rows = gumbel(_keys(*((seed, place) for seed in range(8) for place in range(8))), 4000).numpy()
    beside = np.corrcoef(rows)[~np.eye(64, dtype=bool)]
    assert np.abs(beside).max() < 0.09  # 5.7 standard deviations, of 4032 correlations
    within = [np.corrcoef(row[:-1], row[1:])[0, 1] for row in rows]
    assert np.abs(within).max() < 0.09


def test_keys_of_many_seeds_and_places_hardly_ever_meet():
    keys = {key(seed, place) for seed in range(200) for place in range(100)}
    assert len(keys) > 19_990
    assert all(-(2**31) <= each < 2**31 for each in keys)


def test_tokens_are_drawn_with_the_probabilities_of_softmax():
    scores = torch.linspace(-3, 3, 12)
    keys = _keys(*((seed, seed % 5) for seed in range(20_000)))
    drawn = (scores + gumbel(keys, 12)).argmax(dim=-1)
    expected = scores.softmax(dim=0).double().numpy() * len(keys)
    assert stats.chisquare(torch.bincount(drawn, minlength=12).numpy(), expected, sum_check=False).pvalue > 0.01
