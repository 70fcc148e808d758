"""Servers that refuse, send away, mumble, hang or never stop."""

from __future__ import annotations

import re
import socket
import threading

import pytest

from arena.generation.backends.openai_compatible import answers
from arena.generation.backends.protocol import Media, Request, Result

from .conftest import KEY, Heard, Load, Waits
from .server import PATIENCE, Asked, Handler, Server, delta, pieces, said, silent, whole
from .test_chat import failure, one, text


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 405, 413, 415, 422, 501, 505])
def test_a_refusal_that_lasts_is_permanent_and_asked_once(server: Server, load: Load, status: int):
    server.answers = [whole({"error": {"message": "because of tea"}}, status)]
    error = failure(one(load()))
    assert re.search(rf"127\.0\.0\.1:{server.port} answered {status} [A-Z].*: because of tea", error.message)
    assert error.permanent
    assert len(server.asked) == 1


@pytest.mark.parametrize("status", [408, 409, 425, 429, 500, 502, 503, 504, 529])
def test_a_failure_that_may_pass_is_tried_again(server: Server, load: Load, waits: Waits, status: int):
    server.answers = [whole("busy", status, "text/plain"), whole({"error": "busy"}, status), said("Tea")]
    assert text(one(load())) == "Tea"
    assert waits.slept == [0.25, 0.5]

    server.answers = [whole("busy", status, "text/plain")]
    error = failure(one(load(retries=2)))
    assert f"answered {status}" in error.message
    assert not error.permanent
    assert len(server.asked) == 3 + 3


@pytest.mark.parametrize(("asked_for", "waited"), [("7", 7.0), ("Fri, 15 Jan 2027 08:00:30 GMT", 30.0), ("400", 400.0)])
def test_a_server_says_when_to_come_back(server: Server, load: Load, waits: Waits, asked_for: str, waited: float):
    server.answers = [whole({"error": "slow down"}, 429, retry_after=asked_for), said("Tea")]
    assert text(one(load())) == "Tea"
    assert waits.slept == [waited]


def test_the_deadline_is_for_all_tries_together(server: Server, load: Load, waits: Waits):
    server.answers = [whole({"error": "slow down"}, 429, retry_after="20")]
    error = failure(one(load(total_timeout=50.0, retries=10)))
    assert "slow down" in error.message
    assert not error.permanent
    assert waits.slept == [20.0, 20.0]


@pytest.mark.parametrize(
    ("body", "explained"),
    [
        ({"error": {"message": "no such model", "code": 1}}, "no such model"),
        ({"error": "no such model"}, "no such model"),
        ({"message": "no such model"}, "no such model"),
        ({"detail": [{"msg": "field required"}]}, '[{"msg": "field required"}]'),
        ("<!DOCTYPE html><title>Oops</title>", "an HTML page"),
        ("no\n  such\x07 model", "no such model"),
        ("x" * 1000, "x" * 300 + " ..."),
        ("[" * 5000, "[" * 300 + " ..."),
    ],
)
def test_the_reason_is_found_wherever_the_server_writes_it(server: Server, load: Load, body: object, explained: str):
    server.answers = [whole(body, 400)]
    assert failure(one(load())).message.partition("Bad Request: ")[2] == explained


def test_what_to_look_at_is_said(server: Server, load: Load):
    server.answers = [whole(b"", 401)]
    assert failure(one(load())).message.endswith("401 Unauthorized (is `key` the name of the right secret?)")
    server.answers = [whole(b"", 404)]
    assert "does base_url end where the API begins" in failure(one(load())).message


@pytest.mark.parametrize("goal", ["http://169.254.169.254/latest/meta-data/", "https://evil.example/v1", "/v2"])
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_nobody_is_sent_elsewhere(server: Server, load: Load, goal: str, status: int):
    server.answers = [whole(b"", status, location=goal)]
    error = failure(one(load()))
    assert f"redirects are not followed (to {goal})" in error.message
    assert error.permanent
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("body", "content_type", "said_type"),
    [
        ("<html>Welcome</html>", "text/html; charset=utf-8", "text/html"),
        ("Tea", "text/plain", "text/plain"),
        ("Tea", None, "no content type"),
        (b"\x89PNG", "image/png", "image/png"),
    ],
)
def test_a_wrong_content_type_is_no_answer(
    server: Server, load: Load, body: object, content_type: str | None, said_type: str
):
    server.answers = [whole(body, 200, content_type)]
    error = failure(one(load()))
    assert f"answered with {said_type} instead of text/event-stream or application/json" in error.message
    assert error.permanent
    assert len(server.asked) == 1


def test_json_that_is_cut_is_tried_again(server: Server, load: Load):
    server.answers = [whole('{"choices": [{"mess'), said("Tea")]
    assert text(one(load())) == "Tea"


def test_other_statuses_of_success_hold_no_answer(server: Server, load: Load):
    server.answers = [whole({"queued": True}, 202)]
    assert "answered 202 Accepted" in failure(one(load())).message


def test_compressed_answers_are_refused_for_their_size_is_not_known(server: Server, load: Load):
    server.answers = [whole(b"\x1f\x8b", content_encoding="gzip")]
    error = failure(one(load()))
    assert "compresses its answers ('gzip')" in error.message
    assert error.permanent
    server.answers = [whole(b"\x1f\x8b", 503, content_encoding="gzip"), said("Tea")]
    assert text(one(load())) == "Tea"


def test_a_long_explanation_is_not_read_to_its_end(server: Server, load: Load, monkeypatch: pytest.MonkeyPatch):
    def endless(handler: Handler, asked: Asked) -> None:
        handler.head(400, "text/plain", {"Transfer-Encoding": "chunked"})
        while True:  # until the client goes
            handler.wfile.write(b"4\r\nlong\r\n")

    monkeypatch.setattr(answers, "MOST_EXPLANATION", 1000)
    server.answers = [endless]
    assert "longlong" in failure(one(load())).message


def test_a_server_that_hangs_is_left(server: Server, load: Load, waits: Waits):
    server.answers = [silent, silent, said("Tea")]
    assert text(one(load(read_timeout=0.5))) == "Tea"
    assert len(waits.slept) == 2

    server.answers = [silent]
    error = failure(one(load(read_timeout=0.1, retries=1)))
    assert "was silent for 0.1 s (read_timeout)" in error.message
    assert not error.permanent


def test_a_server_that_falls_silent_within_an_answer_is_left(server: Server, load: Load, heard: Heard):
    server.answers = [pieces([delta("A hot")], then="hang")]
    error = failure(one(load(read_timeout=0.5), heard=heard))
    assert "was silent for 0.5 s" in error.message
    assert not error.permanent
    assert heard.texts() == ["A hot"]
    assert len(server.asked) == 1


@pytest.mark.parametrize("head", [b"", b"HTTP/1.1 200 OK\r\n"])
def test_a_server_that_never_stops_is_left_when_the_time_is_over(server: Server, load: Load, head: bytes):
    """It sends a byte now and then, so that it is never silent for long."""

    def dripping(handler: Handler, asked: Asked) -> None:
        if head:
            handler.wfile.write(head)
        else:
            handler.head(200, "text/event-stream", {})
        while not handler.owner.stopping.wait(0.02):
            handler.wfile.write(b":")

    server.answers = [dripping]
    error = failure(one(load(read_timeout=5.0, total_timeout=0.3)))
    assert "did not finish within 0.3 s (total_timeout)" in error.message
    assert not error.permanent


def test_a_server_that_takes_the_request_too_slowly_is_left(load: Load):
    """It reads some bytes now and then, of a request that is larger than what fits on the way."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        over = threading.Event()

        def sipping() -> None:
            connection, _ = listening.accept()
            with connection:
                while not over.wait(0.02) and connection.recv(4096):
                    pass

        thread = threading.Thread(target=sipping, daemon=True)
        thread.start()
        url = f"http://127.0.0.1:{listening.getsockname()[1]}/v1"
        large = Request(prompt="What is this?", seed=1, media=Media(bytes(30 * 2**20), "image/png"))
        error = failure(one(load(base_url=url, read_timeout=5.0, total_timeout=0.5), large))
        over.set()
        thread.join(PATIENCE)
    assert "did not finish within 0.5 s (total_timeout)" in error.message


def test_what_is_no_http_is_a_broken_connection(server: Server, load: Load):
    def mumbling(handler: Handler, asked: Asked) -> None:
        handler.wfile.write(b"SSH-2.0-OpenSSH\r\n\r\n")

    server.answers = [mumbling]
    error = failure(one(load(retries=0)))
    assert "broke off" in error.message
    assert not error.permanent


def test_an_outcome_holds_nothing_of_what_was_sent(server: Server, load: Load):
    server.answers = [whole({"error": "no"}, 400)]
    error = failure(one(load()))
    assert (error.__cause__, error.__context__, error.__traceback__) == (None, None, None)
    server.answers = [said("Tea")]
    outcome = one(load())
    assert isinstance(outcome, Result)
    assert KEY not in repr(outcome)


@pytest.mark.parametrize("sent", [b": still here\n\n", b"\n\n", b"event: ping\n\n", b'data: {"choices": []}\n\n'])
def test_a_server_that_only_says_that_it_is_there_has_its_time(server: Server, load: Load, sent: bytes):
    def chattering(handler: Handler, asked: Asked) -> None:
        handler.head(200, "text/event-stream", {"Transfer-Encoding": "chunked"})
        while not handler.owner.stopping.wait(0.02):
            handler.wfile.write(b"%x\r\n%b\r\n" % (len(sent), sent))

    server.answers = [chattering]
    error = failure(one(load(read_timeout=5.0, total_timeout=0.4)))
    assert "did not finish within 0.4 s (total_timeout)" in error.message
    assert not error.permanent


def test_a_server_that_asks_for_more_time_than_there_is_is_not_asked_again(server: Server, load: Load, waits: Waits):
    server.answers = [whole({"error": "slow down"}, 429, retry_after="3600")]
    error = failure(one(load(total_timeout=600.0)))
    assert "it asks to come back in 3600 s" in error.message
    assert not error.permanent
    assert (len(server.asked), waits.slept) == (1, [])
