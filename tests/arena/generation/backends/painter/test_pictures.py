"""The pictures themselves: reproducible, answering, different, clean."""

from __future__ import annotations

import io
import struct
import subprocess
import sys
from itertools import combinations

import numpy as np
import pytest
import torch
from PIL import Image

from arena.demo.catalogue import DEMO_CONTESTANTS
from arena.generation.backends.painter.dice import generator
from arena.generation.backends.painter.network import Network
from arena.generation.backends.painter.picture import paint
from arena.generation.backends.painter.settings import (
    ACTIVATIONS,
    MARKS,
    PALETTES,
    SURFACES,
    SYMMETRIES,
    WARPS,
    PainterSettings,
)
from arena.generation.backends.protocol import GenerationError, Media, Request

from .conftest import PROMPTS, content, difference, load, pixels

SETTINGS = {contestant.slug: contestant.settings for contestant in DEMO_CONTESTANTS}
SLUGS = sorted(SETTINGS)


def _chunks(encoded: bytes) -> list[str]:
    """The names of a WebP file's RIFF chunks."""
    assert encoded[:4] == b"RIFF"
    assert encoded[8:12] == b"WEBP"
    names, at = [], 12
    while at < len(encoded):
        name, size = struct.unpack_from("<4sI", encoded, at)
        names.append(name.decode())
        at += 8 + size + size % 2
    return names


@pytest.mark.parametrize("slug", SLUGS)
def test_a_picture_is_512_square_webp_of_modest_size_without_metadata(gallery, slug):
    for result in gallery[slug].values():
        assert (result.width, result.height) == (512, 512)
        assert result.media.media_type == "image/webp"
        assert len(result.media.content) <= 150_000
        assert _chunks(result.media.content) == ["VP8 "]
        image = Image.open(io.BytesIO(result.media.content))
        assert image.format == "WEBP"
        assert image.size == (512, 512)
        assert image.mode == "RGB"


def test_a_result_says_where_and_with_what_it_was_made(gallery):
    result = gallery[SLUGS[0]][PROMPTS[0]]
    assert result.device == "cpu"
    assert result.library_versions["torch"] == str(torch.__version__)
    assert set(result.library_versions) == {"torch", "pillow", "libwebp"}
    assert result.measured.latency_ms > 0
    assert result.measured.gpu_seconds is None
    assert result.measured.peak_memory_bytes is None
    assert result.measured.tokens is None


@pytest.mark.parametrize("slug", SLUGS)
def test_no_picture_is_flat(gallery, slug):
    for result in gallery[slug].values():
        grey = pixels(result.media.content).mean(2)
        share = np.bincount(grey.astype(int).ravel(), minlength=256) / grey.size
        entropy = -(share[share > 0] * np.log2(share[share > 0])).sum()
        assert grey.std() > 25
        assert entropy > 4
        quarters = [grey[i : i + 256, j : j + 256].std() for i in (0, 256) for j in (0, 256)]
        assert min(quarters) > 4


@pytest.mark.parametrize("slug", SLUGS)
def test_the_same_request_gives_the_same_bytes(gallery, slug):
    again = content(load(SETTINGS[slug]), PROMPTS[0])
    assert again == gallery[slug][PROMPTS[0]].media.content


def test_another_process_paints_the_same_bytes(gallery):
    code = (
        "import hashlib, sys\n"
        "from arena.demo.catalogue import DEMO_CONTESTANTS\n"
        "from arena.generation.backends.protocol import Request\n"
        "from arena.generation.backends.registry import get_backend\n"
        "painter = get_backend('painter')\n"
        "settings = painter.validate(DEMO_CONTESTANTS[0].settings)\n"
        "[result] = painter.load(settings, 'cpu').generate([Request(sys.argv[1], 1)])\n"
        "sys.stdout.buffer.write(result.media.content)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, PROMPTS[0]], capture_output=True, check=True, timeout=120)
    assert done.stdout == gallery[DEMO_CONTESTANTS[0].slug][PROMPTS[0]].media.content


@pytest.mark.parametrize("slug", SLUGS)
def test_the_prompt_changes_the_picture(gallery, slug):
    for one, other in combinations(gallery[slug].values(), 2):
        assert difference(one.media.content, other.media.content) > 12


@pytest.mark.parametrize("slug", SLUGS)
def test_the_seed_changes_the_picture(gallery, slug):
    other = content(load(SETTINGS[slug]), PROMPTS[0], seed=2)
    assert difference(gallery[slug][PROMPTS[0]].media.content, other) > 8


@pytest.mark.parametrize("prompt", PROMPTS)
def test_painters_differ_from_each_other(gallery, prompt):
    for one, other in combinations(SLUGS, 2):
        pair = (gallery[slug][prompt].media.content for slug in (one, other))
        assert difference(*pair) > 15, f"{one} and {other} paint {prompt!r} alike"


def test_a_prompts_colour_is_in_the_picture():
    painter = load(SETTINGS["scissor-hill"])
    red = pixels(content(painter, "a red hill")).mean((0, 1))
    blue = pixels(content(painter, "a blue hill")).mean((0, 1))
    assert red[0] - red[2] > 20
    assert blue[2] - blue[0] > 20


def test_night_is_darker_than_snow():
    painter = load(SETTINGS["field-day"])
    assert pixels(content(painter, "hills at night")).mean() + 25 < pixels(content(painter, "hills in snow")).mean()


@pytest.mark.parametrize("slug", ["rose-window", "casa-azul"])
def test_a_symmetry_is_kept(slug):
    network = Network(PainterSettings.from_dict({**SETTINGS[slug], "grain": 0, "surface": "flat"})).eval()
    with torch.inference_mode():
        [image] = paint(network.settings, network, ["Fire"], [generator(slug)])
    image = image.float()
    apart = (image - image.flip(1)).abs().amax(2)
    # a pixel on an edge may round to the other side of it
    assert (apart > 24).float().mean() < 0.01


@pytest.mark.parametrize(
    "slug",
    ["scissor-hill", "rose-window", "leadlight", "slow-silk", "field-day", "deep-field", "wet-brush", "marblers"],
)
def test_a_picture_does_not_depend_on_its_batch(slug):
    """Drawn two at once, as on a GPU: the same bits, since matrix products are made per picture."""
    network = Network(PainterSettings.from_dict(SETTINGS[slug])).eval()
    with torch.inference_mode():
        together = paint(network.settings, network, PROMPTS, [generator(text) for text in PROMPTS])
        [alone] = paint(network.settings, network, PROMPTS[1:], [generator(PROMPTS[1])])
    assert torch.equal(together[1], alone)


@pytest.mark.parametrize("slug", ["leadlight", "slow-silk", "field-day", "deep-field", "two-drum-press"])
def test_a_picture_does_not_depend_on_the_number_of_threads(slug):
    network = Network(PainterSettings.from_dict(SETTINGS[slug])).eval()
    before, painted = torch.get_num_threads(), []
    try:
        for threads in (1, 2, 3):
            torch.set_num_threads(threads)
            with torch.inference_mode():
                painted.append(paint(network.settings, network, PROMPTS[:1], [generator(slug)]))
    finally:
        torch.set_num_threads(before)
    assert torch.equal(painted[0], painted[1])
    assert torch.equal(painted[0], painted[2])


def test_results_come_in_the_order_of_the_requests(gallery):
    slug = SLUGS[0]
    results = load(SETTINGS[slug]).generate([Request(text, 1) for text in reversed(PROMPTS)])
    expected = [gallery[slug][text].media.content for text in reversed(PROMPTS)]
    assert [result.media.content for result in results] == expected
    assert load(SETTINGS[slug]).generate([]) == []


@pytest.mark.parametrize(
    ("key", "value"),
    [("activations", [name]) for name in ACTIVATIONS]
    + [("symmetry", name) for name in SYMMETRIES if name != "none"]
    + [("warps", [{"kind": name}]) for name in WARPS]
    + [("surface", name) for name in SURFACES if name != "ramp"]
    + [("palette", name) for name in PALETTES if name != "cosine"]
    + [("marks", [{"kind": name}]) for name in MARKS]
    + [("glow", 0.8), ("relief", 0.8), ("margin", 0.1), ("cycles", 3), ("accents", 0.0), ("grain", 0.9)],
)
def test_every_setting_is_heeded(key, value, plain):
    painted = content(load({"hand": 5, key: value}), PROMPTS[1])
    assert difference(painted, plain) > 0.3


@pytest.fixture(scope="module")
def plain():
    return content(load({"hand": 5}), PROMPTS[1])


def test_any_text_is_painted():
    painter = load({"hand": 5})
    for text in ("", "🎈🎈", "a" * 20_000, "\x00\n", "sea " * 200):
        assert pixels(content(painter, text)).std() > 20


def test_source_media_is_refused():
    with pytest.raises(GenerationError, match="takes no source media") as caught:
        load({"hand": 5}).generate([Request("a hill", 1, media=Media(b"x", "image/png"))])
    assert caught.value.permanent


@pytest.mark.parametrize("device", ["bakelite", "cuda:99"])
def test_a_missing_device_is_a_clear_error(device):
    from arena.generation.backends.registry import get_backend

    backend = get_backend("painter")
    with pytest.raises(GenerationError, match=f"cannot use device '{device}'"):
        backend.load(backend.validate({"hand": 5}), device)


@pytest.mark.gpu
def test_the_gpu_paints_what_the_cpu_paints():
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    from arena.generation.backends.registry import get_backend

    backend = get_backend("painter")
    for settings in SETTINGS.values():
        painter = backend.load(backend.validate(settings), "cuda")
        requests = [Request(text, 1) for text in PROMPTS]
        results = painter.generate(requests)
        assert [each.media.content for each in results] == [each.media.content for each in painter.generate(requests)]
        assert results[0].media.content == painter.generate(requests[:1])[0].media.content
        assert results[0].measured.gpu_seconds is not None
        for text, result in zip(PROMPTS, results, strict=True):
            assert difference(result.media.content, content(load(settings), text)) < 6
