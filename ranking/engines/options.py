"""The options of engines: what each means, and how it is read from text. Their defaults are in the registry."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Option:
    """`read` makes the value from text, or raises `ValueError`; None for what only Python can write."""

    meaning: str
    read: Callable[[str], int | float | str | bool] | None = None


def truth(text: str) -> bool:
    """Raises `ValueError` for anything but true and false."""
    if text not in ("true", "false"):
        raise ValueError(text)
    return text == "true"


OPTIONS: Mapping[str, Option] = {
    "prior_sd": Option("standard deviation of the prior, in logits (thurstone: probits); learned if absent", float),
    "method": Option("map: with a prior; ml: by maximum likelihood without one", str),
    "intervals": Option("where uncertainty comes from: model, or what else the engine can do", str),
    "samples": Option("draws of a bootstrap or of pairs", int),
    "rng": Option("seed of random draws; a fixed one if absent", int),
    "start": Option("a fit to begin from, to save time"),
    "covariates": Option("what else differs between the places of a ballot: position or first", str),
    "covariate_sd": Option(
        "prior standard deviation of the effect of a covariate's typical difference, in logits", float
    ),
    "contamination": Option("whether a share of the ballots, to be learned, may be noise", truth),
    "effects": Option("strengths deviate by prompt, or by voter, by an amount that is learned", str),
    "average": Option("comparisons: every comparison counts alike; opponents: every opponent", str),
    "pseudo": Option("wins each way added to each pair that was compared", float),
    "exact": Option("up to so many contestants in one majority cycle the order is proven optimal", int),
    "k_factor": Option("points at stake in one comparison", float),
    "shuffles": Option("random orders to average over; 0 for the order given, without intervals", int),
    "sigma": Option("standard deviation of a belief at the start, in points", float),
    "beta": Option("standard deviation of one performance, in points", float),
    "tau": Option("standard deviation of drift before each ballot, in points", float),
    "draw_probability": Option("of a tie between equals; the share of ties in the ballots if absent", float),
    "variant": Option("published: the update of the paper; deployed: of its authors' evaluation program", str),
    "least_factor": Option("no update multiplies a variance by less", float),
    "fans": Option("a class of voters for each contestant that they put first", truth),
    "scales": Option("honest voters differ in how sharply they see", truth),
    "sides": Option("classes of voters that put the first, or the last, place first", truth),
    "position": Option("the first place has an advantage, to be learned", truth),
}
WRITTEN = {name: option.read for name, option in OPTIONS.items() if option.read is not None}
