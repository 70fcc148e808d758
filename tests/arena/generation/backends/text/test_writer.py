"""Whole texts: reproducible, drawn as the model says, ended where they should, told as they grow."""

from __future__ import annotations

import functools
import threading
from collections import Counter
from dataclasses import replace

import pytest
import torch
from scipy import stats
from transformers import AutoModelForCausalLM, AutoTokenizer

from arena.generation.backends import batching
from arena.generation.backends.protocol import GenerationError, OutOfMemory, Request, Result
from tests.arena.generation.backends.text import toys

BATCHING = pytest.mark.parametrize("how", ["static", "continuous"])


def _texts(outcomes):
    assert all(isinstance(outcome, Result) for outcome in outcomes), outcomes
    return [outcome.text for outcome in outcomes]


@BATCHING
def test_the_same_batch_gives_the_same_texts_and_another_seed_another(open_model, chatty, requests, how):
    model = open_model(chatty, batching=how, max_new_tokens=20)
    texts = _texts(model.generate(requests))
    assert _texts(model.generate(requests)) == texts
    others = [replace(request, seed=request.seed + 100) for request in requests]
    assert not set(_texts(model.generate(others))) & set(texts)


@pytest.mark.parametrize(("how", "folder"), [("static", "words"), ("static", "chatty"), ("continuous", "chatty")])
def test_a_text_does_not_depend_on_its_place_nor_on_its_company(open_model, request, requests, how, folder):
    """Exactly so here, in float32: the last digits differ by batch, and no two tokens are that close."""
    model = open_model(request.getfixturevalue(folder), batching=how, max_new_tokens=20)
    together = _texts(model.generate(requests))
    assert _texts(model.generate(requests[::-1])) == together[::-1]
    assert _texts(model.generate(requests[2:3])) == together[2:3]


@pytest.mark.parametrize("sampling", [{}, {"temperature": 0}, {"temperature": 0.7, "top_k": 20, "top_p": 0.9}])
def test_both_ways_of_batching_write_the_same(open_model, chatty, requests, sampling):
    static = open_model(chatty, batching="static", max_new_tokens=15, **sampling)
    continuous = open_model(chatty, batching="continuous", max_new_tokens=15, **sampling)
    assert not static.is_continuous
    assert continuous.is_continuous
    assert _texts(static.generate(requests)) == _texts(continuous.generate(requests))


@pytest.mark.parametrize("penalty", [1.0, 1.3])
def test_temperature_zero_writes_what_transformers_alone_would_write(open_model, words, requests, penalty):
    ours = open_model(words, temperature=0, max_new_tokens=25, repetition_penalty=penalty).generate(requests)
    tokenizer, model = AutoTokenizer.from_pretrained(words), AutoModelForCausalLM.from_pretrained(words)
    for request, outcome in zip(requests, ours, strict=True):
        asked = tokenizer(request.prompt, return_tensors="pt")
        written = model.generate(**asked, do_sample=False, max_new_tokens=25, repetition_penalty=penalty)
        assert outcome.text == tokenizer.decode(written[0, asked["input_ids"].shape[1] :], skip_special_tokens=True)


def test_tokens_are_drawn_as_likely_as_the_model_says(open_model, words):
    temperature = 1.5
    model = open_model(words, max_new_tokens=1, temperature=temperature, batch_size=1024)
    drawn = Counter(_texts(model.generate([Request("the dog sat on", seed) for seed in range(3000)])))
    with torch.no_grad():
        asked = AutoTokenizer.from_pretrained(words)("the dog sat on", return_tensors="pt")
        scores = AutoModelForCausalLM.from_pretrained(words)(**asked).logits[0, -1]
    likely = (scores / temperature).softmax(dim=0).double().numpy()
    counted = [drawn[word] for word in ["", *toys.WORDS]]
    common = likely * 3000 > 5
    assert common.sum() > 5
    observed = [count for count, counts in zip(counted, common, strict=True) if counts] + [
        sum(count for count, counts in zip(counted, common, strict=True) if not counts)
    ]
    expected = [*(likely[common] * 3000), likely[~common].sum() * 3000]
    keep = [index for index, share in enumerate(expected) if share > 0]
    assert stats.chisquare([observed[i] for i in keep], [expected[i] for i in keep], sum_check=False).pvalue > 0.01


def test_filters_leave_out_unlikely_tokens(open_model, words):
    requests = [Request("the dog sat on", seed) for seed in range(300)]
    first = {
        name: set(_texts(open_model(words, max_new_tokens=1, batch_size=300, **settings).generate(requests)))
        for name, settings in {
            "all": {},
            "three": {"top_k": 3},
            "one": {"top_k": 1},
            "nucleus": {"top_p": 0.01},
            "share": {"min_p": 0.99},
            "likeliest": {"temperature": 0},
        }.items()
    }
    assert len(first["all"]) > 5
    assert len(first["three"]) == 3
    assert first["one"] == first["nucleus"] == first["share"] == first["likeliest"]


@BATCHING
def test_deltas_make_up_the_text_and_never_hold_half_a_character(open_model, tmp_path, listener, how):
    folder = toys.reciter(tmp_path, "a 😀 cat é 猫 end")
    model = open_model(folder, batching=how, temperature=0, max_new_tokens=60)
    (result,) = model.generate([Request("x", 1)], listener)
    assert result.text == "a 😀 cat é 猫 end"
    deltas = listener.deltas(0)
    assert "".join(deltas) == result.text
    assert len(deltas) > 5
    assert not any("\ufffd" in delta for delta in deltas)
    assert listener.heard[-1] == ("done", 0, result)


@BATCHING
def test_a_stop_text_ends_a_text_wherever_tokens_begin(open_model, tmp_path, listener, how):
    folder = toys.reciter(tmp_path, "the cat sat on the mat")
    model = open_model(folder, batching=how, temperature=0, max_new_tokens=60, stop=["never", "t on th"])
    long, short = model.generate([Request("x", 1), Request("xy", 2)], listener)
    assert long.text == "the cat sa"
    assert short.text
    assert long.text.endswith(short.text)
    assert "".join(listener.deltas(0)) == long.text
    assert "".join(listener.deltas(1)) == short.text


@BATCHING
def test_whoever_ends_early_is_told_early(open_model, tmp_path, listener, how):
    folder = toys.reciter(tmp_path, "one two three four five six")
    model = open_model(folder, batching=how, temperature=0, max_new_tokens=60)
    long, short = model.generate([Request("x", 1), Request("xyzxyzxyz", 1)], listener)
    assert long.text.endswith(short.text)
    assert short.measured.tokens < long.measured.tokens
    place = listener.heard.index(("done", 1, short))
    assert any(kind == "delta" and index == 0 for kind, index, _ in listener.heard[place:])


@BATCHING
def test_watchers_hear_in_the_thread_that_asked(open_model, chatty, requests, listener, how):
    threads = set()
    listener.delta = lambda index, text: threads.add(threading.get_ident())
    open_model(chatty, batching=how, max_new_tokens=5).generate(requests, listener)
    assert threads == {threading.get_ident()}


def test_rows_that_have_ended_are_dropped(open_model, tmp_path, monkeypatch):
    model = open_model(toys.reciter(tmp_path, "one two three four five"), temperature=0, max_new_tokens=60)
    rows = []
    forward = model.model.forward

    @functools.wraps(forward)  # transformers reads from the signature what the model takes
    def counted(**inputs):
        rows.append(len(inputs["input_ids"]))
        return forward(**inputs)

    monkeypatch.setattr(model.model, "forward", counted)
    texts = _texts(model.generate([Request("x" * length, 1) for length in (1, 4, 7, 10)]))
    assert rows == sorted(rows, reverse=True)
    assert set(rows) == {1, 2, 3, 4}
    assert all(texts[0].endswith(text) for text in texts)


def test_what_the_model_was_told_to_stop_with_counts_as_a_token(open_model, tmp_path):
    folder = toys.reciter(tmp_path, "the cat")
    (result,) = open_model(folder, temperature=0).generate([Request("x", 1)])
    assert result.text == "the cat"
    assert result.measured.tokens == len(AutoTokenizer.from_pretrained(folder)("the cat")["input_ids"]) + 1


def test_a_result_says_what_it_cost_and_came_from(open_model, words, requests):
    model = open_model(words, max_new_tokens=4)
    result = model.generate(requests)[0]
    assert 1 <= result.measured.tokens <= 4
    assert result.measured.latency_ms > 0
    assert result.measured.gpu_seconds is None
    assert result.device == "cpu"
    assert {"torch", "transformers", "tokenizers"} <= set(result.library_versions)
    assert model.memory_bytes >= sum(weights.nbytes for weights in model.model.parameters())
    assert open_model(words, batch_size=7).batch_size == 7


def test_what_the_model_cannot_read_fails_alone(open_model, words, listener):
    model = open_model(words, temperature=0, max_new_tokens=10)
    outcomes = model.generate(
        [
            Request("the cat", 1),
            Request("the " * 128, 1),
            Request("", 1),
            Request("the cat", 1, toys.picture("red")),
            Request("the " * 125, 1),
        ],
        listener,
    )
    too_long, empty, picture = outcomes[1:4]
    for outcome, message in (
        (too_long, "the prompt has 128 tokens, and the model reads at most 128"),
        (empty, "the prompt is empty"),
        (picture, "reads text only and takes no image/png"),
    ):
        assert isinstance(outcome, GenerationError)
        assert outcome.permanent
        assert message in outcome.message
    assert outcomes[0].measured.tokens <= 10
    assert outcomes[4].measured.tokens <= 3  # what the context has room for
    assert {index for kind, index, _ in listener.heard if kind == "done"} == {0, 1, 2, 3, 4}


def test_a_chat_model_is_asked_through_its_template(open_model, chatty):
    model = open_model(chatty, system_prompt="be brief", chat_options={"shout": True})
    asked = model.asking.ask(Request("the cat", 1))
    assert model.asking.decode(asked.ids) == "<system>be brief<user>the cat!<assistant>"
    plain = open_model(chatty, system_prompt="be brief", chat="off").asking.ask(Request("the cat", 1))
    assert model.asking.decode(plain.ids) == "be brief\n\nthe cat"


def test_a_template_that_refuses_says_so(open_model, tmp_path):
    folder = toys.llama(tmp_path, toys.bytes_tokenizer(toys.NO_SYSTEM))
    (outcome,) = open_model(folder, system_prompt="be brief").generate([Request("the cat", 1)])
    assert isinstance(outcome, GenerationError)
    assert outcome.permanent
    assert "no system role" in outcome.message


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
        RuntimeError("[enforce fail at alloc_cpu.cpp:118] DefaultCPUAllocator: can't allocate memory"),
    ],
)
def test_too_little_memory_halves_the_batch(open_model, chatty, requests, monkeypatch, error):
    model = open_model(chatty, max_new_tokens=8)
    expected = _texts(model.generate(requests))
    forward = model.model.forward

    @functools.wraps(forward)
    def narrow(**inputs):
        if len(inputs["input_ids"]) > 2:
            raise error
        return forward(**inputs)

    monkeypatch.setattr(model.model, "forward", narrow)
    with pytest.raises(OutOfMemory, match="too little free memory for 5 texts"):
        model.generate(requests)
    outcomes, size = batching.run(model, requests)
    assert _texts(outcomes) == expected
    assert size == 1


def test_too_little_memory_is_noticed_in_continuous_batches_too(open_model, chatty, requests, monkeypatch):
    model = open_model(chatty, max_new_tokens=8, batching="continuous")
    attention = model.model.config._attn_implementation

    def full(**inputs):
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(model.model, "forward", full)
    with pytest.raises(OutOfMemory):
        model.generate(requests)
    assert model.model.config._attn_implementation == attention


def test_another_error_of_torch_is_not_taken_for_one_of_memory(open_model, chatty, requests, monkeypatch):
    model = open_model(chatty)

    def broken(**inputs):
        raise RuntimeError("shapes do not match")

    monkeypatch.setattr(model.model, "forward", broken)
    with pytest.raises(RuntimeError, match="shapes"):
        model.generate(requests)
