"""The key reaches its server, and nothing else."""

from __future__ import annotations

import html
import json
import logging
import pickle
import traceback

import pytest

from arena.generation.backends.openai_compatible.backend import OPENAI_COMPATIBLE
from arena.generation.backends.openai_compatible.keys import Key
from arena.generation.backends.protocol import Access

from .conftest import KEY, Heard, Load
from .server import Asked, Handler, Server, delta, event, pieces, said, silent, whole
from .test_chat import failure, one, text


def echo_in_header(handler: Handler, asked: Asked) -> None:
    whole(
        {"error": "no"}, 400, X_Debug=asked.headers["authorization"], Set_Cookie=f"key={asked.headers['authorization']}"
    )(handler, asked)


ECHOES = {
    "json": whole({"error": {"message": f"Incorrect API key provided: {KEY}."}}, 401),
    "text": whole(f"bad header Authorization: Bearer {KEY}", 400, "text/plain"),
    "at the cut": whole("x" * 290 + KEY, 400, "text/plain"),
    "passing": whole(f"busy with {KEY}", 503, "text/plain"),
    "redirect": whole(b"", 302, location=f"https://evil.example/?key={KEY}"),
    "content type": whole("x", 200, f"text/{KEY}"),
    "header": echo_in_header,
    "stream": pieces([delta("A"), event({"error": {"message": f"lost {KEY}"}})]),
    "no json": pieces([event(f"oops {KEY}".encode())]),
    "hang": silent,
    "cut": pieces([delta("A")], then="cut"),
}


@pytest.mark.parametrize("echo", ECHOES)
def test_a_key_that_a_server_sends_back_is_blotted_out(
    server: Server, load: Load, caplog: pytest.LogCaptureFixture, echo: str
):
    caplog.set_level(logging.DEBUG)
    for name in ("httpcore2", "httpcore2.http11", "httpcore2.connection"):
        caplog.set_level(logging.DEBUG, logger=name)
    server.answers = [ECHOES[echo]]
    loaded = load(retries=1, read_timeout=0.1)
    error = failure(one(loaded))

    assert f"Bearer {KEY}" in server.asked[0].headers["authorization"]
    told = [
        str(error),
        repr(error),
        error.message,
        repr(loaded),
        repr(vars(loaded)),
        *traceback.format_exception(error),
    ]
    logged = [caplog.text, *(repr(vars(record)) for record in caplog.records)]
    assert any("receive_response_headers" in text for text in logged)
    for text_told in [*told, *logged]:
        assert KEY not in text_told
        assert KEY[:12] not in text_told


def test_a_good_answer_logs_no_key(server: Server, load: Load, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.DEBUG)
    server.answers = [
        pieces([event({"model": f"toy {KEY}", "choices": [{"delta": {"content": "Tea"}}]}), delta(None, "stop")])
    ]
    outcome = one(load(), heard=Heard())
    assert text(outcome) == "Tea"
    assert KEY not in repr(outcome)
    assert KEY not in caplog.text
    assert "send_request_headers" in caplog.text


def test_a_name_in_the_settings_is_all_that_is_stored_of_a_key():
    settings = OPENAI_COMPATIBLE.validate({"base_url": "http://box/v1", "model": "toy", "key": "toy"})
    access = Access(secrets={"toy": KEY}, hosts={"box": True})
    loaded = OPENAI_COMPATIBLE.load(settings, "cpu", access)
    for shown in (repr(settings), settings.model_dump_json(), repr(access), repr(loaded), repr(vars(loaded))):
        assert KEY not in shown


def test_a_key_shows_itself_to_nobody_and_cannot_be_stored():
    key = Key(KEY, "toy")
    assert repr(key) == str(key) == "Key(***)"
    assert key.headers() == {"Authorization": f"Bearer {KEY}"}
    with pytest.raises(TypeError, match="not to be stored"):
        pickle.dumps(key)


def test_a_key_is_found_in_the_ways_it_may_be_written():
    key = Key("a\"b'c\\d&e/f", "toy")
    plain = "a\"b'c\\d&e/f"
    for written in (plain, json.dumps(plain), repr(plain), repr(plain.encode()), html.escape(plain)):
        assert key.redact(f"<{written}>").replace('"', "").replace("'", "").replace("b", "") == "<***>"
    assert key.redact("nothing") == "nothing"


def test_a_log_is_left_alone_once_no_key_is_in_use(caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.DEBUG)
    logger = logging.getLogger("httpcore2.http11")
    key = Key("first-key-of-all", "toy")
    logger.debug("%s and %s", "first-key-of-all", 1)
    del key
    logger.debug("first-key-of-all")
    assert [record.getMessage() for record in caplog.records] == ["*** and 1", "first-key-of-all"]


@pytest.mark.parametrize("size", [1, 5, 100])
def test_an_answer_that_repeats_the_key_is_blotted_out(server: Server, load: Load, heard: Heard, size: int):
    answer = f"s sk- sk-Zt9 You sent Bearer {KEY}, {KEY[:9]}"
    server.answers = [said(*[answer[at : at + size] for at in range(0, len(answer), size)])]
    assert text(one(load(), heard=heard)) == f"s sk- sk-Zt9 You sent Bearer ***, {KEY[:9]}"
    assert "".join(heard.texts()) == f"s sk- sk-Zt9 You sent Bearer ***, {KEY[:9]}"


def test_a_key_that_is_a_word_may_be_said(server: Server, load: Load):
    server.answers = [said("I run on oll", "ama.")]
    access = Access(secrets={"toy": "ollama"}, hosts={"127.0.0.1": True})
    assert text(one(load(access))) == "I run on ollama."


def test_servers_without_a_key_get_none(server: Server, load: Load):
    server.answers = [said("Tea")]
    assert text(one(load(key=None))) == "Tea"
    assert "authorization" not in server.asked[0].headers
