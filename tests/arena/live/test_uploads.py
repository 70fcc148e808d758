"""Pictures that come with a prompt: what is kept of them, what is refused, and at which cost."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.storage import default_storage
from PIL import Image, ImageOps

from arena.catalogue.models import Arena, ContestantRevision
from arena.live.uploads import read_upload
from arena.prompts.models import Prompt
from tests.arena.live.asker import PROMPT, Asker, picture, refused, upload
from tests.visitor import JSON

pytestmark = pytest.mark.usefixtures("committed")
Work = Callable[[], int]


def test_the_same_words_about_another_picture_are_another_prompt(edit_arena: Arena, asker: Asker) -> None:
    first = asker.ask(edit_arena, picture=upload(picture()))
    again = asker.ask(edit_arena, picture=upload(picture(), "another name.png"))
    other = asker.ask(edit_arena, picture=upload(picture(size=(24, 32))))

    assert (first.status_code, again.status_code, other.status_code) == (303, 303, 409)
    assert first.headers["Location"] == again.headers["Location"]
    assert "still being answered" in other.content.decode()
    assert asker.ask(edit_arena).status_code == 409, "nor are they without one"
    assert Prompt.objects.count() == 1


class TestAnUpload:
    def test_is_stored_without_what_a_camera_writes_beside_it(
        self, edit_arena: Arena, asker: Asker, work: Work
    ) -> None:
        exif = Image.Exif()
        exif[0x010F] = "A camera of somebody"
        sent = picture("JPEG", exif=exif)
        assert b"A camera of somebody" in sent
        response = asker.ask(edit_arena, picture=upload(sent, "a private name.jpg", "text/html"))

        assert response.status_code == 303, response.content.decode()
        prompt = Prompt.objects.get()
        assert prompt.media_type == "image/jpeg", "by its bytes, whatever the browser says"
        assert "private" not in prompt.media.name
        stored = default_storage.open(prompt.media.name).read()
        assert b"camera" not in stored
        shown = asker.client.get(f"/prompts/{prompt.public_id}/media/")
        assert (shown.content, shown.headers["Content-Type"]) == (stored, "image/jpeg")
        work()
        assert f"/prompts/{prompt.public_id}/media/" in asker.open(edit_arena).html

    def test_is_needed_where_pictures_are_edited(self, edit_arena: Arena, asker: Asker) -> None:
        refused(asker.ask(edit_arena), 422, "Choose the picture that the contestants should edit.", PROMPT)

    def test_is_refused_where_words_are_enough(self, live_arena: Arena, asker: Asker) -> None:
        refused(asker.ask(live_arena, picture=upload(picture())), 422, "takes no pictures with a prompt")

    @pytest.mark.parametrize(
        ("content", "words"),
        [
            (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "no picture of type WebP, PNG or JPEG"),
            (picture("GIF"), "no picture of type WebP, PNG or JPEG"),
            (picture()[:-30], "damaged"),
            (b"\x89PNG\r\n\x1a\n" + b"nothing", "damaged"),
            (picture(size=(4097, 8)), "4097 × 8 pixels; 4096 a side are allowed"),
        ],
        ids=["svg", "gif", "cut short", "no picture", "too wide"],
    )
    def test_is_refused_if_it_is_no_picture_to_use(
        self, edit_arena: Arena, asker: Asker, content: bytes, words: str
    ) -> None:
        refused(asker.ask(edit_arena, picture=upload(content)), 422, words, PROMPT)

    @pytest.mark.parametrize(
        ("kind", "mode"),
        [("PNG", mode) for mode in ("RGB", "RGBA", "L", "P", "1", "I;16", "LA")]
        + [("WEBP", "RGB"), ("WEBP", "RGBA"), ("JPEG", "RGB"), ("JPEG", "L"), ("JPEG", "CMYK")],
    )
    def test_keeps_the_picture_itself_and_nothing_beside_it(self, kind: str, mode: str) -> None:
        exif = Image.Exif()
        exif[0x010F], exif[0x0112] = "A camera of somebody", 6  # and lies on its side
        file = io.BytesIO()
        gradient = Image.linear_gradient("L").resize((40, 24))
        lossless = {"lossless": True} if kind == "WEBP" else {}
        gradient.convert("RGBA" if mode == "LA" else mode).convert(mode).save(file, kind, exif=exif, **lossless)

        read = read_upload(upload(file.getvalue()))
        kept, sent = Image.open(io.BytesIO(read.content)), Image.open(io.BytesIO(file.getvalue()))
        assert (read.width, read.height) == kept.size == (24, 40)
        assert kept.format == kind
        assert not kept.getexif()
        assert b"camera" not in read.content
        if kind != "JPEG":
            form = "RGBA" if "A" in mode else "RGB"
            assert kept.convert(form).tobytes() == ImageOps.exif_transpose(sent).convert(form).tobytes()

    def test_is_written_anew_with_little_effort(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A web process waits for it."""
        written: list[dict[str, Any]] = []
        save = Image.Image.save
        monkeypatch.setattr(
            Image.Image,
            "save",
            lambda image, file, kind, **options: (written.append(options), save(image, file, kind, **options)),
        )
        sent = picture("PNG"), picture("WEBP", lossless=True), picture("WEBP")
        written.clear()
        for content in sent:
            read_upload(upload(content))

        assert written == [
            {"compress_level": 1},
            {"lossless": True, "quality": 0, "method": 0},
            {"quality": 95, "method": 0},
        ]

    def test_that_moves_is_refused(self, edit_arena: Arena, asker: Asker) -> None:
        frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
        for kind in ("PNG", "WEBP"):
            file = io.BytesIO()
            frames[0].save(file, kind, save_all=True, append_images=frames[1:])
            refused(asker.ask(edit_arena, picture=upload(file.getvalue())), 422, "or it moves")

    def test_is_not_decoded_for_who_may_not_ask(
        self, edit_arena: Arena, asker: Asker, work: Work, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        Arena.objects.update(live_prompts_per_hour=1)
        assert asker.ask(edit_arena, picture=upload(picture())).status_code == 303
        monkeypatch.setattr("arena.live.uploads.Image.open", None)
        assert asker.ask(edit_arena, "another", picture=upload(picture())).status_code == 409
        work()
        assert asker.ask(edit_arena, "another", picture=upload(picture())).status_code == 429
        Arena.objects.update(anonymous_voting=False)
        assert asker.ask(edit_arena, "another", picture=upload(picture())).status_code == 403

    def test_of_a_form_that_is_too_long_is_not_even_parsed(
        self, edit_arena: Arena, asker: Asker, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("arena.live.views.MOST_BYTES", 2**20)
        monkeypatch.setattr("arena.live.views._MOST_OTHER_BYTES", 0)
        monkeypatch.setattr("django.http.request.MultiPartParser", None)
        sent = upload(b"\x89PNG\r\n\x1a\n" + bytes(2**20))
        response = asker.ask(edit_arena, picture=sent)
        assert response.status_code == 413
        assert "A picture may have 1 MB." in response.content.decode()
        sent.seek(0)
        address = f"/arenas/{edit_arena.slug}/ask/"
        told = asker.client.post(address, {"text": PROMPT, "picture": sent}, headers=JSON)
        assert (told.status_code, told.json()["code"]) == (413, "body_too_large")

    def test_is_refused_if_it_is_too_large(
        self, edit_arena: Arena, asker: Asker, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("arena.live.uploads.MOST_BYTES", 50)
        refused(asker.ask(edit_arena, picture=upload(picture())), 422, "are allowed", PROMPT)


def test_an_upload_that_came_to_nothing_is_not_kept(edit_arena: Arena, asker: Asker) -> None:
    ContestantRevision.objects.update(backend="imported")
    refused(asker.ask(edit_arena, picture=upload(picture())), 409, "only 0 can")
    assert not default_storage.exists("prompts") or default_storage.listdir("prompts")[1] == []
