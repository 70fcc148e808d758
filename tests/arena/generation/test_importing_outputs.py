"""`manage.py import_outputs`: outputs made elsewhere are loaded all or none, and loading them again adds nothing."""

from __future__ import annotations

import hashlib
import io
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.conf import settings as project
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command
from django.db import transaction
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from arena.catalogue.models import Arena, Contestant, ContestantRevision
from arena.generation.importing import loading, records
from arena.generation.models import Candidate, CandidateState
from arena.generation.queries import supply_of
from arena.prompts.models import Prompt
from tests.arena.generation.media import making
from tests.docs import pages

pytestmark = pytest.mark.django_db


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "outputs"
    made.mkdir()
    return made


@pytest.fixture
def texts(db: None) -> Arena:
    return Arena.objects.create(slug="answers", name="Answers", modality="text")


def picture(colour: int = 40, kind: str = "PNG", **options: Any) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (16, 12), (colour, 90, 120)).save(file, kind, **options)
    return file.getvalue()


def write(file: Path, *rows: dict[str, Any] | str | bytes) -> Path:
    lines = [
        row if isinstance(row, bytes) else (row if isinstance(row, str) else json.dumps(row)).encode() for row in rows
    ]
    file.write_bytes(b"\n".join(lines) + b"\n")
    return file


def put(folder: Path, **files: bytes) -> Path:
    """`put(folder, **{"Umber/p1.png": content})`."""
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def run(arena: str, path: Path, **options: Any) -> tuple[str, str]:
    out, err = io.StringIO(), io.StringIO()
    call_command("import_outputs", arena, str(path), stdout=out, stderr=err, **options)
    return out.getvalue(), err.getvalue()


def refused(arena: str, path: Path, **options: Any) -> tuple[str, list[str]]:
    err = io.StringIO()
    with pytest.raises(CommandError) as raised:
        call_command("import_outputs", arena, str(path), stdout=io.StringIO(), stderr=err, **options)
    assert raised.value.returncode == 2
    return str(raised.value), err.getvalue().splitlines()


def counts() -> list[int]:
    return [model.objects.count() for model in (Arena, Contestant, ContestantRevision, Prompt, Candidate)]


def stored() -> list[str]:
    """Every file of the storage: outputs and their thumbnails."""
    root = Path(project.MEDIA_ROOT)
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())


def named() -> list[str]:
    """Every file that a candidate names."""
    return sorted(name for row in Candidate.objects.values_list("media", "thumbnail") for name in row if name)


TEXT = {"contestant": "Umber", "prompt": "p1", "text": "Forty-two.", "prompt_text": "How many?"}


class TestTexts:
    def test_are_stored_to_the_last_field(self, texts: Arena, folder: Path) -> None:
        full = TEXT | {"number": 3, "seed": -5, "latency_ms": 12.5, "tokens": 4, "categories": ["sums", "sums/easy"]}
        out, err = run("answers", write(folder / "a.jsonl", full))

        assert out.splitlines() == [
            "Contestants made: Umber.",
            "Prompts made: 1.",
            "1 outputs read, 1 added to answers, 0 were there already.",
        ]
        assert err == ""
        candidate = Candidate.objects.get()
        assert (candidate.state, candidate.text, candidate.media.name) == (CandidateState.READY, "Forty-two.", "")
        assert candidate.sha256 == hashlib.sha256(b"Forty-two.").hexdigest()
        assert (candidate.number, candidate.seed, candidate.latency_ms, candidate.tokens) == (3, -5, 12.5, 4)
        assert candidate.finished_at is not None
        assert candidate.attempts == 0
        assert (candidate.revision.backend, candidate.revision.number) == ("imported", 1)
        assert (candidate.revision.contestant.name, candidate.revision.contestant.arena) == ("Umber", texts)
        assert (candidate.prompt.external_id, candidate.prompt.text) == ("p1", "How many?")
        assert candidate.prompt.categories == ["sums", "sums/easy"]

    def test_need_no_more_than_whose_they_are_and_what_they_answer(self, texts: Arena, folder: Path) -> None:
        _, err = run("answers", write(folder / "a.jsonl", {"contestant": "Umber", "prompt": "p1", "text": "Yes."}))

        assert "note: 1 new prompts have no text" in err
        candidate = Candidate.objects.get()
        assert (candidate.number, candidate.seed, candidate.latency_ms, candidate.tokens) == (0, 0, None, None)

    def test_count_as_supply(self, texts: Arena, folder: Path) -> None:
        run("answers", write(folder / "a.jsonl", TEXT, TEXT | {"contestant": "Ochre"}))
        supply = supply_of(texts.pk)
        assert (supply.ready, supply.total) == (2, 2)

    def test_may_come_from_any_editor_in_any_script(self, texts: Arena, folder: Path) -> None:
        rows = [json.dumps(TEXT | {"contestant": name}, ensure_ascii=False) for name in ("Ольга", "織部 🎨")]
        (folder / "a.jsonl").write_bytes(b"\xef\xbb\xbf" + "\r\n\r\n \t\r\n".join(rows).encode())
        run("answers", folder / "a.jsonl")

        assert set(Contestant.objects.values_list("name", flat=True)) == {"Ольга", "織部 🎨"}

    def test_may_lie_in_files(self, texts: Arena, folder: Path) -> None:
        put(folder, **{"long.txt": "\ufeffOnce upon a time.\n".encode(), "Umber/p2.md": b"# Yes"})
        run("answers", write(folder / "a.jsonl", {"contestant": "Umber", "prompt": "p1", "media": "long.txt"}))
        (folder / "long.txt").unlink()
        (folder / "a.jsonl").unlink()
        run("answers", folder)

        assert set(Candidate.objects.values_list("text", flat=True)) == {"Once upon a time.\n", "# Yes"}

    def test_give_a_prompt_without_text_its_text(self, texts: Arena, folder: Path) -> None:
        Prompt.objects.create(arena=texts, external_id="p1", categories=["kept"])
        out, err = run("answers", write(folder / "a.jsonl", TEXT | {"categories": ["other"]}))

        assert "Prompts without text given theirs: 1." in out
        assert "1 prompts that are there have other categories; those are left as they are" in err
        prompt = Prompt.objects.get()
        assert (prompt.text, prompt.categories) == ("How many?", ["kept"])

    def test_have_keys_named_that_are_kept_nowhere(self, texts: Arena, folder: Path) -> None:
        _, err = run(
            "answers", write(folder / "a.jsonl", TEXT | {"mood": 1}, TEXT | {"mood": 1, "contestant": "Ochre"})
        )
        assert err == "note: unknown key 'mood' is ignored (line 1 and 1 more)\n"

    def test_go_to_the_imported_revision_of_a_contestant_that_is_there(self, texts: Arena, folder: Path) -> None:
        contestant = Contestant.objects.create(arena=texts, name="Umber")
        for number, backend in ((1, "imported"), (2, "transformers")):
            ContestantRevision.objects.create(contestant=contestant, number=number, backend=backend)
        out, _ = run("answers", write(folder / "a.jsonl", TEXT))

        assert "Contestants made" not in out
        assert Candidate.objects.get().revision.number == 1

    def test_are_loaded_in_chunks_as_in_one(self, texts: Arena, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(loading, "CHUNK", 3)
        rows = [
            {"contestant": f"c{n % 4}", "prompt": f"p{n // 4}", "text": f"t{n}", "prompt_text": f"q{n // 4}"}
            for n in range(20)
        ]
        out, _ = run("answers", write(folder / "a.jsonl", *rows))

        assert "20 added" in out
        assert counts() == [1, 4, 4, 5, 20]
        assert set(Candidate.objects.values_list("prompt__text", "text")) == {
            (f"q{n // 4}", f"t{n}") for n in range(20)
        }
        assert "0 added to answers, 20 were there already" in run("answers", folder / "a.jsonl")[0]

    def test_ask_no_more_of_the_database_the_more_there_are_in_a_chunk(
        self, texts: Arena, folder: Path, django_assert_max_num_queries: Any
    ) -> None:
        first = write(folder / "a.jsonl", *[TEXT | {"number": n} for n in range(3)])
        with django_assert_max_num_queries(40) as asked:
            run("answers", first)
        Candidate.objects.all().delete()
        many = write(folder / "b.jsonl", *[TEXT | {"number": n} for n in range(300)])
        with django_assert_max_num_queries(len(asked)):
            run("answers", many)


class TestMedia:
    def test_goes_through_the_same_door_as_what_is_made_here(self, arena: Arena, folder: Path) -> None:
        said = PngInfo()
        said.add_text("Software", "Umber XL")
        put(folder, **{"m/one.png": picture(pnginfo=said)})
        line = {"contestant": "Umber", "prompt": "p1", "media": "m/one.png", "prompt_text": "a harbour"}
        run("prints", write(folder / "a.jsonl", line))

        candidate = Candidate.objects.get()
        content = default_storage.open(candidate.media.name).read()
        assert b"Umber" not in content
        assert (candidate.media_type, candidate.width, candidate.height) == ("image/png", 16, 12)
        assert candidate.media_bytes == len(content)
        assert candidate.sha256 == hashlib.sha256(content).hexdigest()
        assert "one" not in candidate.media.name
        assert candidate.text == ""

    def test_lies_in_a_folder_for_each_contestant(self, arena: Arena, prompts: list[Prompt], folder: Path) -> None:
        put(
            folder,
            **{
                "Umber/p0.png": picture(1),
                "Umber/p0.1.webp": picture(2, "WEBP"),
                "Umber/p1.JPG": picture(3, "JPEG"),
                "Ochre XL/p0.0.png": picture(4),
                "Ochre XL/v1.5.0.png": picture(5),
                "Ochre XL/.DS_Store": b"x",
            },
        )
        out, err = run("prints", folder)

        assert "Contestants made: Ochre XL, Umber." in out
        assert "Prompts made: 1." in out
        assert "files and folders whose name begins with a dot are left out" in err
        rows = Candidate.objects.values_list(
            "revision__contestant__name", "prompt__external_id", "number", "media_type"
        )
        assert set(rows) == {
            ("Umber", "p0", 0, "image/png"),
            ("Umber", "p0", 1, "image/webp"),
            ("Umber", "p1", 0, "image/jpeg"),
            ("Ochre XL", "p0", 0, "image/png"),
            ("Ochre XL", "v1.5", 0, "image/png"),
        }

    @pytest.mark.parametrize(
        ("modality", "name", "content", "media_type"),
        [
            ("video", "p0.mp4", lambda: making.video(), "video/webm"),
            ("audio", "p0.wav", lambda: making.wav(np.zeros((4800, 2), np.int16) + 100), "audio/flac"),
        ],
    )
    def test_may_move_or_sound(
        self, arena: Arena, folder: Path, modality: str, name: str, content: Any, media_type: str
    ) -> None:
        run("played", put(folder, **{f"Umber/{name}": content()}), create=modality)

        candidate = Candidate.objects.get()
        assert candidate.media_type == media_type
        assert candidate.seconds is not None
        assert candidate.sha256 == hashlib.sha256(default_storage.open(candidate.media.name).read()).hexdigest()
        assert "1 were there already" in run("played", folder)[0]
        assert stored() == named()

    def test_may_be_linked_inside_the_folder(self, arena: Arena, prompts: list[Prompt], folder: Path) -> None:
        put(folder, **{"Umber/p0.png": picture()})
        (folder / "Umber" / "p1.png").symlink_to(folder / "Umber" / "p0.png")
        assert "2 added" in run("prints", folder)[0]


def test_the_examples_of_the_guide_are_outputs() -> None:
    blocks = pages.blocks("docs/how-to/bring-your-own-outputs.md", "json")
    lines = [records.Line.model_validate(json.loads(line)) for block in blocks for line in block.splitlines()]

    assert [line.media for line in lines] == [None, None, "model-a/0001.png"]


def test_every_key_of_a_line_is_described() -> None:
    described = [row[0].strip("`") for row in pages.rows("docs/reference/commands.md", "import_outputs")]
    assert set(records.Line.model_fields) <= set(described)
    text = pages.text("docs/reference/commands.md").split("### import_outputs")[1].split("### generate")[0]
    assert [ending for ending in loading.MEDIA_TYPES if f"`{ending}`" not in text] == []


class TestAnArena:
    def test_is_made_when_asked_for_and_stays_closed(self, db: None, folder: Path) -> None:
        put(folder, **{"Umber/p0.png": picture()})
        out, _ = run("posters", folder, create="image")

        assert out.startswith("Arena posters made, closed for voting until you open it in the admin.")
        arena = Arena.objects.get()
        assert (arena.slug, arena.modality, arena.is_open) == ("posters", "image", False)
        assert "1 were there already" in run("posters", folder, create="image")[0]

    def test_is_not_made_otherwise(self, arena: Arena, folder: Path) -> None:
        error, _ = refused("posters", write(folder / "a.jsonl", TEXT))
        assert error == "There is no arena called 'posters'; there are: prints. With --create MODALITY one is made."

    @pytest.mark.parametrize(
        ("slug", "create", "reason"),
        [
            ("prints", "text", "is there already, for image, not text"),
            ("Two Words", "text", "cannot name an arena"),
            ("x" * 81, "text", "cannot name an arena"),
            ("shapes", "3d", "Outputs of the modality 3d cannot be shown yet"),
        ],
    )
    def test_is_refused(self, arena: Arena, folder: Path, slug: str, create: str, reason: str) -> None:
        assert reason in refused(slug, write(folder / "a.jsonl", TEXT), create=create)[0]
        assert counts() == [1, 0, 0, 0, 0]


class TestAgain:
    def test_adds_nothing(self, arena: Arena, folder: Path) -> None:
        put(folder, **{"Umber/p0.png": picture(1), "Umber/p1.webp": picture(2, "WEBP")})
        run("prints", folder)
        before, files = counts(), stored()
        out, _ = run("prints", folder)

        assert out == "2 outputs read, 0 added to prints, 2 were there already.\n"
        assert (counts(), stored()) == (before, files)

    def test_adds_what_is_new(self, arena: Arena, folder: Path) -> None:
        run("prints", put(folder, **{"Umber/p0.png": picture(1)}))
        out, _ = run("prints", put(folder, **{"Umber/p1.png": picture(2), "Ochre/p1.png": picture(3)}))

        assert "3 outputs read, 2 added to prints, 1 were there already." in out
        assert stored() == named()

    def test_with_another_content_is_refused(self, arena: Arena, folder: Path) -> None:
        run("prints", put(folder, **{"Umber/p0.png": picture(1)}))
        before, files = counts(), stored()
        error, lines = refused("prints", put(folder, **{"Umber/p0.png": picture(2), "Umber/p1.png": picture(3)}))

        assert lines == [f"{folder}: Umber/p0.png: 'Umber' has another output number 0 for 'p0'"]
        assert error == "1 bad output; nothing was loaded."
        assert (counts(), stored()) == (before, files)

    def test_leaves_withdrawn_what_was_withdrawn(self, texts: Arena, folder: Path) -> None:
        run("answers", write(folder / "a.jsonl", TEXT))
        Candidate.objects.update(state=CandidateState.WITHDRAWN)
        run("answers", folder / "a.jsonl")
        assert Candidate.objects.get().state == CandidateState.WITHDRAWN


LONG = "x" * 201
BAD_LINES: dict[str, tuple[dict[str, Any] | str | bytes, str]] = {
    "not JSON": ("{text: 1}", "not valid JSON"),
    "half a line": ('{"contestant": "Umber", "pro', "not valid JSON"),
    "not an object": ('["Umber"]', "an output is a JSON object"),
    "not UTF-8": (b'{"contestant": "\xff"}', "not UTF-8 text (byte 17 of the line)"),
    "nested": ("[" * 100_000, "nested too deeply"),
    "NaN": ('{"contestant": "U", "prompt": "p", "text": "t", "latency_ms": NaN}', "NaN is not a number JSON knows"),
    "infinite": (
        '{"contestant": "U", "prompt": "p", "text": "t", "latency_ms": 1e999}',
        "latency_ms should be a finite",
    ),
    "a key twice": ('{"contestant": "a", "contestant": "b"}', "key 'contestant' appears twice"),
    "nobody's": ({"prompt": "p", "text": "t"}, "contestant is missing"),
    "for nothing": ({"contestant": "U", "text": "t"}, "prompt is missing"),
    "two things at once": (
        TEXT | {"contestant": 7, "prompt": None},
        "contestant should be a valid string; prompt should",
    ),
    "nothing": ({"contestant": "U", "prompt": "p"}, "either text or media, and not both"),
    "both": (TEXT | {"media": "a.txt"}, "either text or media, and not both"),
    "an empty text": (TEXT | {"text": " \n"}, "the text is empty"),
    "an empty name": (TEXT | {"contestant": " "}, "contestant is empty"),
    "a long name": (TEXT | {"contestant": LONG}, "contestant should have at most 200 characters"),
    "a long prompt": (TEXT | {"prompt": LONG}, "prompt should have at most 200 characters"),
    "a long category": (TEXT | {"categories": ["a", LONG]}, "categories[1] should have at most 120 characters"),
    "a NUL": (TEXT | {"text": "a\x00b"}, "text holds a character that no database stores"),
    "a NUL in a name": (TEXT | {"contestant": "a\x00b"}, "contestant holds a character that no database stores"),
    "half a character": (TEXT | {"text": "\ud800"}, "text holds a character that no database stores"),
    "a negative number": (TEXT | {"number": -1}, "number should be greater than or equal to 0"),
    "a large number": (TEXT | {"number": 40_000}, "number should be less than or equal to 32767"),
    "a number in words": (TEXT | {"number": "1"}, "number should be a valid integer"),
    "a huge seed": (TEXT | {"seed": 2**63}, "seed should be less than"),
    "digits by the thousand": ('{"seed": ' + "9" * 5000 + "}", "Exceeds the limit"),
    "a negative time": (TEXT | {"latency_ms": -1}, "latency_ms should be greater than or equal to 0"),
    "the same again": (TEXT | {"contestant": "Good"}, "the same contestant, prompt and number as line 1"),
    "another text of a prompt": (TEXT | {"prompt_text": "Why?"}, "prompt 'p1' has another text at line 1"),
    "another text of the arena's": (TEXT | {"prompt": "here"}, "prompt 'here' has another text in the arena"),
    "of one that generates": (TEXT | {"contestant": "Painter"}, "makes its outputs here, with painter; import under"),
    "a picture": (
        {"contestant": "U", "prompt": "p", "media": "a.png"},
        "is of the kind image; those of this arena are",
    ),
    "a file that is missing": ({"contestant": "U", "prompt": "p", "media": "b.txt"}, "'b.txt' cannot be read: No such"),
    "an absolute path": ({"contestant": "U", "prompt": "p", "media": "/etc/hosts.txt"}, "is an absolute path"),
    "a path out": ({"contestant": "U", "prompt": "p", "media": "../secret.txt"}, "leads out of the folder"),
    "a link out": ({"contestant": "U", "prompt": "p", "media": "link.txt"}, "leads out of the folder"),
    "a link to itself": ({"contestant": "U", "prompt": "p", "media": "loop.txt"}, "'loop.txt' cannot be read"),
    "a NUL in a path": ({"contestant": "U", "prompt": "p", "media": "a\x00.txt"}, "media holds a character"),
    "a long path": ({"contestant": "U", "prompt": "p", "media": "x" * 5000 + ".txt"}, "cannot be read: File name too"),
    "a folder": ({"contestant": "U", "prompt": "p", "media": "d.txt"}, "'d.txt' is no ordinary file"),
    "a pipe": ({"contestant": "U", "prompt": "p", "media": "pipe.txt"}, "'pipe.txt' is no ordinary file"),
    "an empty file": ({"contestant": "U", "prompt": "p", "media": "empty.txt"}, "'empty.txt' is empty"),
    "a blank file": ({"contestant": "U", "prompt": "p", "media": "blank.txt"}, "the text is empty"),
    "a file that is not UTF-8": ({"contestant": "U", "prompt": "p", "media": "latin.txt"}, "not UTF-8 (byte 4)"),
    "a file with a NUL": ({"contestant": "U", "prompt": "p", "media": "nul.txt"}, "the text holds a character"),
    "a program": ({"contestant": "U", "prompt": "p", "media": "a.exe"}, "'a.exe' ends in none of .txt, .md, .webp"),
}


class TestABadLine:
    @pytest.fixture
    def room(self, texts: Arena, folder: Path) -> Path:
        painter = Contestant.objects.create(arena=texts, name="Painter")
        ContestantRevision.objects.create(contestant=painter, number=1, backend="painter")
        Prompt.objects.create(arena=texts, external_id="here", text="What is here?")
        (folder.parent / "secret.txt").write_text("secret")
        put(
            folder,
            **{
                "empty.txt": b"",
                "blank.txt": b" \n",
                "latin.txt": b"caf\xe9",
                "nul.txt": b"a\x00b",
                "a.exe": b"MZ",
                "a.png": picture(),
            },
        )
        (folder / "link.txt").symlink_to(folder.parent / "secret.txt")
        (folder / "loop.txt").symlink_to(folder / "loop.txt")
        (folder / "d.txt").mkdir()
        os.mkfifo(folder / "pipe.txt")
        return folder / "a.jsonl"

    @pytest.mark.parametrize(("line", "reason"), BAD_LINES.values(), ids=BAD_LINES)
    def test_is_refused_with_its_reason_and_nothing_is_loaded(
        self, room: Path, line: dict[str, Any] | str | bytes, reason: str
    ) -> None:
        before = counts()
        good = TEXT | {"contestant": "Good"}
        error, lines = refused("answers", write(room, good, line, good | {"prompt": "p2"}))

        assert len(lines) == 1
        assert lines[0].startswith(f"{room}: line 2: ")
        assert reason in lines[0]
        assert error == "1 bad output; nothing was loaded."
        assert counts() == before

    def test_is_named_among_all_of_them_in_order(self, room: Path) -> None:
        bad = [line for line, _ in BAD_LINES.values()]
        error, lines = refused("answers", write(room, TEXT | {"contestant": "Good"}, *bad))

        assert [int(line.split("line ")[1].split(":")[0]) for line in lines] == list(range(2, len(bad) + 2))
        assert error == f"{len(bad)} bad outputs; nothing was loaded."

    def test_may_be_too_long(self, room: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(records, "MAX_LINE_BYTES", 200)
        monkeypatch.setattr(records, "MOST_TEXT_BYTES", 20)
        lines = refused("answers", write(room, TEXT | {"text": "a" * 999}, TEXT | {"text": "é" * 11}))[1]

        assert "the line is longer than 200 bytes" in lines[0]
        assert "the text has 22 bytes; at most 20 are stored" in lines[1]

    def test_of_two_categories_of_a_new_prompt(self, room: Path) -> None:
        rows = [TEXT | {"categories": ["a"]}, TEXT | {"categories": ["b"], "number": 1}]
        assert "prompt 'p1' has other categories at line 1" in refused("answers", write(room, *rows))[1][0]

    @pytest.mark.parametrize("content", [b"", b"\n \n"])
    def test_is_an_empty_file(self, room: Path, content: bytes) -> None:
        room.write_bytes(content)
        assert refused("answers", room)[1] == [f"{room}: {room}: holds no output"]

    def test_is_a_file_that_is_not_there(self, texts: Arena, folder: Path) -> None:
        assert refused("answers", folder / "b.jsonl")[0].endswith("b.jsonl cannot be read: No such file or directory")


class TestBadMedia:
    @pytest.mark.parametrize(
        ("name", "content", "reason"),
        [
            ("p0.png", b"no picture", "no readable PNG picture"),
            ("p0.png", picture()[:45], "no readable PNG picture"),
            ("p0.jpg", picture(), "no readable JPEG picture"),
            ("p0.png", b"", "'Umber/p0.png' is empty"),
            ("p0.svg", b"<svg/>", "ends in none of"),
            ("p0.html", b"<p>", "ends in none of"),
            ("p0", picture(), "ends in none of"),
            ("p0.txt", b"a text", "is of the kind text; those of this arena are of the kind image"),
            ("p0.wav", b"RIFF", "is of the kind audio; those of this arena are of the kind image"),
            (LONG + ".png", picture(), "prompt should have at most 200 characters"),
            (" .png", picture(), "prompt is empty"),
            ("p0.40000.png", picture(), "number should be less than or equal to 32767"),
            ("p0.0.png", picture(), "the same contestant, prompt and number as Umber/p0.0.jpg"),
        ],
    )
    def test_refuses_the_whole_folder(
        self, arena: Arena, prompts: list[Prompt], folder: Path, name: str, content: bytes, reason: str
    ) -> None:
        before = counts()
        put(folder, **{"Ochre/p0.png": picture(1), f"Umber/{name}": content, "Zinc/p0.png": picture(2)})
        if "same" in reason:
            put(folder, **{"Umber/p0.0.jpg": picture(3, "JPEG")})
        _, lines = refused("prints", folder)

        assert len(lines) == 1
        assert lines[0].startswith(f"{folder}: Umber/")
        assert reason in lines[0]
        assert (counts(), stored()) == (before, [])

    def test_is_anything_that_lies_elsewhere(self, arena: Arena, folder: Path, tmp_path: Path) -> None:
        put(tmp_path, **{"away/p0.png": picture()})
        put(folder, **{"README.txt": b"hello", "Umber/deep/p0.png": picture()})
        (folder / "Away").symlink_to(tmp_path / "away")
        (folder / "Umber" / "p1.png").symlink_to(tmp_path / "away" / "p0.png")
        _, lines = refused("prints", folder)

        assert [line.removeprefix(f"{folder}: ") for line in lines] == [
            "'Away': leads out of the folder",
            "'README.txt': lies beside the contestants' folders; files go into one of those",
            "Umber/deep: is a folder; only files lie in a contestant's folder",
            "Umber/p1.png: 'Umber/p1.png' leads out of the folder",
        ]

    def test_has_a_name_that_is_not_utf_8(self, arena: Arena, folder: Path) -> None:
        (folder / "Umber").mkdir()
        try:
            Path(os.fsdecode(os.fsencode(folder / "Umber") + b"/caf\xe9.png")).write_bytes(picture())
        except OSError:
            pytest.skip("this file system takes only UTF-8 names")
        _, lines = refused("prints", folder)
        assert "prompt holds a character that no database stores" in lines[0]

    def test_has_more_bytes_than_are_read(self, arena: Arena, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(loading, "MOST_BYTES", 50)
        _, lines = refused("prints", put(folder, **{"Umber/p0.png": picture()}))
        assert "bytes; at most 50 are read" in lines[0]

    def test_is_a_folder_without_anything(self, arena: Arena, folder: Path) -> None:
        assert refused("prints", folder)[1] == [f"{folder}: {folder}: holds no output"]


class TestNothingIsLeft:
    def test_by_a_dry_run(self, arena: Arena, folder: Path) -> None:
        put(folder, **{"Umber/p0.png": picture(1), "Umber/p1.png": picture(2)})
        before = counts()
        out, _ = run("prints", folder, dry_run=True)

        assert out.splitlines() == [
            "Contestants would be made: Umber.",
            "Prompts would be made: 2.",
            "2 outputs read, 2 would be added to prints, 0 were there already.",
        ]
        assert (counts(), stored()) == (before, [])
        assert "Arena posters would be made" in run("posters", folder, create="image", dry_run=True)[0]
        assert counts() == before

    @pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
    def test_when_writing_fails(
        self, arena: Arena, folder: Path, monkeypatch: pytest.MonkeyPatch, error: type[BaseException]
    ) -> None:
        put(folder, **{"Umber/p0.png": picture(1), "Umber/p1.png": picture(2), "Ochre/p1.png": picture(3)})
        monkeypatch.setattr(loading, "CHUNK", 2)
        before, wrote = counts(), []
        real = Candidate.objects.bulk_create

        def fails_the_second_time(rows: list[Candidate]) -> list[Candidate]:
            assert len(stored()) == 6  # three pictures, each with a thumbnail
            wrote.append(len(rows))
            if len(wrote) == 2:
                raise error
            return list(real(rows))

        monkeypatch.setattr(Candidate.objects, "bulk_create", fails_the_second_time)
        with pytest.raises(error), transaction.atomic():
            loading.import_outputs(arena_slug="prints", path=folder)

        assert wrote == [2, 1]
        assert (counts(), stored()) == (before, [])

    def test_where_the_last_of_many_is_bad(self, arena: Arena, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(loading, "CHUNK", 2)
        put(folder, **{f"Umber/p{n}.png": picture(n) for n in range(5)}, **{"Zinc/p0.png": b"broken"})
        refused("prints", folder)
        assert stored() == []


class TestMeanwhile:
    """Somebody else writes between the check and the transaction."""

    @pytest.fixture
    def meanwhile(self, monkeypatch: pytest.MonkeyPatch) -> Any:
        def arrange(work: Any) -> None:
            real = loading._write

            def late(*arguments: Any) -> Any:
                work()
                return real(*arguments)

            monkeypatch.setattr(loading, "_write", late)

        return arrange

    def test_the_same_import_is_counted_once(self, arena: Arena, folder: Path, meanwhile: Any) -> None:
        put(folder, **{"Umber/p0.png": picture(1), "Umber/p1.png": picture(2)})
        real = loading._write
        other = put(folder.parent / "other", **{"Umber/p0.png": picture(1)})

        def same() -> None:
            loading._write = real  # the other import has nobody beside it
            run("prints", other)

        meanwhile(same)
        out, _ = run("prints", folder)

        assert "2 outputs read, 1 added to prints, 1 were there already." in out
        assert stored() == named()
        assert counts() == [1, 1, 1, 2, 2]

    @pytest.mark.parametrize("what", ["prompt", "contestant", "output"])
    def test_another_content_is_refused(self, texts: Arena, folder: Path, meanwhile: Any, what: str) -> None:
        def other() -> None:
            if what == "prompt":
                Prompt.objects.create(arena=texts, external_id="p1", text="Another?")
                return
            backend = "painter" if what == "contestant" else "imported"
            revision = ContestantRevision.objects.create(
                contestant=Contestant.objects.create(arena=texts, name="Umber"), number=1, backend=backend
            )
            if what == "output":
                prompt = Prompt.objects.create(arena=texts, external_id="p1", text="How many?")
                Candidate.objects.create(revision=revision, prompt=prompt, seed=0, sha256="0" * 64, state="ready")

        meanwhile(other)
        error, _ = refused("answers", write(folder / "a.jsonl", TEXT))

        assert what in error
        assert error.endswith("Nothing was loaded; import again.")
        assert not Candidate.objects.filter(text="Forty-two.").exists()
