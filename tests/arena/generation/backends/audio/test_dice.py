"""Chance for each request: torch's own functions draw row by row, from the generator the row belongs to."""

from __future__ import annotations

import threading

import pytest
import torch
from torch import Tensor

from arena.generation.backends.audio.dice import Dice
from arena.generation.backends.protocol import GenerationError

DRAWS = {
    "randn": lambda: torch.randn(4, 5),
    "rand": lambda: torch.rand(4, 5),
    "rand of a shape": lambda: torch.rand((4, 5)),
    "randn_like": lambda: torch.randn_like(torch.zeros(4, 5)),
    "rand_like": lambda: torch.rand_like(torch.zeros(4, 5)),
    "normal_": lambda: torch.empty(4, 5).normal_(3.0, 0.5),
    "uniform_": lambda: torch.empty(4, 5).uniform_(2, 3),
    "exponential_": lambda: torch.empty(4, 5).exponential_(2.0),
    "multinomial": lambda: torch.multinomial(torch.rand(4, 50, generator=torch.Generator().manual_seed(1)) + 1, 1),
}


def drawn(seeds: list[int], draw) -> Tensor:
    with Dice(seeds):
        return draw()


@pytest.mark.parametrize("draw", DRAWS.values(), ids=DRAWS)
def test_rows_depend_on_the_seed_of_their_request_alone(draw):
    one, two, swapped = drawn([1, 2], draw), drawn([1, 3], draw), drawn([2, 1], draw)
    assert (one[:2] == two[:2]).all()
    assert (one[2:] != two[2:]).any()
    if one.shape[1] > 1:
        assert (one[:2] == swapped[2:]).all()
        assert (one[0] != one[1]).any()


@pytest.mark.parametrize("draw", DRAWS.values(), ids=DRAWS)
def test_the_global_generator_is_neither_used_nor_moved(draw):
    torch.manual_seed(5)
    before = torch.random.get_rng_state()
    first = drawn([1, 2], draw)
    assert (torch.random.get_rng_state() == before).all()
    torch.manual_seed(6)
    assert (drawn([1, 2], draw) == first).all()


def test_a_draw_that_brings_its_own_generator_keeps_it():
    own = torch.randn(3, generator=torch.Generator().manual_seed(9))
    assert (drawn([1], lambda: torch.randn(3, generator=torch.Generator().manual_seed(9))) == own).all()


def test_parameters_of_a_draw_are_kept():
    many = drawn([1, 2], lambda: torch.empty(2, 50_000).normal_(3.0, 0.5))
    assert many.mean().item() == pytest.approx(3, abs=0.01)
    assert many.std().item() == pytest.approx(0.5, abs=0.01)
    assert drawn([1], lambda: torch.randn(4, dtype=torch.float64)).dtype == torch.float64
    assert drawn([1], lambda: torch.randn_like(torch.zeros(4, dtype=torch.bfloat16))).dtype == torch.bfloat16


def test_tokens_are_drawn_by_their_weights():
    weights = torch.tensor([0.0, 1.0, 0.0, 3.0, 0.0]).repeat(40_000, 1)
    tokens = drawn([1, 2], lambda: torch.multinomial(weights, num_samples=1))
    assert tokens.shape == (40_000, 1)
    shares = torch.bincount(tokens[:, 0], minlength=5) / 40_000
    assert shares.tolist() == pytest.approx([0, 0.25, 0, 0.75, 0], abs=0.01)
    assert shares[0] == shares[2] == shares[4] == 0


def test_weights_that_are_no_numbers_are_refused():
    with pytest.raises(GenerationError, match="dtype float32"):
        drawn([1], lambda: torch.multinomial(torch.tensor([[1.0, float("nan")]]), 1))


@pytest.mark.parametrize(
    "draw",
    [
        lambda: torch.randint(5, (2,)),
        lambda: torch.randperm(4),
        lambda: torch.bernoulli(torch.ones(2)),
        lambda: torch.empty(2).bernoulli_(),
        lambda: torch.normal(torch.zeros(2), torch.ones(2)),
        lambda: torch.multinomial(torch.ones(2, 4), 2),
        lambda: torch.randn(3),
        lambda: torch.randn(()),
    ],
)
def test_noise_that_cannot_be_seeded_for_each_request_is_refused(draw):
    with pytest.raises(GenerationError) as refused:
        drawn([1, 2], draw)
    assert refused.value.permanent


def test_other_threads_draw_as_ever():
    torch.manual_seed(5)
    expected = torch.randn(3)
    torch.manual_seed(5)
    seen = []
    with Dice([1]):
        thread = threading.Thread(target=lambda: seen.append(torch.randn(3)))
        thread.start()
        thread.join()
    assert (seen[0] == expected).all()
