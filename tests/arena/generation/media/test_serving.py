"""Media are served whole, or in the part that a player asks for."""

from __future__ import annotations

import pytest
from django.core.files.base import ContentFile
from django.http import HttpResponse
from django.test import RequestFactory

from arena.generation.media.serving import media_for_voters, media_response

pytestmark = pytest.mark.pure

CONTENT = bytes(range(100))
ask = RequestFactory()


def served(range_header: str | None = None, **headers: str) -> HttpResponse:
    if range_header is not None:
        headers["range"] = range_header
    return media_response(ask.get("/", headers=headers), ContentFile(CONTENT), "video/webm")


def test_without_a_range_everything_is_sent_and_ranges_are_offered() -> None:
    answer = served()

    assert (answer.status_code, answer.content) == (200, CONTENT)
    assert answer["Content-Type"] == "video/webm"
    assert answer["Accept-Ranges"] == "bytes"
    assert answer["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [
        ("bytes=0-0", 0, 0),
        ("bytes=0-", 0, 99),
        ("bytes=10-19", 10, 19),
        ("bytes=90-999999999999999999", 90, 99),
        ("bytes=-10", 90, 99),
        ("bytes=-999", 0, 99),
        ("bytes= 5-6", 5, 6),
    ],
)
def test_a_range_is_that_part(asked: str, first: int, last: int) -> None:
    answer = served(asked)

    assert answer.status_code == 206
    assert answer.content == CONTENT[first : last + 1]
    assert answer["Content-Range"] == f"bytes {first}-{last}/100"


@pytest.mark.parametrize("asked", ["bytes=100-", "bytes=100-200", "bytes=-0"])
def test_a_range_behind_the_end_is_refused_with_the_size(asked: str) -> None:
    answer = served(asked)

    assert (answer.status_code, answer.content, answer["Content-Range"]) == (416, b"", "bytes */100")


@pytest.mark.parametrize(
    "asked",
    ["", "bytes=-", "bytes=5-4", "bytes=0-1,5-6", "words=0-1", "bytes=a-b", "bytes=1", "bytes=" + "9" * 5000 + "-"],
)
def test_what_is_no_single_range_is_answered_whole(asked: str) -> None:
    assert (served(asked).status_code, served(asked).content) == (200, CONTENT)


def test_a_range_on_condition_is_answered_whole_since_there_is_no_tag_to_compare() -> None:
    answer = served("bytes=0-1", **{"if-range": '"tag"'})

    assert answer.status_code == 200
    assert "ETag" not in answer


def test_an_empty_file_has_no_part() -> None:
    answer = media_response(ask.get("/", headers={"range": "bytes=0-"}), ContentFile(b""), "video/webm")

    assert answer.status_code == 416


def test_voters_browsers_keep_it_for_themselves() -> None:
    answer = media_for_voters(ask.get("/"), ContentFile(CONTENT), "image/png")

    assert answer["Cache-Control"] == "private, max-age=86400, immutable"
