"""Text from tokens as they come."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arena.generation.backends.text.wording import Wording


def _bytes(tokens: list[int]) -> str:
    """Tokens are bytes here."""
    return bytes(tokens).decode(errors="replace")


def _parts(text: str | bytes, stop: tuple[str, ...] = ()) -> tuple[list[str], Wording]:
    wording = Wording(_bytes, stop)
    parts = [wording.add(token) for token in (text.encode() if isinstance(text, str) else text)]
    return [*parts, wording.finish()], wording


def test_a_character_of_four_bytes_comes_whole_with_its_last_byte():
    parts, wording = _parts("a😀b")
    assert parts == ["a", "", "", "", "😀", "b", ""]
    assert wording.text == "a😀b"


@pytest.mark.parametrize("cut", [1, 2, 3])
def test_a_character_of_which_only_the_beginning_came_is_left_out(cut):
    parts, wording = _parts(b"a" + "😀".encode()[:cut])
    assert "".join(parts) == wording.text == "a"


def test_bytes_that_are_no_character_do_not_hold_back_what_follows():
    parts, wording = _parts(b"\xff" * 20 + b"on")
    assert wording.text.endswith("on")
    assert wording.text.count("\ufffd") == 20
    assert any(parts[:10])


@pytest.mark.parametrize(
    ("text", "stop", "left"),
    [
        ("one\n\ntwo", ("\n\n",), "one"),
        ("aab", ("ab",), "a"),
        ("ababc", ("abc",), "ab"),
        ("ab", ("abc",), "ab"),  # only its beginning
        ("abc", ("abc",), ""),
        ("x😀y😀z", ("y😀",), "x😀"),
        ("end STOP", ("never", "STOP", "end S"), ""),
    ],
)
def test_a_stop_text_ends_the_text_before_it(text, stop, left):
    parts, wording = _parts(text, stop)
    assert "".join(parts) == wording.text == left
    assert wording.stopped == any(each in text for each in stop)


def test_what_may_be_the_beginning_of_a_stop_text_is_held_back_and_then_given():
    wording = Wording(_bytes, ("stop",))
    assert [wording.add(byte) for byte in b"stow"] == ["", "", "", "stow"]


@given(st.text(max_size=30), st.lists(st.text(min_size=1, max_size=3), max_size=3))
def test_the_parts_make_up_the_text_up_to_the_first_complete_stop_text(text, stop):
    text = text.replace("\ufffd", "").replace("\x00", "")
    parts, wording = _parts(text, tuple(stop))
    assert "".join(parts) == wording.text
    ends = [text.find(each) + len(each) for each in stop if each in text]
    complete = text[: min(ends)] if ends else text
    places = [complete.find(each) for each in stop if each in complete]
    assert wording.text == (complete[: min(places)] if places else text)


def test_a_nul_is_given_as_what_is_stored_in_its_place():
    parts, wording = _parts("a\x00b\x00", ())
    assert "".join(parts) == wording.text == "a\ufffdb\ufffd"
