"""What an import is made of: one record for each output, read one after another from JSON lines or a folder."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, BinaryIO, NoReturn

from pydantic import AfterValidator, ConfigDict, Field, ValidationError

from arena.generation.actions import MOST_TEXT_BYTES
from arena.generation.backends.forms import Form
from arena.refusals import Invalid
from ranking.engines.fields import first_repeated, shown
from ranking.engines.interchange import Oddity

MAX_LINE_BYTES = 8 << 20  # a text of `MOST_TEXT_BYTES` with every character escaped
MOST_NUMBER = 32_767  # of 16 bits, as it is stored
_MOST_KINDS = 100  # of oddities that are told apart: keys are anybody's
_NUMBERED = re.compile(r"(.+)\.([0-9]{1,5})", re.DOTALL)


def _storable(text: str) -> str:
    if any("\ud800" <= character <= "\udfff" or character == "\x00" for character in text):
        raise ValueError("holds a character that no database stores")
    return text


def _not_blank(text: str) -> str:
    if not text.strip():
        raise ValueError("is empty")
    return text


Stored = Annotated[str, AfterValidator(_storable)]
Name = Annotated[str, Field(max_length=200), AfterValidator(_storable), AfterValidator(_not_blank)]
Category = Annotated[str, Field(max_length=120), AfterValidator(_storable), AfterValidator(_not_blank)]


class Line(Form):
    """One line of the JSON lines form: what an output is, whose, and what it answers."""

    model_config = ConfigDict(extra="ignore")

    contestant: Name
    prompt: Name  # the external id
    text: Stored | None = None
    media: Stored | None = None  # a path relative to the file
    number: int = Field(default=0, ge=0, le=MOST_NUMBER)
    prompt_text: Stored | None = None
    categories: list[Category] | None = None
    seed: int | None = Field(default=None, ge=-(2**63), lt=2**63)
    latency_ms: float | None = Field(default=None, ge=0)
    tokens: int | None = Field(default=None, ge=0, lt=2**31)


@dataclass(frozen=True, slots=True)
class Record:
    """One output to load. `place`: where it stands, for messages; `path`: its file, None where the text is at hand."""

    place: str
    line: Line
    path: str | None

    @property
    def key(self) -> tuple[str, str, int]:
        return self.line.contestant, self.line.prompt, self.line.number


@dataclass(frozen=True, slots=True)
class Problem:
    """Why one output was refused."""

    place: str
    reason: str

    def __str__(self) -> str:
        return f"{self.place}: {self.reason}"


class Source:
    """Something that outputs are read from, once. `root`: the folder that no path leads out of."""

    def __init__(self, path: Path, root: Path) -> None:
        self.path = path
        self.root = root
        self._oddities: dict[str, Oddity] = {}

    def __iter__(self) -> Iterator[Record | Problem]:
        raise NotImplementedError

    @property
    def oddities(self) -> list[str]:
        return [str(oddity) for oddity in self._oddities.values()]

    def note(self, message: str, line: int) -> None:
        if message not in self._oddities and len(self._oddities) >= _MOST_KINDS:
            message = "something else is odd, and not listed"
        known = self._oddities.get(message)
        if known is None:
            self._oddities[message] = Oddity(message, line)
        else:
            known.count += 1


class JsonLines(Source):
    """A file with one JSON object a line. Blank lines are skipped."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, path.parent.resolve())

    def __iter__(self) -> Iterator[Record | Problem]:
        try:
            with open(self.path, "rb") as file:
                for number, line in enumerate(_lines(file), start=1):
                    if line is None:
                        yield Problem(f"line {number}", f"the line is longer than {MAX_LINE_BYTES} bytes")
                    elif line.strip():
                        yield self._read(line, number)
        except OSError as error:
            raise Invalid(f"{self.path} cannot be read: {error.strerror}") from error

    def _read(self, text: bytes, number: int) -> Record | Problem:
        place = f"line {number}"
        try:
            row = _decoded(text)
            line = Line.model_validate(row)
            if (line.text is None) == (line.media is None):
                raise ValueError("an output has either text or media, and not both")
            if line.text is not None:
                _not_blank_text(line.text)
        except ValidationError as error:
            return Problem(place, "; ".join(_reason(each) for each in error.errors()))
        except ValueError as error:
            return Problem(place, str(error))
        for key in row:
            if key not in Line.model_fields:
                self.note(f"unknown key {shown(key)} is ignored", number)
        return Record(place, line, line.media)


class Folder(Source):
    """A folder for each contestant, in it a file for each prompt: CONTESTANT/PROMPT.png, CONTESTANT/PROMPT.1.png."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, path.resolve())

    def __iter__(self) -> Iterator[Record | Problem]:
        for contestant in self._names(self.root):
            folder = self.root / contestant
            if not folder.is_dir():
                yield Problem(shown(contestant), "lies beside the contestants' folders; files go into one of those")
            elif not folder.resolve().is_relative_to(self.root):
                yield Problem(shown(contestant), "leads out of the folder")
            else:
                for file in self._names(folder):
                    yield self._read(contestant, file)

    def _names(self, folder: Path) -> list[str]:
        try:
            names = sorted(os.listdir(folder))
        except OSError as error:
            raise Invalid(f"{folder} cannot be read: {error.strerror}") from error
        if any(name.startswith(".") for name in names):
            self.note("files and folders whose name begins with a dot are left out", 0)
        return [name for name in names if not name.startswith(".")]

    @property
    def oddities(self) -> list[str]:
        return list(self._oddities)

    def _read(self, contestant: str, file: str) -> Record | Problem:
        path = f"{contestant}/{file}"
        place = path if path.isprintable() else shown(path)
        if (self.root / path).is_dir():
            return Problem(place, "is a folder; only files lie in a contestant's folder")
        stem = Path(file).stem
        numbered = _NUMBERED.fullmatch(stem)
        row = {"contestant": contestant, "prompt": numbered[1] if numbered else stem}
        if numbered:
            row["number"] = int(numbered[2])
        try:
            return Record(place, Line.model_validate(row), path)
        except ValidationError as error:
            return Problem(place, "; ".join(_reason(each) for each in error.errors()))


def read_text(content: bytes) -> str:
    """A file that holds a text. Raises `ValueError` with the reason."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"the text is not UTF-8 (byte {error.start + 1})") from None
    _not_blank_text(text)
    return _storable_text(text)


def _storable_text(text: str) -> str:
    try:
        return _storable(text)
    except ValueError as error:
        raise ValueError(f"the text {error}") from None


def _not_blank_text(text: str) -> None:
    if not text.strip():
        raise ValueError("the text is empty")
    if len(text.encode()) > MOST_TEXT_BYTES:
        raise ValueError(f"the text has {len(text.encode())} bytes; at most {MOST_TEXT_BYTES} are stored")


def _reason(problem: Any) -> str:
    place = "".join(f"[{part}]" if isinstance(part, int) else str(part) for part in problem["loc"])
    if problem["type"] == "missing":
        return f"{place} is missing"
    if problem["type"] == "value_error":
        return f"{place} {problem['ctx']['error']}"
    if problem["type"] == "string_unicode":  # halves of characters, and names of files that are not UTF-8
        return f"{place} holds a character that no database stores"
    message = problem["msg"].removeprefix("Input ").removeprefix("String ").removeprefix("List ")
    return f"{place} {message[0].lower()}{message[1:]}"


def _decoded(text: bytes) -> dict[str, Any]:
    try:
        row = json.loads(text.decode("utf-8-sig"), object_pairs_hook=_object, parse_constant=_refuse_constant)
    except UnicodeDecodeError as error:
        raise ValueError(f"not UTF-8 text (byte {error.start + 1} of the line)") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"not valid JSON: {error.msg} at column {error.colno}") from None
    except RecursionError:
        raise ValueError("not an output: nested too deeply") from None
    if not isinstance(row, dict):
        raise ValueError("an output is a JSON object")
    return row


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    row = dict(pairs)
    if len(row) < len(pairs):
        raise ValueError(f"key {shown(first_repeated(key for key, _ in pairs))} appears twice in one object")
    return row


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number JSON knows")


def _lines(file: BinaryIO) -> Iterator[bytes | None]:
    """None stands for a line that is too long, which is never held in memory."""
    while line := file.readline(MAX_LINE_BYTES + 1):
        too_long = len(line) > MAX_LINE_BYTES and not line.endswith(b"\n")
        while too_long and line and not line.endswith(b"\n"):
            line = file.readline(MAX_LINE_BYTES)
        yield None if too_long else line
