from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ranking.charts.names import ELLIPSIS, NAMELESS, isolated, printable, shortened, text_width

ASTRONAUT = "👩🏽‍🚀"
GERMANY = "🇩🇪"
SCOTLAND = "🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f"


@pytest.mark.parametrize(
    ("name", "drawn"),
    [
        ("plain", "plain"),
        ("  two\n lines\tand\u2028more ", "two lines and more"),
        ("nul\x00bell\x07", "nulbell"),
        ("\u202ereversed\u2066\u2069", "reversed"),
        ("half \ud83d pair", "half  pair"),
        ("", NAMELESS),
        ("\u200b\x00", NAMELESS),
        ("نموذج\u200cها", "نموذج\u200cها"),
        (f"{ASTRONAUT}{SCOTLAND}{GERMANY}", f"{ASTRONAUT}{SCOTLAND}{GERMANY}"),
        ("Việt Nam e\u0301\u0323", "Việt Nam e\u0301\u0323"),
    ],
)
def test_a_name_is_drawn_without_what_would_harm_the_drawing(name: str, drawn: str) -> None:
    assert printable(name) == drawn


def test_marks_cannot_be_piled_up_over_the_neighbours() -> None:
    assert printable("Z" + "\u0301" * 50) == "Z" + "\u0301" * 4


@given(st.text())
def test_what_is_drawn_is_text_that_xml_allows(name: str) -> None:
    drawn = printable(name)
    assert drawn
    assert drawn == drawn.strip()
    assert all(unicodedata.category(character) not in ("Cc", "Cs", "Cn", "Co") for character in drawn)


def test_a_name_that_fits_is_left_alone() -> None:
    assert shortened("turbo", text_width("turbo", 13), 13) == "turbo"


@given(
    st.text(st.characters(exclude_characters=ELLIPSIS), min_size=1), st.floats(15, 300), st.sampled_from([11, 12, 13])
)
def test_a_shortened_name_fits_and_keeps_both_ends(name: str, room: float, size: float) -> None:
    short = shortened(name, room, size)
    assert text_width(short, size) <= room + 1e-9
    if short != name:
        head, _, tail = short.partition(ELLIPSIS)
        assert name.startswith(head)
        assert name.endswith(tail)


def test_versions_at_the_end_survive() -> None:
    short = shortened("a-diffusion-model-of-note-v2.1", 120, 13)
    assert short.startswith("a-diff")
    assert short.endswith("2.1")


@pytest.mark.parametrize("sign", [ASTRONAUT, GERMANY, SCOTLAND, "e\u0301\u0323"])
def test_what_reads_as_one_sign_is_never_split(sign: str) -> None:
    for room in range(20, 200):
        short = shortened(sign * 20, room, 13)
        assert short.replace(ELLIPSIS, "").replace(sign, "") == ""


def test_only_right_to_left_names_are_isolated() -> None:
    assert isolated("plain") == "plain"
    assert isolated("מודל v3") == "\u2068מודל v3\u2069"
