"""Streams of events, however they are cut."""

from __future__ import annotations

import pytest

from arena.generation.backends.openai_compatible import events as module
from arena.generation.backends.openai_compatible.events import Characters, events
from arena.generation.backends.protocol import GenerationError

STREAM = (
    "\ufeff: a comment\nevent: message\ndata: größer 😀\n\n"
    "\n\nid: 7\nretry: 10\n\n"
    "data:first\ndata:  second\nignored: x\n\ndata\n\ndata: \n\ndata: end\n\n"
)
DATA = ["größer 😀", "first\n second", "end"]


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("size", [1, 2, 3, 5, 7, 1000])
def test_events_are_the_same_however_the_bytes_are_cut(ending: str, size: int):
    content = STREAM.replace("\n", ending).encode()
    assert list(events(content[at : at + size] for at in range(0, len(content), size))) == DATA


def test_the_last_event_counts_without_its_empty_line():
    assert list(events([b"data: a\n\ndata: b"])) == ["a", "b"]
    assert list(events([b"data: a\n\ndata: b\r"])) == ["a", "b"]
    assert list(events([b""])) == []


def test_an_event_is_given_out_once_it_is_whole_and_not_with_the_next_bytes():
    def chunks():
        yield b"data: a\r\n\r"
        raise AssertionError("the event was whole before this")

    assert next(events(chunks())) == "a"


def test_bytes_that_are_no_text_become_replacement_characters():
    assert list(events([b"data: a\xff\n\n"])) == ["a\ufffd"]


def test_an_event_without_end_is_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "LONGEST_EVENT", 100)
    with pytest.raises(GenerationError, match="an event of more than 100 bytes") as caught:
        list(events([b"data: "] + [b"x" * 10] * 20))
    assert caught.value.permanent
    with pytest.raises(GenerationError, match="an event of more than 100 bytes"):
        list(events([b"data: xxxxxxx\n"] * 20))
    assert len(list(events([b"data: xxxxxxx\n\n"] * 20))) == 20


def test_half_a_character_waits_for_its_other_half():
    characters = Characters()
    assert [characters.add("a\ud83d"), characters.add(""), characters.add("\ude00b"), characters.end()] == [
        "a",
        "",
        "😀b",
        "",
    ]


def test_halves_that_stay_alone_and_nul_become_replacement_characters():
    characters = Characters()
    assert [characters.add(piece) for piece in ("\ude00", "a\0", "\ud83d", "b\ud83d")] == [
        "\ufffd",
        "a\ufffd",
        "",
        "\ufffdb",
    ]
    assert characters.end() == "\ufffd"
