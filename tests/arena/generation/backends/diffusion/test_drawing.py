"""Toy diffusion models draw pictures, edits and videos: reproducibly, in batches, and failing one by one."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from types import SimpleNamespace

import av
import numpy as np
import pytest
import torch
from diffusers import DiffusionPipeline
from PIL import Image

from arena.generation.backends.batching import run
from arena.generation.backends.diffusion import film
from arena.generation.backends.diffusion.backend import DIFFUSERS
from arena.generation.backends.protocol import (
    GenerationError,
    Media,
    MissingLibrary,
    OutOfMemory,
    Request,
    Result,
    Watch,
)
from arena.generation.media import clean_media

FOX, HEN, OWL = Request("a fox", 7), Request("a hen", 2**62 + 1), Request("an owl", 9)


def load(folder: Path, **settings: object):
    return DIFFUSERS.load(DIFFUSERS.validate({"model": str(folder), "steps": 2} | settings), "cpu")


def pixels(result: object) -> np.ndarray:
    assert isinstance(result, Result)
    return np.asarray(Image.open(io.BytesIO(result.media.content)).convert("RGB"), int)


def source(size: tuple[int, int] = (64, 64), seed: int = 0, kind: str = "PNG", mode: str = "RGB") -> Media:
    noise = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], len(mode)), np.uint8)
    file = io.BytesIO()
    Image.fromarray(noise, mode).save(file, kind)
    return Media(file.getvalue(), f"image/{kind.lower()}")


def test_pictures_come_in_order_with_their_size_and_cost(toy):
    loaded = load(toy["text-to-image"], batch_size=4, width=64, height=96)
    results = loaded.generate([FOX, HEN])

    for result in results:
        assert (result.media.media_type, result.width, result.height) == ("image/webp", 64, 96)
        assert pixels(result).shape == (96, 64, 3)
        assert result.measured.latency_ms > 0
        assert (result.measured.gpu_seconds, result.measured.tokens, result.device) == (None, None, "cpu")
        assert {"torch", "diffusers", "transformers", "libwebp"} <= set(result.library_versions)
    assert loaded.memory_bytes > 100_000
    assert loaded.batch_size == 4


def test_the_same_batch_gives_the_same_bytes_even_loaded_anew(toy):
    first = load(toy["text-to-image"], batch_size=2)
    contents = [result.media.content for result in first.generate([FOX, HEN])]
    assert [result.media.content for result in first.generate([FOX, HEN])] == contents
    assert [
        result.media.content for result in load(toy["text-to-image"], batch_size=2).generate([FOX, HEN])
    ] == contents


def test_seed_and_prompt_make_the_picture_and_not_the_place_in_the_batch(toy):
    loaded = load(toy["text-to-image"], batch_size=3)
    fox, hen, other = map(pixels, loaded.generate([FOX, HEN, Request("a fox", 8)]))
    hen_again, fox_again, worded = map(pixels, loaded.generate([HEN, FOX, Request("zzz", 7)]))

    assert np.abs(fox - fox_again).max() <= 1
    assert np.abs(hen - hen_again).max() <= 1
    assert np.abs(fox - other).mean() > 5
    assert np.abs(fox - worded).max() > 0


@pytest.mark.parametrize(
    ("given", "changes"),
    [
        ({"scheduler": "EulerDiscreteScheduler"}, True),
        ({"steps": 3}, True),
        ({"guidance": 1.0}, True),
        ({"negative_prompt": "blur"}, True),
        ({"arguments": {"eta": 1.0}}, True),
        ({"dtype": "bfloat16"}, True),
        ({"dtype": "float32"}, False),
        ({"scheduler": "DDIMScheduler"}, False),
        ({"cpu_offload": True}, False),
    ],
)
def test_a_setting_reaches_the_pipeline(toy, given, changes):
    plain = load(toy["text-to-image"]).generate([FOX])[0]
    set_so = load(toy["text-to-image"], **given).generate([FOX])[0]
    assert (plain.media.content != set_so.media.content) == changes


@pytest.mark.parametrize(
    "scheduler", ["EulerAncestralDiscreteScheduler", "LCMScheduler", "DDPMScheduler", "DPMSolverMultistepScheduler"]
)
def test_noise_that_a_scheduler_adds_comes_from_the_seed_too(toy, scheduler):
    options = {"algorithm_type": "sde-dpmsolver++"} if scheduler.startswith("DPM") else {}
    loaded = load(toy["text-to-image"], scheduler=scheduler, scheduler_options=options, batch_size=2)
    assert loaded.generate([FOX, HEN])[0].media == loaded.generate([FOX, HEN])[0].media


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"scheduler": "FlowMatchEulerDiscreteScheduler"}, "does not fit it; these do: .*DDIMScheduler"),
        ({"scheduler_options": {"karras": True}}, "DDIMScheduler has no option karras"),
        ({"arguments": {"strength": 0.5}}, "does not take strength; it takes prompt"),
        ({"task": "text-to-video", "fps": 8}, "makes no videos"),
    ],
)
def test_settings_that_the_model_would_never_see_are_refused(toy, given, reason):
    with pytest.raises(GenerationError, match=reason) as refused:
        load(toy["text-to-image"], **given)
    assert refused.value.permanent


def test_a_picture_model_takes_no_source_and_the_others_of_the_batch_are_drawn(toy):
    loaded = load(toy["text-to-image"], batch_size=2)
    drawn, refused = loaded.generate([FOX, Request("a hen", 3, source())])
    assert isinstance(drawn, Result)
    assert isinstance(refused, GenerationError)
    assert refused.permanent


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_an_edit_depends_on_its_source_and_its_instruction(toy, kind):
    loaded = load(toy["image-edit"], task="image-edit", batch_size=3)
    requests = [
        Request("make it red", 7, source(seed=1, kind=kind)),
        Request("make it red", 7, source(seed=2, kind=kind)),
        Request("make it xylophone", 7, source(seed=1, kind=kind)),
    ]
    red, elsewhere, other = map(pixels, loaded.generate(requests))
    assert (red != elsewhere).any()
    assert (red != other).any()
    assert (pixels(loaded.generate(requests)[0]) == red).all()


def test_edits_of_other_sizes_keep_their_order_and_their_shape(toy):
    loaded = load(toy["image-edit"], task="image-edit", batch_size=4)
    sizes = [(64, 96), (96, 64), (64, 96)]
    results = loaded.generate([Request("red", index, source(size)) for index, size in enumerate(sizes)])
    assert [(result.width, result.height) for result in results] == sizes


@pytest.mark.parametrize(
    ("sides", "given", "drawn"),
    [
        ({}, (70, 100), (64, 96)),
        ({"width": 64}, (128, 256), (64, 128)),
        ({"width": 64, "height": 64}, (128, 256), (64, 64)),
        ({"height": 72}, (200, 100), (144, 72)),
    ],
)
def test_the_size_of_an_edit_follows_from_its_source_and_the_settings(toy, sides, given, drawn):
    loaded = load(toy["image-edit"], task="image-edit", **sides)
    (result,) = loaded.generate([Request("red", 1, source(given))])
    assert (result.width, result.height) == drawn


def test_a_picture_model_can_edit_too(toy):
    loaded = load(toy["text-to-image"], task="image-edit", arguments={"strength": 0.9}, batch_size=2)
    assert type(loaded.pipeline).__name__ == "StableDiffusionImg2ImgPipeline"
    one, two = map(pixels, loaded.generate([Request("red", 7, source(seed=1)), Request("red", 7, source(seed=2))]))
    assert (one != two).any()


@pytest.mark.parametrize(
    ("media", "reason"),
    [
        (None, "needs a source picture"),
        (Media(b"broken", "image/png"), "no readable PNG picture"),
        (Media(source().content[:200], "image/png"), "no readable PNG picture"),
        (Media(source().content, "image/webp"), "no readable WEBP picture"),
        (Media(b"RIFF", "audio/wav"), "which is no picture"),
    ],
    ids=["none", "no picture", "cut short", "another type", "a sound"],
)
def test_an_edit_that_cannot_be_made_fails_alone(toy, media, reason):
    loaded = load(toy["image-edit"], task="image-edit", batch_size=2)
    refused, drawn = loaded.generate([Request("red", 1, media), Request("red", 1, source())])
    assert reason in refused.message
    assert refused.permanent
    assert isinstance(drawn, Result)


def test_a_transparent_source_is_edited_on_white(toy):
    loaded = load(toy["image-edit"], task="image-edit")
    file, paper = io.BytesIO(), io.BytesIO()
    Image.new("RGBA", (64, 64), (0, 0, 0, 0)).save(file, "PNG")
    Image.new("RGB", (64, 64), "white").save(paper, "PNG")
    clear, white = (
        loaded.generate([Request("red", 1, Media(each.getvalue(), "image/png"))])[0] for each in (file, paper)
    )
    assert clear.media == white.media


def test_videos_have_their_frames_and_their_rate(toy):
    settings = {"task": "text-to-video", "frames": 4, "fps": 8, "width": 64, "height": 64, "batch_size": 2}
    loaded = load(toy["text-to-video"], **settings)
    fox, hen = loaded.generate([FOX, HEN])

    assert (fox.media.media_type, fox.width, fox.height) == ("video/webm", 64, 64)
    with av.open(io.BytesIO(fox.media.content)) as file:
        frames = [(frame.pts, frame.to_ndarray(format="rgb24")) for frame in file.decode(video=0)]
    assert [pts for pts, _ in frames] == [0, 125, 250, 375]
    assert (frames[0][1] != frames[1][1]).any()
    assert fox.media != hen.media
    assert [result.media for result in loaded.generate([FOX, HEN])] == [fox.media, hen.media]


@pytest.mark.parametrize("short", [True, False])
def test_a_video_loses_only_what_storing_it_loses_and_equal_frames_give_equal_bytes(monkeypatch, short):
    if not short:
        monkeypatch.setattr(film, "LOSSLESS_PIXELS", 1)
    frames = np.random.default_rng(1).integers(0, 256, (5, 34, 46, 3)).astype(np.uint8)
    content = film.encode(frames, 10)
    assert content == film.encode(frames, 10)
    with av.open(io.BytesIO(content)) as file:
        assert file.duration == 500_000
        shown = np.stack([frame.to_ndarray() for frame in file.decode(video=0)]).astype(int)
    given = np.stack([film.stored_colours(frame).to_ndarray() for frame in frames])
    assert np.abs(shown - given).max() <= (0 if short else 12)


def test_podium_stores_what_the_video_shows():
    y, x = np.mgrid[:48, :64]
    frames = np.stack([np.stack([4 * x, 5 * y, 20 * index + 0 * x], -1) for index in range(8)]).astype(np.uint8)
    stored = clean_media(Media(film.encode(frames, 8), film.MEDIA_TYPE))
    assert (stored.width, stored.height, stored.seconds) == (64, 48, 1.0)
    with av.open(io.BytesIO(stored.content)) as file:
        shown = np.stack([frame.to_ndarray(format="rgb24") for frame in file.decode(video=0)])
    assert np.abs(shown.astype(int) - frames).mean() < 4


MEMORY = [
    torch.OutOfMemoryError("CUDA out of memory"),
    RuntimeError("[enforce fail at alloc_cpu.cpp:118] DefaultCPUAllocator: can't allocate memory"),
    MemoryError(),
]


@pytest.mark.parametrize("error", MEMORY, ids=lambda error: type(error).__name__)
def test_too_little_memory_halves_the_batch_and_then_fails_that_request_only(toy, monkeypatch, error):
    loaded = load(toy["text-to-image"], batch_size=8)
    forward, sizes = loaded.pipeline.unet.forward, []

    def scarce(sample, *args, **kwargs):
        sizes.append(len(sample) // 2)  # with and without the prompt
        if len(sample) // 2 > 1:
            raise error
        return forward(sample, *args, **kwargs)

    monkeypatch.setattr(loaded.pipeline.unet, "forward", scarce)
    outcomes, largest = run(loaded, [FOX, HEN, OWL])
    assert [type(outcome) for outcome in outcomes] == [Result] * 3
    assert largest == 1
    assert sizes[0] == 3

    monkeypatch.setattr(loaded.pipeline.unet, "forward", lambda *_, **__: scarce(torch.ones(9)))
    (alone,), _ = run(loaded, [FOX])
    assert "too little free memory" in alone.message
    assert alone.permanent


def test_an_output_of_no_numbers_fails_with_advice(toy):
    loaded = load(toy["text-to-image"], batch_size=2)
    with torch.no_grad():
        loaded.pipeline.vae.decoder.conv_out.bias.fill_(float("nan"))
    (outcome,) = loaded.generate([FOX])
    assert "dtype float32" in outcome.message
    assert outcome.permanent


def test_a_picture_that_the_model_withheld_is_no_output(toy):
    class Shy:
        components: dict[str, object] = {}

        def __call__(self, prompt, generator, output_type, **others):
            return SimpleNamespace(images=np.zeros((2, 8, 8, 3), np.float32), nsfw_content_detected=[True, False])

    loaded = load(toy["text-to-image"], batch_size=2)
    loaded.pipeline = Shy()
    withheld, shown = loaded.generate([FOX, HEN])
    assert "safety checker" in withheld.message
    assert isinstance(shown, Result)


def test_whoever_watches_is_told_of_each_outcome(toy):
    told = []

    class Seen(Watch):
        def done(self, index, outcome):
            told.append((index, type(outcome)))

    load(toy["text-to-image"], batch_size=1).generate([FOX, Request("x", 1, source()), HEN], Seen())
    assert sorted(told, key=lambda each: each[0]) == [(0, Result), (1, GenerationError), (2, Result)]


def changed(toy_folder: Path, copy: Path, **index: object) -> Path:
    """The toy with other words in its index."""
    import shutil

    shutil.copytree(toy_folder, copy)
    file = copy / "model_index.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | index))
    return copy


def test_a_folder_without_a_model_is_refused(tmp_path):
    with pytest.raises(GenerationError, match=r"has no model_index\.json") as refused:
        load(tmp_path)
    assert refused.value.permanent


@pytest.mark.parametrize("named", [["pipeline", "MyPipeline"], "NoSuchPipeline", "AutoencoderKL"])
def test_a_pipeline_of_program_code_is_never_run(toy, tmp_path, named):
    folder = changed(toy["text-to-image"], tmp_path / "copy", _class_name=named)
    (folder / "pipeline.py").write_text("raise SystemExit('this ran')")
    with pytest.raises(GenerationError, match="never run") as refused:
        load(folder)
    assert refused.value.permanent


def test_a_part_of_program_code_is_never_run(toy, tmp_path):
    folder = changed(toy["text-to-image"], tmp_path / "copy", unet=["my_unet", "MyUNet"])
    (folder / "unet" / "my_unet.py").write_text("raise SystemExit('this ran')")
    with pytest.raises(GenerationError, match="cannot be loaded") as refused:
        load(folder)
    assert refused.value.permanent


def test_weights_that_could_hold_programs_are_not_read(toy, tmp_path):
    folder = changed(toy["text-to-image"], tmp_path / "copy")
    (weights,) = (folder / "unet").glob("*.safetensors")
    from safetensors.torch import load_file

    torch.save(load_file(weights), folder / "unet" / "diffusion_pytorch_model.bin")
    weights.unlink()
    with pytest.raises(GenerationError, match="cannot be loaded") as refused:
        load(folder)
    assert refused.value.permanent


@pytest.mark.parametrize("error", MEMORY, ids=lambda error: type(error).__name__)
def test_weights_that_do_not_fit_let_the_worker_make_room(toy, monkeypatch, error):
    def full(*given, **settings):
        raise error

    monkeypatch.setattr(DiffusionPipeline, "to", full)
    with pytest.raises(OutOfMemory):
        load(toy["text-to-image"])


def test_an_unknown_device_is_refused(toy):
    with pytest.raises(GenerationError, match="cannot use device 'cuda:99'"):
        DIFFUSERS.load(DIFFUSERS.validate({"model": str(toy["text-to-image"])}), "cuda:99")


@pytest.mark.parametrize("library", ["diffusers", "accelerate"])
def test_a_missing_library_is_named_with_what_installs_it(toy, monkeypatch, library):
    for module in ("loading", "drawing"):
        monkeypatch.delitem(sys.modules, f"arena.generation.backends.diffusion.{module}", raising=False)
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(MissingLibrary, match=r"pip install -r requirements-diffusers\.txt") as refused:
        load(toy["text-to-image"])
    assert refused.value.permanent
