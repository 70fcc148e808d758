"""What a painter hears in a prompt."""

from __future__ import annotations

import math

from arena.generation.backends.painter.lexicon import COLOURS, THINGS
from arena.generation.backends.painter.motifs import MOTIFS
from arena.generation.backends.painter.reading import read


def test_known_words_bring_motifs_hues_and_mood():
    reading = read("Mountains at night, quiet")
    assert reading.motifs == ("ridges", "moon")
    assert {hue for hue, _ in reading.hues} == {262, 272}
    assert reading.light < 0
    assert reading.energy < 0


def test_a_colour_before_a_thing_that_shines_colours_it_and_not_the_ground():
    moon = read("two strangers under a yellow moon")
    assert moon.lit is not None
    assert moon.lit[2] == COLOURS["yellow"]
    assert COLOURS["yellow"] not in {hue for hue, _ in moon.hues}
    bowl = read("lemons in a blue bowl")
    assert bowl.lit == THINGS["lemon"].lit
    assert bowl.hues[0] == (COLOURS["blue"], 1.0)


def test_numbers_are_heard():
    assert read("Two boats").count == 2
    assert read("boats").count is None


def test_unknown_words_in_any_script_still_move_the_embedding():
    readings = [read(text) for text in ("zażółć", "夜の海", "сон", "qwzx")]
    embeddings = {reading.embedding for reading in readings}
    assert len(embeddings) == 4
    for embedding in embeddings:
        assert math.isclose(sum(value**2 for value in embedding), 1.0)
    assert set(read("").embedding) == {0.0}


def test_case_and_punctuation_do_not_matter():
    assert read("The SEA, at night!") == read("the sea at night")


def test_every_motif_named_by_a_word_can_be_laid_and_every_motif_has_a_word():
    named = {motif for meaning in THINGS.values() for motif in meaning.motifs}
    assert named == set(MOTIFS)
