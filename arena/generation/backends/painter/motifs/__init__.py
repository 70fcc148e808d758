"""What a scene can be made of, by name. The order is the order of laying: back to front."""

from __future__ import annotations

from collections.abc import Callable

from arena.generation.backends.painter.motifs import land, life, made, sky
from arena.generation.backends.painter.stage import Stage

MOTIFS: dict[str, Callable[[Stage], None]] = {
    "stars": sky.stars,
    "aurora": sky.aurora,
    "spiral": sky.spiral,
    "rings": sky.rings,
    "sun": sky.sun,
    "moon": sky.moon,
    "planet": sky.planet,
    "strings": made.strings,
    "window": made.window,
    "ridges": land.ridges,
    "volcano": land.volcano,
    "hills": land.hills,
    "dunes": land.dunes,
    "city": made.city,
    "sea": land.sea,
    "river": land.river,
    "arches": made.arches,
    "forest": land.forest,
    "house": made.house,
    "tower": made.tower,
    "tree": life.tree,
    "boat": made.boat,
    "whale": life.whale,
    "flame": land.flame,
    "candle": made.candle,
    "flower": life.flower,
    "blooms": life.blooms,
    "leaves": life.leaves,
    "fruit": life.fruit,
    "cello": made.cello,
    "figure": life.figure,
    "dancer": life.dancer,
    "birds": life.birds,
    "lanterns": made.lanterns,
    "rain": sky.rain,
    "snow": sky.snow,
}
