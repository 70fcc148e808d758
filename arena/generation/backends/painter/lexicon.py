"""A small hand-made vocabulary: what a word in a prompt does to the palette, the pace and the composition.

Hues are degrees of OKLCH. Words are matched lower-case, whole, and again without a plural ending.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Meaning:
    """`light`, `chroma`, `energy` push in -1..1; `hue` tints with `weight`; `motifs` the scene."""

    hue: float | None = None
    weight: float = 0.0
    light: float = 0.0
    chroma: float = 0.0
    energy: float = 0.0
    motifs: tuple[str, ...] = ()


def _thing(
    *motifs: str,
    hue: float | None = None,
    light: float = 0.0,
    chroma: float = 0.0,
    energy: float = 0.0,
) -> Meaning:
    return Meaning(hue, 0.0 if hue is None else 0.6, light, chroma, energy, motifs)


COLOURS = {
    "red": 27, "crimson": 18, "scarlet": 29, "ruby": 15, "rust": 42, "copper": 50, "orange": 58, "amber": 72,
    "gold": 88, "golden": 88, "yellow": 102, "lemon": 106, "lime": 125, "green": 145, "emerald": 158,
    "jade": 165, "teal": 190, "turquoise": 196, "cyan": 208, "azure": 240, "blue": 256, "indigo": 276,
    "violet": 298, "purple": 308, "magenta": 335, "pink": 355, "rose": 8, "coral": 35, "saffron": 78,
    "brown": 55, "olive": 115, "lavender": 295,
}  # fmt: skip

MOODS = {
    "calm": -0.8, "quiet": -0.8, "still": -0.8, "silent": -0.9, "gentle": -0.6, "soft": -0.5, "slow": -0.6,
    "sleeping": -0.8, "sleep": -0.8, "empty": -0.6, "lonely": -0.5, "patient": -0.5, "waiting": -0.4,
    "wild": 0.9, "storm": 0.9, "fierce": 0.9, "dancing": 0.6, "dance": 0.6, "electric": 0.8, "chaos": 1.0,
    "broken": 0.5, "loud": 0.8, "crowded": 0.7, "busy": 0.7, "laughing": 0.5, "running": 0.6, "angry": 0.9,
    "racing": 0.8, "thousand": 0.5, "sudden": 0.6, "jazz": 0.6,
}  # fmt: skip

THINGS = {
    "white": _thing(light=0.6, chroma=-0.4),
    "black": _thing(light=-0.6, chroma=-0.2),
    "grey": _thing(chroma=-0.7),
    "silver": _thing(light=0.2, chroma=-0.7),
    "pale": _thing(light=0.5, chroma=-0.3),
    "dark": _thing(light=-0.6),
    "bright": _thing(light=0.3, chroma=0.4),
    "neon": _thing(hue=335, light=-0.4, chroma=0.9),
    "sea": _thing("sea", hue=235),
    "ocean": _thing("sea", hue=240),
    "wave": _thing("sea", hue=225, energy=0.3),
    "tide": _thing("sea", hue=215),
    "harbour": _thing("sea", "boat", hue=230),
    "boat": _thing("boat", "sea"),
    "ship": _thing("boat", "sea"),
    "island": _thing("sea", "hills", hue=200),
    "lighthouse": _thing("tower", "sea", hue=235),
    "lake": _thing("sea", hue=220, energy=-0.3),
    "whale": _thing("whale", "sea", hue=245),
    "fish": _thing("whale", hue=210),
    "river": _thing("river", hue=220),
    "road": _thing("river"),
    "mountain": _thing("ridges", hue=262, chroma=-0.2),
    "summit": _thing("ridges", hue=262),
    "alps": _thing("ridges", hue=255, light=0.3),
    "valley": _thing("hills", hue=140),
    "hill": _thing("hills", hue=135),
    "meadow": _thing("hills", "blooms", hue=130),
    "field": _thing("hills", hue=110),
    "desert": _thing("dunes", hue=62),
    "dune": _thing("dunes", hue=65),
    "forest": _thing("forest", hue=150, light=-0.2),
    "wood": _thing("forest", hue=140),
    "birch": _thing("forest", hue=110, light=0.4),
    "tree": _thing("tree", "hills", hue=130),
    "garden": _thing("blooms", "hills", hue=140),
    "flower": _thing("flower", hue=0, chroma=0.3),
    "lotus": _thing("flower", hue=350),
    "bloom": _thing("flower", hue=355),
    "sunflower": _thing("flower", hue=90, chroma=0.4),
    "orchid": _thing("flower", hue=330, chroma=0.2),
    "sun": _thing("sun", hue=75, light=0.2, chroma=0.3),
    "sunrise": _thing("sun", hue=55, light=0.3, chroma=0.3),
    "dawn": _thing("sun", hue=40, light=0.3),
    "morning": _thing("sun", hue=85, light=0.4),
    "sunset": _thing("sun", hue=40, chroma=0.5),
    "dusk": _thing("sun", hue=310, light=-0.2),
    "evening": _thing("sun", hue=320, light=-0.2),
    "summer": _thing("sun", hue=95, chroma=0.4),
    "autumn": _thing("leaves", hue=55, chroma=0.2),
    "leaf": _thing("leaves", hue=60),
    "leaves": _thing("leaves", hue=60),
    "night": _thing("moon", hue=272, light=-0.8),
    "midnight": _thing("moon", hue=275, light=-0.9),
    "moon": _thing("moon", hue=265, light=-0.6),
    "star": _thing("stars", hue=275, light=-0.7),
    "galaxy": _thing("spiral", "stars", hue=290, light=-0.8),
    "comet": _thing("stars", "spiral", hue=250, light=-0.7),
    "planet": _thing("planet", "stars", hue=50, light=-0.6),
    "orbit": _thing("planet", "rings", light=-0.5),
    "aurora": _thing("aurora", "ridges", hue=165, light=-0.7, chroma=0.4),
    "storm": _thing("rain", hue=255, light=-0.4, energy=0.9),
    "thunder": _thing("rain", hue=270, light=-0.5, energy=0.8),
    "rain": _thing("rain", hue=245, light=-0.2, chroma=-0.3),
    "snow": _thing("snow", hue=240, light=0.7, chroma=-0.4),
    "winter": _thing("snow", hue=235, light=0.6, chroma=-0.4),
    "ice": _thing("ridges", hue=215, light=0.6),
    "fog": _thing("hills", light=0.5, chroma=-0.6, energy=-0.6),
    "mist": _thing("hills", light=0.5, chroma=-0.6, energy=-0.6),
    "fire": _thing("flame", hue=45, chroma=0.6, energy=0.5),
    "flame": _thing("flame", hue=45, chroma=0.6, energy=0.4),
    "volcano": _thing("ridges", "flame", hue=32, light=-0.4, chroma=0.6, energy=0.6),
    "candle": _thing("flame", hue=70, light=-0.5, energy=-0.4),
    "lantern": _thing("lanterns", hue=60, light=-0.4),
    "city": _thing("city", hue=265),
    "skyline": _thing("city", hue=265),
    "street": _thing("city"),
    "rooftop": _thing("city", hue=35),
    "market": _thing("lanterns", "city", hue=45, chroma=0.4),
    "tower": _thing("tower"),
    "temple": _thing("arches", hue=40),
    "cathedral": _thing("arches", hue=290),
    "arch": _thing("arches"),
    "bridge": _thing("arches", "sea"),
    "window": _thing("window"),
    "door": _thing("window"),
    "room": _thing("window"),
    "house": _thing("house", "hills"),
    "village": _thing("house", "hills", hue=40),
    "bird": _thing("birds"),
    "crane": _thing("birds"),
    "swallow": _thing("birds"),
    "crow": _thing("birds", light=-0.3),
    "woman": _thing("figure"),
    "man": _thing("figure"),
    "child": _thing("figure"),
    "dancer": _thing("figure", "spiral", hue=15, energy=0.5),
    "friend": _thing("figure"),
    "grandmother": _thing("figure", hue=40),
    "stranger": _thing("figure"),
    "portrait": _thing("figure"),
    "king": _thing("figure", hue=88),
    "orange": _thing("fruit"),
    "lemon": _thing("fruit"),
    "fruit": _thing("fruit", hue=50, chroma=0.4),
    "pear": _thing("fruit", hue=115),
    "bowl": _thing("fruit"),
    "cup": _thing("rings"),
    "tea": _thing("rings", hue=75, energy=-0.5),
    "music": _thing("strings", hue=300),
    "song": _thing("strings"),
    "cello": _thing("strings", hue=45, energy=-0.2),
    "jazz": _thing("strings", hue=285, light=-0.3, energy=0.6),
    "clock": _thing("planet", "rings", hue=85),
    "time": _thing("rings", "spiral"),
    "memory": _thing("rings", chroma=-0.3, energy=-0.3),
    "dream": _thing("spiral", hue=300, energy=-0.3),
    "echo": _thing("rings"),
    "labyrinth": _thing("rings"),
    "whirlpool": _thing("spiral", hue=215, energy=0.5),
}


def look_up(word: str) -> list[Meaning]:
    """Every meaning of a lower-case word; none for a word outside the vocabulary."""
    for form in _forms(word):
        found = []
        if form in COLOURS:
            found.append(Meaning(hue=float(COLOURS[form]), weight=1.0, chroma=0.2))
        if form in MOODS:
            found.append(Meaning(energy=MOODS[form]))
        if form in THINGS:
            found.append(THINGS[form])
        if found:
            return found
    return []


def _forms(word: str) -> list[str]:
    forms = [word]
    if word.endswith("ves"):
        forms.append(word[:-3] + "f")
    if word.endswith("es"):
        forms.append(word[:-2])
    if word.endswith("s"):
        forms.append(word[:-1])
    return forms
