"""Toy models speak and make music: reproducibly, in batches, and failing one by one."""

from __future__ import annotations

import io
import json
import shutil
import sys
import wave
from pathlib import Path

import numpy as np
import pytest
import torch

from arena.generation.backends.audio.backend import TRANSFORMERS_AUDIO
from arena.generation.backends.batching import run
from arena.generation.backends.protocol import GenerationError, Media, MissingLibrary, Request, Result, Watch

HELLO, BYE, CALM, LOUD = (
    Request("hello there", 7),
    Request("good bye my friend", 2**62 + 1),
    Request("calm drums", 7),
    Request("loud", 8),
)


def load(folder: Path, **settings: object):
    return TRANSFORMERS_AUDIO.load(TRANSFORMERS_AUDIO.validate({"model": str(folder)} | settings), "cpu")


def heard(outcome: object) -> tuple[int, np.ndarray]:
    """The rate, and samples of shape (samples, channels)."""
    assert isinstance(outcome, Result)
    assert outcome.media.media_type == "audio/wav"
    with wave.open(io.BytesIO(outcome.media.content)) as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, file.getnchannels())
        return file.getframerate(), samples


def test_speech_has_the_models_rate_and_a_length_of_its_own(speech):
    loaded = load(speech)
    results = loaded.generate([HELLO, BYE])
    (rate, hello), (_, bye) = map(heard, results)
    assert rate == 16_000
    assert 0 < len(hello) < len(bye)
    assert np.abs(hello).max() > 0
    for result in results:
        assert (result.width, result.height, result.text, result.device) == (None, None, None, "cpu")
        assert {"torch", "transformers"} <= set(result.library_versions)
        assert result.measured.latency_ms > 0
    assert loaded.memory_bytes > 1000


def test_speech_depends_on_words_and_seed_and_not_on_its_company(speech):
    loaded = load(speech, batch_size=4)
    hello, bye, other = (result.media for result in loaded.generate([HELLO, BYE, Request("hello there", 8)]))
    assert [result.media for result in loaded.generate([BYE, HELLO])] == [bye, hello]
    assert load(speech).generate([HELLO])[0].media == hello
    assert other != hello


def test_music_is_made_in_batches_that_give_the_same_bytes(music, monkeypatch):
    loaded = load(music, batch_size=2, max_seconds=0.5)
    sizes = []
    generate = loaded.model.generate
    monkeypatch.setattr(
        loaded.model,
        "generate",
        lambda *args, **given: sizes.append(len(given["input_ids"])) or generate(*args, **given),
    )
    calm, loud, _ = (result.media for result in loaded.generate([CALM, LOUD, CALM]))
    assert sizes == [2, 1]
    assert calm != loud
    assert [result.media for result in loaded.generate([CALM, LOUD])] == [calm, loud]
    assert [result.media for result in load(music, batch_size=2, max_seconds=0.5).generate([LOUD, CALM])] == [
        loud,
        calm,
    ]


def test_a_model_of_several_stages_draws_all_its_noise_from_the_seeds(tmp_path):
    from tests.arena.generation.backends.audio import toys

    loaded = load(toys.stages(tmp_path / "stages"), batch_size=2)
    requests = [Request("hello there", 3), Request("dog", 4)]
    hello, dog = (result.media for result in loaded.generate(requests))
    assert heard(loaded.generate(requests)[0])[0] == 24_000
    assert hello != dog
    assert [result.media for result in loaded.generate(requests[::-1])] == [dog, hello]


def test_another_seed_or_prompt_is_another_music(music):
    loaded = load(music, batch_size=3, max_seconds=0.5)
    one, seeded, worded = loaded.generate([CALM, Request(CALM.prompt, 9), Request("loud flute", CALM.seed)])
    assert len({one.media, seeded.media, worded.media}) == 3


def test_music_ends_after_max_seconds(music):
    for seconds in (0.3, 0.8):
        rate, samples = heard(load(music, max_seconds=seconds).generate([CALM])[0])
        assert rate == 1600
        assert seconds - 0.05 <= len(samples) / rate <= seconds


def test_speech_that_goes_on_for_longer_is_ended(speech):
    rate, samples = heard(load(speech, max_seconds=0.02).generate([BYE])[0])
    assert len(samples) == 0.02 * rate


@pytest.mark.parametrize("given", [{"speaker": 1}, {"arguments": {"speaking_rate": 0.5}}])
def test_a_setting_reaches_a_model_that_speaks(speech, given):
    assert load(speech, **given).generate([HELLO])[0].media != load(speech).generate([HELLO])[0].media


@pytest.mark.parametrize("given", [{"guidance_scale": 1.0}, {"do_sample": False}, {"temperature": 0.1}])
def test_a_setting_reaches_a_model_that_writes(music, given):
    plain, set_so = (load(music, max_seconds=0.5, arguments=each).generate([CALM])[0] for each in ({}, given))
    assert plain.media != set_so.media


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"speaker": 3}, "has 3 voices, counted from 0"),
        ({"arguments": {"temperature": 1.0}}, "does not take temperature"),
    ],
)
def test_settings_that_the_model_would_not_notice_are_refused(speech, given, reason):
    with pytest.raises(GenerationError, match=reason) as refused:
        load(speech, **given)
    assert refused.value.permanent


def test_a_model_of_one_voice_takes_no_speaker(music):
    with pytest.raises(GenerationError, match="does not take speaker_id"):
        load(music, speaker=0)


def test_arguments_that_generation_does_not_know_are_refused_with_the_first_batch(music):
    with pytest.raises(GenerationError, match="no_such_thing") as refused:
        load(music, arguments={"no_such_thing": 1}).generate([CALM])
    assert refused.value.permanent


def test_what_cannot_be_said_and_what_is_no_text_fail_alone(speech):
    told = {}

    class Seen(Watch):
        def done(self, index, outcome):
            told[index] = outcome

    requests = [HELLO, Request("123", 1), Request("hello", 1, Media(b"x", "image/png")), BYE]
    outcomes = load(speech).generate(requests, Seen())
    assert [type(outcome) for outcome in outcomes] == [Result, GenerationError, GenerationError, Result]
    assert "nothing of the prompt can be said" in outcomes[1].message
    assert "no source media" in outcomes[2].message
    assert all(outcome.permanent for outcome in outcomes[1:3])
    assert told == dict(enumerate(outcomes))


def test_samples_that_are_no_numbers_fail_with_advice(speech):
    loaded = load(speech)
    with torch.no_grad():
        loaded.model.decoder.conv_post.weight.fill_(float("nan"))
    (outcome,) = loaded.generate([HELLO])
    assert "dtype float32" in outcome.message


MEMORY = [
    torch.OutOfMemoryError("CUDA out of memory"),
    RuntimeError("[enforce fail at alloc_cpu.cpp:118] DefaultCPUAllocator: can't allocate memory"),
    MemoryError(),
]


@pytest.mark.parametrize("error", MEMORY, ids=lambda error: type(error).__name__)
def test_too_little_memory_halves_the_batch(music, monkeypatch, error):
    loaded = load(music, batch_size=4, max_seconds=0.3)
    generate = loaded.model.generate

    def scarce(*args, **given):
        if len(given["input_ids"]) > 1:
            raise error
        return generate(*args, **given)

    monkeypatch.setattr(loaded.model, "generate", scarce)
    outcomes, largest = run(loaded, [CALM, LOUD, CALM])
    assert [type(outcome) for outcome in outcomes] == [Result] * 3
    assert largest == 1


def copied(folder: Path, copy: Path, **config: object) -> Path:
    shutil.copytree(folder, copy)
    file = copy / "config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | config))
    return copy


@pytest.mark.parametrize("kind", ["gpt2", "speecht5", None])
def test_a_model_that_makes_no_sound_by_itself_is_refused(speech, tmp_path, kind):
    with pytest.raises(GenerationError, match=r"makes no sound of text by itself; these do: .*vits") as refused:
        load(copied(speech, tmp_path / "copy", model_type=kind))
    assert refused.value.permanent


def test_program_code_beside_the_weights_is_never_run(speech, tmp_path):
    named = {"AutoConfig": "mine.MyConfig", "AutoModelForTextToWaveform": "mine.MyModel"}
    folder = copied(speech, tmp_path / "copy", auto_map=named)
    (folder / "mine.py").write_text("raise SystemExit('this ran')")
    assert isinstance(load(folder).generate([HELLO])[0], Result)


def test_weights_that_could_hold_programs_are_not_read(speech, tmp_path):
    from safetensors.torch import load_file

    folder = copied(speech, tmp_path / "copy")
    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    with pytest.raises(GenerationError, match="cannot be loaded") as refused:
        load(folder)
    assert refused.value.permanent


def test_a_folder_without_a_model_is_refused(tmp_path):
    with pytest.raises(GenerationError, match=r"has no config\.json"):
        load(tmp_path)


def test_a_missing_library_is_named_with_what_installs_it(speech, monkeypatch):
    for module in ("loading", "speaking", "dice"):
        monkeypatch.delitem(sys.modules, f"arena.generation.backends.audio.{module}", raising=False)
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(MissingLibrary, match="pip install"):
        load(speech)
