"""Pictures from a real server."""

from __future__ import annotations

import base64
import io
import struct
import zlib

import pytest
from PIL import Image

from arena.generation.backends.openai_compatible import client, images
from arena.generation.backends.protocol import Access, Media, Outcome, Request, Result

from .conftest import KEY, Load, Waits
from .server import Asked, Handler, Server, silent, whole
from .test_chat import failure, one

ASK = Request(prompt="a fox in snow", seed=2**40 + 3)


def picture(kind: str = "PNG") -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (12, 8), (200, 90, 10)).save(file, kind)
    return file.getvalue()


def claiming(width: int, height: int) -> bytes:
    """A PNG file whose head promises more than it has."""
    content = picture()
    head = b"IHDR" + struct.pack(">II", width, height) + content[24:29]
    return content[:12] + head + struct.pack(">I", zlib.crc32(head)) + content[33:]


def sent(content: bytes) -> dict[str, object]:
    return {"created": 1, "data": [{"b64_json": base64.b64encode(content).decode(), "revised_prompt": "a red fox"}]}


def media(outcome: Outcome) -> Media:
    assert isinstance(outcome, Result), outcome
    assert outcome.media is not None
    return outcome.media


@pytest.mark.parametrize(("kind", "media_type"), [("PNG", "image/png"), ("WEBP", "image/webp"), ("JPEG", "image/jpeg")])
def test_a_picture_has_the_type_its_bytes_say(server: Server, load: Load, kind: str, media_type: str):
    server.answers = [whole(sent(picture(kind)))]
    outcome = one(load(task="image"), ASK)

    assert media(outcome) == Media(picture(kind), media_type)
    assert isinstance(outcome, Result)
    assert (outcome.width, outcome.height, outcome.text) == (12, 8, None)
    assert (outcome.measured.tokens, outcome.measured.gpu_seconds) == (None, None)


def test_the_request_says_what_the_settings_say(server: Server, load: Load):
    server.answers = [whole(sent(picture()))]
    media(one(load(task="image", size="512x768", extra={"quality": "high"}), ASK))

    (asked,) = server.asked
    assert (asked.method, asked.path) == ("POST", "/v1/images/generations")
    assert asked.headers["authorization"] == f"Bearer {KEY}"
    assert asked.body == {
        "model": "toy",
        "prompt": "a fox in snow",
        "n": 1,
        "size": "512x768",
        "response_format": "b64_json",
        "seed": 3,
        "quality": "high",
    }

    media(one(load(task="image", response_format=None, send_seed=False), ASK))
    assert set(server.asked[1].body) == {"model", "prompt", "n"}


def test_a_picture_to_be_edited_is_refused_before_anybody_is_asked(server: Server, load: Load):
    server.answers = [silent]
    error = failure(one(load(task="image"), Request(prompt="make it red", seed=1, media=Media(b"x", "image/png"))))
    assert "not from another picture" in error.message
    assert error.permanent
    assert server.asked == []


def at(url: str, content: bytes = b"") -> object:
    """Names a picture by its URL, and gives it to whoever comes for it."""

    def answering(handler: Handler, asked: Asked) -> None:
        answer = whole({"data": [{"url": url}]}) if asked.method == "POST" else whole(content, 200, "text/plain")
        answer(handler, asked)

    return answering


def test_a_picture_may_be_fetched_and_is_asked_for_without_the_key(server: Server, load: Load):
    url = f"http://localhost:{server.port}/files/fox.png?sig=abc%2F1"
    server.answers = [at(url, picture())]
    access = Access(secrets={"toy": KEY}, hosts={"127.0.0.1": True, "localhost": True})
    outcome = one(load(access, task="image", response_format="url"), ASK)

    assert media(outcome) == Media(picture(), "image/png")
    asked = server.asked[1]
    assert (asked.method, asked.path) == ("GET", "/files/fox.png?sig=abc%2F1")
    assert asked.headers["host"] == f"localhost:{server.port}"
    assert "authorization" not in asked.headers


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://169.254.169.254/latest/meta-data/", "169.254.169.254 is not among the servers"),
        ("https://evil.example/fox.png", "evil.example is not among the servers"),
        ("file:///etc/passwd", "sent a URL that is no address"),
        ("data:image/png;base64,AAAA", "sent a URL that is no address"),
        ("//127.0.0.1/x", "sent a URL that is no address"),
    ],
)
def test_a_picture_is_fetched_from_allowed_hosts_alone(server: Server, load: Load, url: str, reason: str):
    server.answers = [at(url)]
    error = failure(one(load(task="image", response_format="url"), ASK))
    assert reason in error.message
    assert error.permanent
    assert len(server.asked) == 1


def test_a_picture_that_cannot_be_fetched_at_once_is_fetched_again_and_not_painted_again(
    server: Server, load: Load, waits: Waits
):
    server.answers = [
        whole({"data": [{"url": f"http://127.0.0.1:{server.port}/fox.png"}]}),
        whole("not yet", 503, "text/plain", retry_after="3"),
        whole(picture(), 200, "image/png"),
    ]
    assert media(one(load(task="image"), ASK)).content == picture()
    assert [asked.method for asked in server.asked] == ["POST", "GET", "GET"]
    assert waits.slept == [3.0]


def test_a_failure_that_may_pass_is_tried_again(server: Server, load: Load, waits: Waits):
    body = sent(picture())
    server.answers = [whole("busy", 503, "text/plain"), whole({"data": [{"b64_json": "&&&"}]}), whole(body)]
    assert media(one(load(task="image"), ASK)).content == picture()
    assert waits.slept == [0.25, 0.5]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"data": []}, "without a picture"),
        ({"data": [{"b64_json": None, "url": ""}]}, "without a picture"),
        ({"created": 1}, "without a picture"),
        (sent(b"<svg xmlns='http://www.w3.org/2000/svg'/>"), "no PNG, WebP or JPEG"),
        (sent(picture("GIF")), "no PNG, WebP or JPEG"),
        (sent(picture()[:20]), "no PNG, WebP or JPEG"),
        (sent(claiming(60_000, 60_000)), "a picture that is too large"),
    ],
)
def test_what_is_no_picture_is_said(server: Server, load: Load, body: object, reason: str):
    server.answers = [whole(body)]
    error = failure(one(load(task="image"), ASK))
    assert reason in error.message
    assert error.permanent


@pytest.mark.parametrize("error", [TypeError, KeyError, struct.error, RuntimeError])
def test_whatever_reading_a_picture_raises_fails_that_picture(
    server: Server, load: Load, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
):
    def fail(*given: object, **options: object) -> None:
        raise error("broken")

    server.answers = [whole(sent(picture()))]
    monkeypatch.setattr(Image, "open", fail)
    assert "no PNG, WebP or JPEG" in failure(one(load(task="image"), ASK)).message


def test_a_page_instead_of_an_answer_is_said(server: Server, load: Load):
    server.answers = [whole("<html>", 200, "text/html")]
    assert "answered with text/html instead of application/json" in failure(one(load(task="image"), ASK)).message


def test_the_size_of_pictures_is_limited(server: Server, load: Load, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(client, "MOST_ANSWER", 5000)
    monkeypatch.setattr(client, "MOST_PICTURE", 1000)
    monkeypatch.setattr(images, "MOST_PICTURE", 1000)
    url = f"http://127.0.0.1:{server.port}/fox.png"
    for answers, reason in [
        (whole(sent(b"x" * 4000)), "more than 5000 bytes"),
        (at(url, b"x" * 1001), "more than 1000 bytes"),
        (whole(sent(b"x" * 1001)), "a picture of 1001 bytes; at most 1000"),
    ]:
        server.answers = [answers]
        error = failure(one(load(task="image"), ASK))
        assert reason in error.message
        assert error.permanent
