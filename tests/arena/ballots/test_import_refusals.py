"""`manage.py import_ballots` refuses a bad file whole, naming every bad line with its reason."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from arena.ballots import importing
from arena.catalogue.models import Arena
from ranking.engines import terms
from tests import shell
from tests.arena.ballots.ballot_files import FULL, SHORT, everything, refused, run, write


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "ballots.jsonl"


# line -> the reason that is given for it
BAD_LINES: dict[str, tuple[dict[str, Any] | str | bytes, str]] = {
    "not JSON": ("{items: 1}", "not valid JSON"),
    "half a line": ('{"items": ["a", "b"], "ranks"', "not valid JSON"),
    "not an object": ('["a", "b"]', "a ballot is a JSON object, not a list"),
    "not UTF-8": (b'{"items": ["a", "\xff"], "ranks": [1, 2]}', "not UTF-8"),
    "NaN": ('{"items": ["a", "b"], "ranks": [1, 2], "weight": NaN}', "NaN is not a number JSON knows"),
    "a key twice": ('{"items": ["a", "b"], "ranks": [1, 2], "ranks": [2, 1]}', "key 'ranks' appears twice"),
    "no items": ({"ranks": [1, 2]}, "items is missing"),
    "no ranks": ({"items": ["a", "b"]}, "ranks is missing"),
    "one item": ({"items": ["a"], "ranks": [1]}, "at least two items"),
    "an item twice": ({"items": ["a", "b", "a"], "ranks": [1, 2, 3]}, "item 'a' appears twice"),
    "an empty item": ({"items": ["a", ""], "ranks": [1, 2]}, "items[1] is empty"),
    "a nameless item": ({"items": ["a", None], "ranks": [1, 2]}, "items[1] must be a string, not null"),
    "a NUL": ({"items": ["a", "b\x00"], "ranks": [1, 2]}, "a character that no database stores"),
    "unequal lengths": ({"items": ["a", "b"], "ranks": [1, 2, 3]}, "ranks has 3 entries for 2 items"),
    "rank 0": ({"items": ["a", "b"], "ranks": [1, 0]}, "ranks[1] is 0"),
    "a fraction": ({"items": ["a", "b"], "ranks": [1, 1.5]}, "ranks[1] must be a whole number or null"),
    "a rank in words": ({"items": ["a", "b"], "ranks": ["1", 2]}, "ranks[0] must be a whole number or null"),
    "true as a rank": ({"items": ["a", "b"], "ranks": [True, 2]}, "ranks[0] must be a whole number or null"),
    "an enormous rank": ({"items": ["a", "b"], "ranks": [1, 10**12]}, "ranks[1] is beyond"),
    "all bad with ranks": (SHORT | {"all_bad": True}, "all_bad is true but some ranks are not null"),
    "strength 4": (SHORT | {"strength": 4}, "strength must be 1, 2 or 3"),
    "strength of a tie": ({"items": ["a", "b"], "ranks": [1, 1], "strength": 2}, "neither item is ahead"),
    "no weight": (SHORT | {"weight": 0}, "weight must lie between"),
    "a negative weight": (SHORT | {"weight": -1}, "weight must lie between"),
    "no time": (SHORT | {"at": "yesterday"}, "at must be a time"),
    "another ballot under an id of this file": (FULL | {"ranks": [4, 3, 2, 1]}, "id 'b1' was used before"),
    "many items": (
        {"items": [str(item) for item in range(257)], "ranks": list(range(1, 258))},
        "257 items; the boards take at most 256 on a ballot",
    ),
    "a long item": ({"items": ["a", "x" * 201], "ranks": [1, 2]}, "an item has 201 characters; at most 200"),
    "a long voter": (SHORT | {"voter": "x" * 201}, "voter has 201 characters; at most 200"),
    "a long id": (SHORT | {"id": "x" * 201}, "id has 201 characters; at most 200"),
    "a long prompt": (SHORT | {"prompt": "x" * 201}, "prompt has 201 characters; at most 200"),
    "a long kind": (SHORT | {"voter_kind": "x" * 41}, "voter_kind has 41 characters; at most 40"),
    "a long protocol": (SHORT | {"protocol": "x" * 41}, "protocol has 41 characters; at most 40"),
    "a long category": (SHORT | {"categories": ["x" * 121]}, "a category has 121 characters; at most 120"),
}


@pytest.mark.django_db
class TestABadFile:
    @pytest.mark.parametrize(("line", "reason"), BAD_LINES.values(), ids=BAD_LINES)
    def test_is_refused_with_line_and_reason_and_nothing_is_loaded(
        self, file: Path, line: dict[str, Any] | str | bytes, reason: str
    ) -> None:
        error, lines = refused("painters", write(file, FULL, SHORT, line, SHORT))

        assert len(lines) == 1
        assert lines[0].startswith(f"{file}: line 3: ")
        assert reason in lines[0]
        assert str(error) == "1 bad line; nothing was loaded."
        assert everything() == [0] * 5

    def test_has_every_bad_line_reported_in_order(self, file: Path) -> None:
        bad = [line for line, _ in BAD_LINES.values()]
        error, lines = refused("painters", write(file, FULL, *bad, SHORT))

        numbers = [int(line.split("line ")[1].split(":")[0]) for line in lines]
        assert numbers == list(range(2, len(bad) + 2))
        for line, (_, reason) in zip(lines, BAD_LINES.values(), strict=True):
            assert reason in line
        assert str(error) == f"{len(bad)} bad lines; nothing was loaded."
        assert everything() == [0] * 5

    def test_leaves_an_arena_that_was_there_as_it_was(self, file: Path) -> None:
        run("painters", write(file, FULL))
        before = everything()
        refused("painters", write(file, SHORT | {"items": ["new", "newer"]}, SHORT | {"ranks": [0, 1]}))

        assert everything() == before

    @pytest.mark.parametrize(
        "content", [b"", b"\n\n", b"\xef\xbb\xbf", b"  \r\n"], ids=["empty", "blank", "bom", "space"]
    )
    def test_is_one_without_ballots(self, file: Path, content: bytes) -> None:
        file.write_bytes(content)
        _, lines = refused("painters", file)

        assert len(lines) == 1
        assert "no ballot" in lines[0] or "not valid JSON" in lines[0]
        assert not Arena.objects.exists()

    def test_is_one_that_is_not_there(self, file: Path) -> None:
        error, lines = refused("painters", file)

        assert str(error) == f"{file} cannot be read: No such file or directory"
        assert lines == []

    def test_is_one_that_is_a_folder(self, tmp_path: Path) -> None:
        assert "cannot be read: Is a directory" in str(refused("painters", tmp_path)[0])

    def test_is_one_that_is_no_text_at_all(self, file: Path) -> None:
        file.write_bytes(bytes(range(256)) * 50)
        refused("painters", file)

        assert not Arena.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize("slug", ["Painters", "two words", "x-", "a/b", "мир", "x" * 81, "", "a_b!", ".."])
def test_an_arena_that_no_address_could_name_is_refused(file: Path, slug: str) -> None:
    error, _ = refused(slug, write(file, SHORT))

    assert "cannot name an arena" in str(error)
    assert everything() == [0] * 5


@pytest.mark.parametrize(
    ("content", "arguments", "said"),
    [
        (b'{"items": ["a"], "ranks": [1]}\n', ["painters", "{file}"], ["line 1: ", "1 bad line; nothing was loaded."]),
        (b"", ["painters", "{file}.not"], ["cannot be read"]),
        (b"{}", ["Painters!", "{file}"], ["cannot name an arena"]),
    ],
    ids=["bad-line", "no-file", "no-slug"],
)
def test_the_shell_sees_status_2_and_no_traceback(
    file: Path, tmp_path: Path, content: bytes, arguments: list[str], said: list[str]
) -> None:
    """As a program of its own; none of these touches the database."""
    file.write_bytes(content)
    words = [word.format(file=file) for word in arguments]
    done = shell.run("manage.py", "import_ballots", *words, PODIUM_VAR=str(tmp_path))

    assert done.returncode == 2
    assert done.stdout == ""
    lines = done.stderr.strip().splitlines()
    assert len(lines) == len(said)
    for line, reason in zip(lines, said, strict=True):
        assert reason in line


def test_a_ballot_may_have_as_many_items_as_the_default_engine_fits() -> None:
    assert importing.MOST_ITEMS == terms.LONGEST
