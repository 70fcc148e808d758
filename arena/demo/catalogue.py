"""The demo's data: one arena, its painters and its prompts. Pure data, no Django and no torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

LICENCE = "CC0-1.0"


@dataclass(frozen=True, slots=True)
class DemoArena:
    slug: str
    name: str
    description: str
    modality: str


@dataclass(frozen=True, slots=True)
class DemoContestant:
    slug: str
    name: str
    description: str
    settings: Mapping[str, object]
    backend: str = "painter"
    organisation: str = "Podium demo"
    licence: str = LICENCE


@dataclass(frozen=True, slots=True)
class DemoPrompt:
    id: str
    text: str
    categories: tuple[str, ...]
    language: str = "en"
    split: str = "open"
    licence: str = LICENCE


DEMO_ARENA = DemoArena(
    slug="studio",
    name="Painters",
    description=(
        "Fictional studios answer the same prompt with a print. Every one of them is a small neural network "
        "with its own hand, palette and tools. Which picture would you hang?"
    ),
    modality="image",
)


def _contestant(slug: str, name: str, description: str, **settings: object) -> DemoContestant:
    return DemoContestant(slug, name, description, settings)


DEMO_CONTESTANTS: tuple[DemoContestant, ...] = (
    _contestant(
        "scissor-hill", "Scissor Hill", "Sheets of coloured paper, cut and stacked.",
        hand=11, activations=["tanh", "gauss"], frequency=0.8, listening=0.82, palette="cut-paper",
        surface="paper", levels=7, warps=[{"kind": "fractal", "amount": 0.12}], grain=0.5,
    ),
    _contestant(
        "two-drum-press", "Two Drum Press", "Two spot inks and a slip between the plates.",
        hand=23, activations=["sin", "softsign"], frequency=0.7, listening=0.85, palette="riso",
        surface="inks", levels=6, warps=[{"kind": "wave", "amount": 0.25}], grain=0.7, margin=0.045,
    ),
    _contestant(
        "contour-office", "The Contour Office", "Everything is a map, if you draw the height lines.",
        hand=37, activations=["softplus", "sin"], frequency=0.7, listening=0.62, palette="earth",
        surface="flat", levels=8, marks=[{"kind": "contours", "spacing": 0.031, "weight": 0.15}],
        warps=[{"kind": "fractal", "amount": 0.3}], grain=0.4, margin=0.035,
    ),
    _contestant(
        "rose-window", "Rose Window", "The world folded into gilded mandalas.",
        hand=41, activations=["sin", "gauss", "tanh"], frequency=0.9, variety=0.7, listening=0.35,
        palette="gilded", symmetry="radial", folds=8, surface="paper", levels=7,
        marks=[{"kind": "contours", "spacing": 0.1, "weight": 0.3}], grain=0.25,
    ),
    _contestant(
        "leadlight", "Leadlight & Daughters", "Panes of coloured glass, held in lead.",
        hand=53, activations=["sin", "tanh"], frequency=0.7, listening=0.85, palette="jewel",
        surface="glass", levels=6, grain=0.15,
    ),
    _contestant(
        "slow-silk", "Slow Silk", "Light falling over folded cloth.",
        hand=67, activations=["sin", "tanh"], depth=4, frequency=0.5, listening=0.5, palette="satin",
        surface="silk", warps=[{"kind": "drape", "amount": 0.35}], accents=0.75, cycles=4, grain=0.15,
    ),
    _contestant(
        "burin-brothers", "Burin Brothers", "Engraved lines that swell in the dark.",
        hand=71, activations=["abs", "tanh"], frequency=0.5, listening=0.9, palette="woodcut",
        surface="flat", levels=3, marks=[{"kind": "hatching", "spacing": 0.006, "weight": 0.6}],
        grain=0.6, margin=0.05,
    ),
    _contestant(
        "field-day", "Field Day", "Fat strokes of paint, laid along the forms.",
        hand=83, activations=["sin", "softplus"], frequency=0.7, listening=0.85, palette="jewel",
        surface="strokes", warps=[{"kind": "swirl", "amount": 0.12}], grain=0.2,
    ),
    _contestant(
        "casa-azul", "Casa Azul", "Glazed tiles, four by four.",
        hand=97, activations=["gauss", "sin"], frequency=0.8, listening=0.55, palette="glaze",
        symmetry="tiles", folds=4, surface="flat", levels=4,
        marks=[{"kind": "grout", "weight": 0.5}], grain=0.3,
    ),
    _contestant(
        "deep-field", "Deep Field Lab", "Spirals of light on a black ground.",
        hand=101, activations=["sin", "tanh"], frequency=1.2, listening=0.45, palette="neon",
        warps=[{"kind": "polar", "amount": 0.7}], surface="ramp", glow=0.6, grain=0.1,
        marks=[{"kind": "contours", "spacing": 0.05, "weight": 0.0}],
    ),
    _contestant(
        "plumb-line", "Plumb Line", "Hard edges, flat colours, cut and put together askew.",
        hand=113, activations=["abs"], depth=3, width=12, frequency=0.45, variety=0.8, listening=0.6,
        palette="modern", surface="flat", levels=5, warps=[{"kind": "shards", "amount": 1.0}], grain=0.4,
        margin=0.04,
    ),
    _contestant(
        "wet-brush", "Wet Brush", "Ink, water and one red seal.",
        hand=127, activations=["softplus", "tanh"], frequency=0.5, listening=0.85, palette="sumi",
        surface="wash", levels=5, warps=[{"kind": "fractal", "amount": 0.2}], grain=0.5,
    ),
    _contestant(
        "marblers", "The Marblers", "Colours floated on a bath and combed.",
        hand=131, activations=["sin", "softsign"], frequency=0.8, listening=0.4, palette="pastel",
        surface="flat", levels=5, cycles=5, warps=[{"kind": "marble", "amount": 0.9}], grain=0.4,
    ),
    _contestant(
        "first-term", "First Term", "A young network that has only just found its palette.",
        hand=139, activations=["sin", "abs"], width=10, depth=3, frequency=2.0, variety=0.9, listening=0.2,
        palette="cosine", surface="ramp", grain=0.0,
    ),
    _contestant(
        "sun-and-iron", "Sun & Iron", "Cyanotypes: paper, sunlight and one blue.",
        hand=149, activations=["tanh", "sinc"], frequency=0.8, listening=0.8, palette="cyanotype",
        symmetry="none", surface="ramp", marks=[{"kind": "stipple", "spacing": 0.009, "weight": 0.35}],
        warps=[{"kind": "lens", "amount": 0.5}], grain=0.8, margin=0.05,
    ),
)  # fmt: skip


DEMO_PROMPTS: tuple[DemoPrompt, ...] = (
    DemoPrompt("lighthouse", "A lighthouse waits out the storm", ("nature/sea", "weather/storm")),
    DemoPrompt("harbour", "Two boats in a turquoise harbour at dawn", ("nature/sea",)),
    DemoPrompt("whale", "A whale dreaming under the midnight sea", ("nature/sea", "animals")),
    DemoPrompt("mountains", "Blue mountains, one behind another", ("nature/mountains",)),
    DemoPrompt("birches", "A birch forest after the first snow", ("nature/forest", "weather/snow")),
    DemoPrompt("dunes", "Desert dunes under a copper sun", ("nature/desert",)),
    DemoPrompt("river", "A river finding its way through autumn", ("nature/river",)),
    DemoPrompt("volcano", "The volcano clears its throat", ("nature/mountains",)),
    DemoPrompt("aurora", "Aurora over the silent mountains", ("sky/night", "nature/mountains")),
    DemoPrompt("galaxy", "A galaxy turning in violet water", ("sky/space",)),
    DemoPrompt("planet", "A slow planet and its golden ring", ("sky/space",)),
    DemoPrompt("swallows", "Swallows over the rooftops at sunset", ("city/day", "animals")),
    DemoPrompt("moon-city", "The moon asks the city to be quiet", ("city/night", "sky/night")),
    DemoPrompt("neon-rain", "Summer rain on neon streets", ("city/night", "weather/rain")),
    DemoPrompt("lanterns", "Lanterns above the night market", ("city/night",)),
    DemoPrompt("cathedral", "A cathedral made of morning light", ("city/architecture",)),
    DemoPrompt("village", "A village that forgot it was winter", ("city/village", "weather/snow")),
    DemoPrompt("dancer", "A dancer in a crimson whirl", ("people/movement",)),
    DemoPrompt("grandmother", "Grandmother at the window, waiting for spring", ("people/quiet",)),
    DemoPrompt("strangers", "Two strangers under a yellow moon", ("people/together",)),
    DemoPrompt("sunflower", "A sunflower facing the wrong way", ("still-life/flowers",)),
    DemoPrompt("lemons", "Three lemons in a blue bowl", ("still-life/fruit",)),
    DemoPrompt("candle", "The last candle in a dark house", ("still-life/light",)),
    DemoPrompt("cello", "A cello playing in an empty room", ("abstract/music",)),
)
