"""A small hand-made vocabulary: what a word in a prompt does to the palette, the pace and the composition.

Hues are degrees of OKLCH. Words are matched lower-case, whole, and again without a plural ending.
"""

from __future__ import annotations

from dataclasses import dataclass

Light = tuple[float, float, float]  # lightness, chroma, hue


@dataclass(frozen=True, slots=True)
class Meaning:
    """`light`, `chroma`, `energy` push in -1..1; `hue` tints with `weight`; `motifs` join the scene and `lit` is
    the colour of what shines in it."""

    hue: float | None = None
    weight: float = 0.0
    light: float = 0.0
    chroma: float = 0.0
    energy: float = 0.0
    motifs: tuple[str, ...] = ()
    lit: Light | None = None


def _thing(
    *motifs: str,
    hue: float | None = None,
    light: float = 0.0,
    chroma: float = 0.0,
    energy: float = 0.0,
    lit: Light | None = None,
) -> Meaning:
    return Meaning(hue, 0.0 if hue is None else 0.6, light, chroma, energy, motifs, lit)


SUN = (0.8, 0.17, 62.0)
MOON = (0.94, 0.07, 98.0)
LAMP = (0.87, 0.15, 84.0)
FLAME = (0.9, 0.15, 88.0)
SAIL = (0.62, 0.2, 30.0)
BLOSSOM = (0.76, 0.15, 355.0)

COLOURS = {
    "red": 27, "crimson": 18, "scarlet": 29, "ruby": 15, "rust": 42, "copper": 50, "orange": 58, "amber": 72,
    "gold": 88, "golden": 88, "yellow": 102, "lime": 125, "green": 145, "emerald": 158,
    "jade": 165, "teal": 190, "turquoise": 196, "cyan": 208, "azure": 240, "blue": 256, "indigo": 276,
    "violet": 298, "purple": 308, "magenta": 335, "pink": 355, "rose": 8, "coral": 35, "saffron": 78,
    "brown": 55, "olive": 115, "lavender": 295,
}  # fmt: skip

COUNTS = {
    "a": 1, "an": 1, "one": 1, "lone": 1, "single": 1, "two": 2, "both": 2, "pair": 2, "three": 3, "four": 4,
    "five": 5, "many": 5,
}  # fmt: skip

MOODS = {
    "calm": -0.8, "quiet": -0.8, "still": -0.8, "silent": -0.9, "gentle": -0.6, "soft": -0.5, "slow": -0.6,
    "sleeping": -0.8, "sleep": -0.8, "empty": -0.6, "lonely": -0.5, "patient": -0.5, "waiting": -0.4,
    "wild": 0.9, "storm": 0.9, "fierce": 0.9, "dancing": 0.6, "dance": 0.6, "electric": 0.8, "chaos": 1.0,
    "broken": 0.5, "loud": 0.8, "crowded": 0.7, "busy": 0.7, "laughing": 0.5, "running": 0.6, "angry": 0.9,
    "racing": 0.8, "thousand": 0.5, "sudden": 0.6, "jazz": 0.6,
}  # fmt: skip

THINGS = {
    # light and dark
    "white": _thing(light=0.6, chroma=-0.4),
    "black": _thing(light=-0.6, chroma=-0.2),
    "grey": _thing(chroma=-0.7),
    "silver": _thing(light=0.2, chroma=-0.7),
    "pale": _thing(light=0.5, chroma=-0.3),
    "dark": _thing(light=-0.6),
    "bright": _thing(light=0.3, chroma=0.4),
    "light": _thing(light=0.3),
    "neon": _thing(hue=335, light=-0.4, chroma=0.9, lit=(0.8, 0.2, 340.0)),
    # water
    "sea": _thing("sea", hue=235),
    "ocean": _thing("sea", hue=240),
    "wave": _thing("sea", hue=225, energy=0.3),
    "tide": _thing("sea", hue=215),
    "harbour": _thing("sea", "boat", hue=230),
    "boat": _thing("boat", "sea", lit=SAIL),
    "ship": _thing("boat", "sea", lit=SAIL),
    "island": _thing("sea", "hills", hue=200),
    "lighthouse": _thing("tower", "sea", hue=235, lit=LAMP),
    "lake": _thing("sea", hue=220, energy=-0.3),
    "whale": _thing("whale", "sea", hue=245),
    "river": _thing("river", "hills", hue=220),
    "road": _thing("river", "hills"),
    # land
    "mountain": _thing("ridges", hue=262, chroma=-0.2),
    "summit": _thing("ridges", hue=262),
    "valley": _thing("hills", hue=140),
    "hill": _thing("hills", hue=135),
    "meadow": _thing("hills", "blooms", hue=130, lit=BLOSSOM),
    "field": _thing("hills", hue=110),
    "desert": _thing("dunes", hue=62),
    "dune": _thing("dunes", hue=65),
    "volcano": _thing("volcano", hue=22, light=-0.4, chroma=0.5, energy=0.4, lit=(0.74, 0.2, 48.0)),
    "ice": _thing("ridges", hue=215, light=0.6),
    "fog": _thing("hills", light=0.5, chroma=-0.6, energy=-0.6),
    "mist": _thing("hills", light=0.5, chroma=-0.6, energy=-0.6),
    # plants
    "forest": _thing("forest", hue=150, light=-0.2),
    "wood": _thing("forest", hue=140),
    "birch": _thing("forest", hue=110, light=0.3),
    "tree": _thing("tree", "hills", hue=130),
    "garden": _thing("blooms", "hills", hue=140, lit=BLOSSOM),
    "flower": _thing("flower", chroma=0.3, lit=BLOSSOM),
    "lotus": _thing("flower", hue=190, lit=BLOSSOM),
    "bloom": _thing("flower", lit=BLOSSOM),
    "sunflower": _thing("flower", hue=245, lit=(0.84, 0.17, 85.0)),
    "orchid": _thing("flower", hue=160, lit=(0.7, 0.2, 325.0)),
    "poppy": _thing("flower", hue=130, lit=(0.63, 0.23, 28.0)),
    "autumn": _thing("leaves", hue=50, chroma=0.2, lit=(0.66, 0.18, 42.0)),
    "leaf": _thing("leaves", hue=60, lit=(0.66, 0.18, 42.0)),
    "spring": _thing(hue=140, light=0.3, lit=(0.8, 0.16, 130.0)),
    "summer": _thing(light=0.1, chroma=0.4),
    # sky
    "sun": _thing("sun", hue=75, light=0.2, chroma=0.3, lit=SUN),
    "sunrise": _thing("sun", hue=45, light=0.3, chroma=0.3, lit=SUN),
    "dawn": _thing("sun", hue=40, light=0.3, lit=SUN),
    "morning": _thing(hue=85, light=0.4, lit=LAMP),
    "sunset": _thing("sun", hue=38, chroma=0.5, lit=(0.74, 0.2, 45.0)),
    "dusk": _thing("sun", hue=310, light=-0.2, lit=SUN),
    "evening": _thing("sun", hue=320, light=-0.2, lit=SUN),
    "night": _thing("moon", hue=272, light=-0.8, lit=MOON),
    "midnight": _thing("moon", hue=275, light=-0.9, lit=MOON),
    "moon": _thing("moon", hue=265, light=-0.6, lit=MOON),
    "star": _thing("stars", hue=275, light=-0.7, lit=MOON),
    "galaxy": _thing("spiral", "stars", hue=290, light=-0.8, lit=MOON),
    "comet": _thing("stars", "spiral", hue=250, light=-0.7, lit=MOON),
    "planet": _thing("planet", hue=285, light=-0.6, lit=(0.84, 0.13, 80.0)),
    "ring": _thing(lit=(0.84, 0.13, 85.0)),
    "aurora": _thing("aurora", "stars", hue=165, light=-0.7, chroma=0.4, lit=MOON),
    "storm": _thing("rain", hue=250, light=-0.4, energy=0.3),
    "thunder": _thing("rain", hue=270, light=-0.5, energy=0.8),
    "rain": _thing("rain", hue=245, light=-0.2, chroma=-0.3),
    "umbrella": _thing("rain", "figure"),
    "snow": _thing("snow", hue=240, light=0.6, chroma=-0.4),
    "winter": _thing("snow", hue=235, light=0.5, chroma=-0.3, lit=LAMP),
    # fire and lamps
    "fire": _thing("flame", hue=35, chroma=0.6, energy=0.5, lit=FLAME),
    "flame": _thing("flame", hue=35, chroma=0.6, energy=0.4, lit=FLAME),
    "candle": _thing("candle", hue=50, light=-0.5, energy=-0.4, lit=FLAME),
    "lantern": _thing("lanterns", hue=285, light=-0.4, lit=(0.78, 0.18, 55.0)),
    # towns
    "city": _thing("city", hue=265, lit=LAMP),
    "skyline": _thing("city", hue=265, lit=LAMP),
    "street": _thing("city", lit=LAMP),
    "rooftop": _thing("city", lit=LAMP),
    "market": _thing("lanterns", "city", chroma=0.3, lit=(0.78, 0.18, 55.0)),
    "tower": _thing("tower", lit=LAMP),
    "temple": _thing("arches", hue=40, lit=LAMP),
    "cathedral": _thing("arches", hue=290, lit=LAMP),
    "arch": _thing("arches", lit=LAMP),
    "window": _thing("window", lit=LAMP),
    "door": _thing("window", lit=LAMP),
    "room": _thing("window"),
    "house": _thing("house", "hills", lit=LAMP),
    "village": _thing("house", "hills", lit=LAMP),
    # people and animals
    "bird": _thing("birds"),
    "crane": _thing("birds"),
    "swallow": _thing("birds"),
    "crow": _thing("birds", light=-0.3),
    "woman": _thing("figure", lit=SAIL),
    "man": _thing("figure", lit=SAIL),
    "child": _thing("figure", lit=LAMP),
    "friend": _thing("figure", lit=SAIL),
    "grandmother": _thing("figure", hue=40, lit=SAIL),
    "stranger": _thing("figure", lit=SAIL),
    "dancer": _thing("dancer", "spiral", energy=0.5, lit=(0.6, 0.22, 22.0)),
    # things
    "lemon": _thing("fruit", hue=100, lit=(0.88, 0.17, 104.0)),
    "fruit": _thing("fruit", hue=50, chroma=0.4, lit=(0.75, 0.17, 60.0)),
    "pear": _thing("fruit", hue=115, lit=(0.82, 0.16, 118.0)),
    "apple": _thing("fruit", lit=(0.62, 0.21, 27.0)),
    "bowl": _thing("fruit"),
    "tea": _thing("rings", hue=75, energy=-0.5),
    "music": _thing("strings", hue=300),
    "song": _thing("strings"),
    "cello": _thing("cello", hue=35, lit=(0.62, 0.14, 48.0)),
    "violin": _thing("cello", hue=35, lit=(0.62, 0.14, 48.0)),
    "jazz": _thing("strings", hue=285, light=-0.3, energy=0.6),
    "clock": _thing("rings", hue=85),
    "time": _thing("rings", "spiral"),
    "memory": _thing("rings", chroma=-0.3, energy=-0.3),
    "dream": _thing("spiral", hue=300, energy=-0.3),
    "echo": _thing("rings"),
    "labyrinth": _thing("rings"),
    "whirl": _thing("spiral", energy=0.3),
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
