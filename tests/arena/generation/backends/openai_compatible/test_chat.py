"""Chat with a real server."""

from __future__ import annotations

import base64
import os
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from arena.generation.backends.batching import run
from arena.generation.backends.protocol import GenerationError, Loaded, Media, Outcome, Request, Result

from .conftest import KEY, Heard, Load, Waits
from .server import DONE, PATIENCE, Asked, Handler, Server, delta, event, pieces, said, whole

ASK = Request(prompt="What is tea?", seed=5)


def one(loaded: Loaded, request: Request = ASK, heard: Heard | None = None) -> Outcome:
    (outcome,) = loaded.generate([request], heard or Heard())
    return outcome


def text(outcome: Outcome) -> str:
    assert isinstance(outcome, Result), outcome
    assert outcome.text is not None
    return outcome.text


def failure(outcome: Outcome) -> GenerationError:
    assert isinstance(outcome, GenerationError)
    return outcome


def test_an_answer_is_streamed_and_put_together(server: Server, load: Load, heard: Heard):
    server.answers = [said("A ", "hot", " drink", tokens=3)]
    outcome = one(load(), heard=heard)

    assert isinstance(outcome, Result)
    assert outcome.text == "A hot drink"
    assert heard.deltas == [(0, "A "), (0, "hot"), (0, " drink")]
    assert heard.outcomes == {0: outcome}
    assert (outcome.measured.tokens, outcome.measured.gpu_seconds) == (3, None)
    assert outcome.measured.latency_ms > 0
    assert outcome.device == f"127.0.0.1:{server.port}"
    assert outcome.library_versions["server model"] == "toy-2"
    assert "httpcore2" in outcome.library_versions


def test_the_request_says_what_the_settings_say(server: Server, load: Load):
    server.answers = [said("yes")]
    loaded = load(
        system_prompt="Be brief.",
        temperature=0.5,
        top_p=0.9,
        max_tokens=64,
        stop=["\n\n"],
        extra={"top_k": 40, "chat_template_kwargs": {"enable_thinking": False}},
    )
    text(one(loaded, Request(prompt="What is tea?", seed=2**62 + 7)))

    (asked,) = server.asked
    assert (asked.method, asked.path) == ("POST", "/v1/chat/completions")
    assert asked.headers["authorization"] == f"Bearer {KEY}"
    assert asked.headers["host"] == f"127.0.0.1:{server.port}"
    assert asked.headers["accept-encoding"] == "identity"
    assert asked.body == {
        "model": "toy",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "What is tea?"},
        ],
        "stream": True,
        "stream_options": {"include_usage": True},
        "temperature": 0.5,
        "top_p": 0.9,
        "max_tokens": 64,
        "stop": ["\n\n"],
        "seed": 7,
        "top_k": 40,
        "chat_template_kwargs": {"enable_thinking": False},
    }


def test_what_is_not_set_is_not_sent(server: Server, load: Load):
    server.answers = [said("yes")]
    text(one(load(key=None, send_seed=False, include_usage=False)))

    assert set(server.asked[0].body) == {"model", "messages", "stream"}
    assert "authorization" not in server.asked[0].headers


def test_a_picture_goes_with_the_question(server: Server, load: Load):
    server.answers = [said("a fox")]
    text(one(load(), Request(prompt="What is this?", seed=1, media=Media(b"\x89PNG", "image/png"))))

    url = "data:image/png;base64," + base64.b64encode(b"\x89PNG").decode()
    assert server.asked[0].body["messages"][0]["content"] == [
        {"type": "image_url", "image_url": {"url": url}},
        {"type": "text", "text": "What is this?"},
    ]
    error = failure(one(load(), Request(prompt="What is this?", seed=1, media=Media(b"x", "video/mp4"))))
    assert error.permanent
    assert len(server.asked) == 1


def test_characters_may_be_cut_by_chunks_and_by_deltas(server: Server, load: Load, heard: Heard):
    halves = event(b'{"choices":[{"delta":{"content":"\\ud83d"}}]}') + event(
        b'{"choices":[{"delta":{"content":"\\ude00!"}}]}'
    )
    raw = event('{"choices":[{"delta":{"content":"größer 😀"}}]}'.encode())
    content = raw + halves + delta(None, "stop") + DONE
    server.answers = [pieces([content[at : at + 1] for at in range(len(content))])]

    assert text(one(load(), heard=heard)) == "größer 😀😀!"
    assert heard.texts() == ["größer 😀", "😀!"]


def test_what_is_not_part_of_the_answer_is_left_out(server: Server, load: Load, heard: Heard):
    server.answers = [
        pieces(
            [
                b": keep-alive\n\n",
                event({"choices": []}),
                event({"choices": [{"delta": {"role": "assistant", "content": None}}]}),
                event({"choices": [{"delta": {"reasoning_content": "hm"}}]}),
                event({"choices": [{"delta": {"content": ""}}]}),
                event({"choices": [{"delta": {"content": [{"type": "thinking"}, {"type": "text", "text": "Tea"}]}}]}),
                event({"choices": [{"delta": {"refusal": ", no."}}]}),
                event({"choices": [{"delta": {}, "finish_reason": "stop"}], "usage": None}),
                DONE,
                event({"choices": [{"delta": {"content": "after the end"}}]}),
            ]
        )
    ]
    outcome = one(load(), heard=heard)
    assert text(outcome) == "Tea, no."
    assert heard.texts() == ["Tea", ", no."]
    assert isinstance(outcome, Result)
    assert outcome.measured.tokens is None


@pytest.mark.parametrize(
    "chunks",
    [[delta("Tea", "length")], [delta("Tea"), delta(None, "stop")], [delta("Tea"), DONE]],
    ids=["reason with text", "reason", "done"],
)
@pytest.mark.parametrize("then", ["end", "cut"])
def test_an_answer_is_whole_when_the_server_has_said_so(server: Server, load: Load, chunks: list[bytes], then: str):
    server.answers = [pieces(chunks, then=then)]
    assert text(one(load())) == "Tea"


@pytest.mark.parametrize("last", [delta(None, "stop").rstrip(), b"data: [DONE]"])
def test_the_last_line_of_a_stream_may_lack_its_end(server: Server, load: Load, last: bytes):
    server.answers = [pieces([delta("Tea"), last])]
    assert text(one(load())) == "Tea"


def test_an_answer_that_is_whole_need_not_be_followed_by_the_end_of_the_stream(server: Server, load: Load):
    server.answers = [pieces([delta("Tea", "stop")], then="hang")]
    assert text(one(load(read_timeout=0.2))) == "Tea"
    server.answers = [pieces([delta("Tea"), DONE], then="hang")]
    assert text(one(load())) == "Tea"


class Listening(Heard):
    """Lets the server know that a delta has been read."""

    def __init__(self, server: Server) -> None:
        super().__init__()
        self.server = server

    def delta(self, index: int, text: str) -> None:
        super().delta(index, text)
        self.server.heard.set()


@pytest.mark.parametrize("then", ["end", "cut", "reset"])
def test_a_stream_that_breaks_off_is_no_short_answer(server: Server, load: Load, then: str):
    server.answers = [pieces([delta("A hot")], then=then)]
    heard = Listening(server)
    error = failure(one(load(), heard=heard))

    assert "broke off" in error.message
    assert not error.permanent
    assert heard.deltas == [(0, "A hot")]
    assert len(server.asked) == 1  # whoever reads along is not told the same twice


@pytest.mark.parametrize("then", ["end", "cut"])
def test_a_stream_that_breaks_off_before_the_first_word_is_tried_again(
    server: Server, load: Load, waits: Waits, heard: Heard, then: str
):
    server.answers = [pieces([delta(None, role="assistant")], then=then), said("Tea")]
    assert text(one(load(), heard=heard)) == "Tea"
    assert heard.texts() == ["Tea"]
    assert (len(server.asked), waits.slept) == (2, [0.25])


def test_a_server_that_is_killed_while_it_answers(load: Load, tmp_path: Path):
    program = (
        "from tests.arena.generation.backends.openai_compatible.server import Server, pieces, delta\n"
        "server = Server()\n"
        "server.answers = [pieces([delta('A hot')], then='hang')]\n"
        "print(server.port, flush=True)\n"
        "with server.running(): server.stopping.wait(60)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        port = int(process.stdout.readline())

        class Kill(Heard):
            def delta(self, index: int, text: str) -> None:
                super().delta(index, text)
                os.kill(process.pid, signal.SIGKILL)

        killer = Kill()
        error = failure(one(load(base_url=f"http://127.0.0.1:{port}/v1"), heard=killer))
        assert "broke off" in error.message
        assert not error.permanent
        assert killer.deltas == [(0, "A hot")]

        gone = failure(one(load(base_url=f"http://127.0.0.1:{port}/v1", retries=0)))
        assert f"no connection to 127.0.0.1:{port}" in gone.message
        assert not gone.permanent
    finally:
        process.kill()
        process.communicate(timeout=PATIENCE)


@pytest.mark.parametrize(
    ("reported", "permanent"),
    [
        ({"error": {"message": "out of blocks", "code": 503}}, False),
        ({"error": {"message": "out of blocks", "type": "server_error", "code": None}}, False),
        ({"error": "out of blocks"}, False),
        ({"error": {"message": "out of blocks", "code": 429}}, False),
        ({"error": {"message": "out of blocks", "code": 400}}, True),
        ({"error": {"message": "out of blocks", "type": "invalid_request_error"}}, True),
        ({"object": "error", "message": "out of blocks", "code": 404}, True),
    ],
)
@pytest.mark.parametrize("streamed", [True, False])
def test_an_error_in_an_answer_that_began_well(
    server: Server, load: Load, reported: dict[str, object], permanent: bool, streamed: bool
):
    server.answers = [pieces([event(reported)]) if streamed else whole(reported)]
    error = failure(one(load(retries=1)))
    assert "reported an error: out of blocks" in error.message
    assert error.permanent is permanent
    assert len(server.asked) == (1 if permanent else 2)


@pytest.mark.parametrize(
    ("chunks", "reason", "permanent"),
    [
        ([delta("A"), delta(None, "content_filter")], "the filter of .* stopped the answer", True),
        ([delta(None, "tool_calls", tool_calls=[{"index": 0}])], "a tool call and no text", True),
        ([delta(None, "length", reasoning_content="hm")], "raise max_tokens", True),
        ([delta("A"), delta(None, "error")], "gave up within the answer", False),
        ([event(b'{"choices": [')], "no JSON", False),
        ([event(b"[1]")], "JSON that is no object", True),
    ],
)
def test_what_is_no_answer_is_said(server: Server, load: Load, chunks: list[bytes], reason: str, permanent: bool):
    server.answers = [pieces([*chunks, DONE])]
    error = failure(one(load(retries=0)))
    assert re.search(reason, error.message)
    assert error.permanent is permanent


def test_a_model_may_say_nothing(server: Server, load: Load):
    server.answers = [pieces([delta(None, "stop"), DONE])]
    assert text(one(load())) == ""


def test_a_server_that_does_not_stream_is_understood(server: Server, load: Load, heard: Heard):
    message = {"role": "assistant", "content": "A hot drink"}
    choices = [{"message": message, "finish_reason": "stop"}]
    server.answers = [whole({"choices": choices, "usage": {"completion_tokens": 4}})]
    outcome = one(load(), heard=heard)
    assert text(outcome) == "A hot drink"
    assert heard.texts() == ["A hot drink"]
    assert isinstance(outcome, Result)
    assert outcome.measured.tokens == 4

    server.answers = [whole({"status": "ok"})]
    assert failure(one(load())).permanent


def test_no_more_requests_at_once_than_allowed(server: Server, load: Load, heard: Heard):
    three = threading.Barrier(3)

    def together(handler: Handler, asked: Asked) -> None:
        with handler.owner.counted():
            three.wait(PATIENCE)  # breaks unless three are asked at the same time
        said(asked.body["messages"][0]["content"])(handler, asked)

    server.answers = [together]
    loaded = load(concurrency=3)
    outcomes = loaded.generate([Request(prompt=f"p{number}", seed=number) for number in range(9)], heard)

    assert [text(outcome) for outcome in outcomes] == [f"p{number}" for number in range(9)]
    assert (server.busiest, loaded.batch_size) == (3, 3)
    assert sorted(heard.deltas) == [(number, f"p{number}") for number in range(9)]
    assert heard.outcomes == dict(enumerate(outcomes))


def test_the_limit_holds_for_all_batches_of_a_contestant(server: Server, load: Load):
    def slow(handler: Handler, asked: Asked) -> None:
        with handler.owner.counted():
            handler.owner.stopping.wait(0.01)
        said("yes")(handler, asked)

    server.answers = [slow]
    loaded = load(concurrency=2)
    asks = [ASK] * 6
    batches = [threading.Thread(target=loaded.generate, args=(asks,)) for _ in range(3)]
    for batch in batches:
        batch.start()
    for batch in batches:
        batch.join(PATIENCE)
    assert len(server.asked) == 18
    assert 1 <= server.busiest <= 2


def test_one_failure_leaves_the_others_alone(server: Server, load: Load):
    def picky(handler: Handler, asked: Asked) -> None:
        prompt = asked.body["messages"][0]["content"]
        answer = whole({"error": {"message": "too long"}}, 400) if prompt == "bad" else said(prompt)
        answer(handler, asked)

    server.answers = [picky]
    outcomes, _ = run(load(), [Request(prompt=prompt, seed=1) for prompt in ("a", "bad", "c")])
    assert (text(outcomes[0]), text(outcomes[2])) == ("a", "c")
    assert "too long" in failure(outcomes[1]).message
    assert load().generate([]) == []


def test_a_watch_is_told_in_the_thread_of_the_caller_and_may_end_the_batch(server: Server, load: Load):
    class Stop(Heard):
        def delta(self, index: int, text: str) -> None:
            super().delta(index, threading.current_thread().name)
            raise KeyboardInterrupt

    server.answers = [pieces([delta("A")], then="hang")]
    stop = Stop()
    with pytest.raises(KeyboardInterrupt):
        load(concurrency=1).generate([ASK] * 5, stop)
    assert stop.texts() == [threading.current_thread().name]
    server.stopping.set()
    assert len(server.asked) == 1
