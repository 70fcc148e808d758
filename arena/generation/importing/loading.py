"""Checking outputs and storing them: files first, rows in one transaction, and nothing if one output is bad."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, TextIO, TypeVar

from django.db import connection, transaction
from django.utils import timezone
from django.utils.text import slugify

from arena.catalogue.actions import IMPORTED, hold_for_import, register_contestant
from arena.catalogue.models import Arena, ContestantRevision, Modality
from arena.generation.actions import MOST_TEXT_BYTES, cleaned, discard_output, keep_output
from arena.generation.backends.protocol import Measured, Media, Result
from arena.generation.media import MOST_BYTES, BrokenMedia
from arena.generation.models import Candidate, CandidateState
from arena.prompts.models import Prompt
from arena.refusals import Invalid, ManyInvalid
from ranking.engines.fields import shown

from .files import UnusableFile, read_inside
from .records import Folder, JsonLines, Problem, Record, Source, read_text

T = TypeVar("T")
CHUNK = 500
MEDIA_TYPES = {
    ".webp": "image/webp",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".webm": "video/webm",
    ".mp4": "video/mp4",
    ".flac": "audio/flac",
    ".wav": "audio/wav",
    ".mp3": "audio/mpeg",
    ".ogg": "audio/ogg",
}
_TEXT_ENDINGS = (".txt", ".md")
# What the outputs of an arena are, by the first half of their media type.
_KINDS = {
    Modality.TEXT: "text",
    Modality.IMAGE: "image",
    Modality.IMAGE_EDIT: "image",
    Modality.VIDEO: "video",
    Modality.AUDIO: "audio",
}


class OutputsRefused(ManyInvalid):
    code = "outputs_refused"
    unit = "output"


@dataclass
class ImportReport:
    """What an import did, or with `dry_run` would have done."""

    arena_made: bool = False
    read: int = 0
    added: int = 0
    known: int = 0
    contestants_made: list[str] = field(default_factory=list)
    prompts_made: int = 0
    prompts_given_text: int = 0
    oddities: list[str] = field(default_factory=list)


def import_outputs(
    *, arena_slug: str, path: Path, create: Modality | None = None, dry_run: bool = False
) -> ImportReport:
    """Load outputs into an arena; its contestants and prompts are made as needed, the arena only with `create`.

    The first pass reads every output, decodes and cleans its media and stores the files, without a transaction; if one
    is bad, `OutputsRefused` names all bad ones. The second writes the rows in one transaction. Whatever goes wrong, the
    files are deleted again. An output that the arena has is not loaded again; the same contestant, prompt and number
    with another content are refused. Memory grows with the keys of the outputs and the texts of new prompts.
    """
    arena, modality = _arena(arena_slug, create)
    late: list[dict[str, Any]] = []
    check = _Check(arena, modality, Folder(path) if path.is_dir() else JsonLines(path), keep=not dry_run)
    with tempfile.TemporaryFile("w+", encoding="utf-8") as spool, _no_file_left_over(spool):
        check.run(spool)
        if check.problems:
            raise OutputsRefused(check.problems)
        report = check.report
        if not dry_run:
            late = _write(arena_slug, modality, check, spool)
            report.added, report.known = report.added - len(late), report.known + len(late)
    for fields in late:
        discard_output(fields)
    return report


@contextmanager
def _no_file_left_over(spool: TextIO) -> Iterator[None]:
    try:
        yield
    except BaseException:
        # Where the connection broke nobody knows whether the rows were committed: better a file too many than a row
        # without its file.
        if connection.is_usable():
            for row in _rows(spool):
                discard_output(row["fields"])
        raise


def _arena(slug: str, create: Modality | None) -> tuple[Arena | None, Modality]:
    arena = Arena.objects.filter(slug=slug).first()
    if arena is None and create is None:
        known = ", ".join(Arena.objects.values_list("slug", flat=True)[:20]) or "none"
        raise Invalid(f"There is no arena called {slug!r}; there are: {known}. With --create MODALITY one is made.")
    if arena is None and (slugify(slug) != slug or not 0 < len(slug) <= 80):
        raise Invalid(f"{slug!r} cannot name an arena: use lower-case letters, digits and hyphens, at most 80.")
    modality = Modality(arena.modality) if arena is not None else create
    if create is not None and modality != create:
        raise Invalid(f"The arena {slug!r} is there already, for {modality}, not {create}.")
    if modality is None or modality not in _KINDS:
        raise Invalid(f"Outputs of the modality {modality} cannot be shown yet, so none are loaded.")
    return arena, modality


@dataclass
class _Known:
    """A prompt of the arena, or one that the import makes: then `pk` is None."""

    pk: int | None
    text: str | None
    categories: list[str] | None
    place: str = ""


class _Check:
    """The first pass. Afterwards `problems` or `report` say how it went, `prompts` which prompts to write."""

    def __init__(self, arena: Arena | None, modality: Modality, source: Source, *, keep: bool) -> None:
        self.problems: list[Problem] = []
        self.report = ImportReport(arena_made=arena is None)
        self.prompts: dict[str, _Known] = {}
        self._kind = _KINDS[modality]
        self._source = source
        self._keep = keep
        self._left_alone: set[str] = set()  # prompts of the arena that have other categories there
        self._seen: dict[bytes, str] = {}
        self._contestants: dict[str, int | None] = {}  # name -> imported revision, None for one to make
        self._generating: dict[str, str] = {}  # name -> backend of those that make their outputs here
        if arena is not None:
            self._read_arena(arena)

    def _read_arena(self, arena: Arena) -> None:
        for pk, name, text, categories in arena.prompts.values_list("pk", "external_id", "text", "categories"):
            self.prompts[name] = _Known(pk, text, categories)
        revisions = ContestantRevision.objects.filter(contestant__arena=arena).order_by("number")
        for pk, name, backend in revisions.values_list("pk", "contestant__name", "backend"):
            if backend == IMPORTED:
                self._contestants[name] = pk
            else:
                self._generating[name] = backend

    def run(self, spool: TextIO) -> None:
        """Write a line for each new output whose files are stored; nothing more once one is bad."""
        for chunk in _chunks(self._source):
            stored = self._stored([entry for entry in chunk if isinstance(entry, Record)])
            for entry in chunk:
                if isinstance(entry, Problem):
                    self.problems.append(entry)
                    continue
                try:
                    self._take(entry, stored, spool)
                except (UnusableFile, BrokenMedia, ValueError) as error:
                    self.problems.append(Problem(entry.place, str(error)))
        if not self.report.read and not self.problems:
            self.problems.append(Problem(str(self._source.path), "holds no output"))
        made = [prompt for prompt in self.prompts.values() if prompt.pk is None]
        self.report.prompts_made = len(made)
        self.report.oddities = self._source.oddities
        if self._left_alone:
            self.report.oddities.append(
                f"{len(self._left_alone)} prompts that are there have other categories; those are left as they are"
            )
        if silent := sum(not prompt.text for prompt in made):
            self.report.oddities.append(f"{silent} new prompts have no text: give prompt_text, or add it in the admin")

    def _stored(self, records: list[Record]) -> dict[tuple[int, int, int], str]:
        """Hashes of those outputs that the arena has: (revision, prompt, number) -> SHA-256."""
        revisions = {self._contestants.get(record.line.contestant) for record in records} - {None}
        prompts = {self.prompts[name].pk for record in records if (name := record.line.prompt) in self.prompts}
        if not revisions or not prompts:
            return {}
        rows = Candidate.objects.filter(revision__in=revisions, prompt__in=prompts - {None})
        return {(row[0], row[1], row[2]): row[3] for row in rows.values_list("revision", "prompt", "number", "sha256")}

    def _take(self, record: Record, stored: dict[tuple[int, int, int], str], spool: TextIO) -> None:
        self.report.read += 1
        line = record.line
        key = hashlib.blake2b(repr(record.key).encode(), digest_size=16).digest()
        first = self._seen.setdefault(key, record.place)
        if first is not record.place:
            raise ValueError(f"the same contestant, prompt and number as {first}; count several with number: 0, 1 ...")
        revision = self._revision(line.contestant)
        prompt = self._prompt(record)
        output = cleaned(self._result(record))
        there = None
        if revision is not None and prompt.pk is not None:
            there = stored.get((revision, prompt.pk, line.number))
        if there is not None:
            if there != output.sha256:
                raise ValueError(
                    f"{shown(line.contestant)} has another output number {line.number} for {shown(line.prompt)}"
                )
            self.report.known += 1
            return
        self.report.added += 1
        if self._keep and not self.problems:
            row = {"contestant": line.contestant, "prompt": line.prompt, "number": line.number, "seed": line.seed or 0}
            row |= {"latency_ms": line.latency_ms, "tokens": line.tokens, "fields": keep_output(output)}
            spool.write(json.dumps(row) + "\n")

    def _revision(self, name: str) -> int | None:
        if name in self._contestants:
            return self._contestants[name]
        if name in self._generating:
            raise ValueError(
                f"{shown(name)} makes its outputs here, with {self._generating[name]}; import under another name"
            )
        self._contestants[name] = None
        self.report.contestants_made.append(name)
        return None

    def _prompt(self, record: Record) -> _Known:
        name, text, categories = record.line.prompt, record.line.prompt_text, record.line.categories
        prompt = self.prompts.get(name)
        if prompt is None:
            prompt = self.prompts[name] = _Known(None, text, categories, record.place)
            return prompt
        where = f"at {prompt.place}" if prompt.place else "in the arena"
        if text is not None and text != prompt.text:
            if prompt.text:
                raise ValueError(f"prompt {shown(name)} has another text {where}")
            prompt.text = text
            if prompt.pk is not None:
                self.report.prompts_given_text += 1
                prompt.place = record.place
        if categories is not None and categories != prompt.categories:
            if prompt.pk is not None:
                self._left_alone.add(name)
            elif prompt.categories is not None:
                raise ValueError(f"prompt {shown(name)} has other categories {where}")
            else:
                prompt.categories = categories
        return prompt

    def _result(self, record: Record) -> Result:
        """The output as a worker would hand it in. It tells nothing of how it was measured: only that is stored."""
        text, media = record.line.text, None
        if record.path is not None:
            ending = Path(record.path).suffix.lower()
            if ending in _TEXT_ENDINGS:
                self._require("text")
                text = read_text(read_inside(self._source.root, record.path, most=MOST_TEXT_BYTES))
            elif ending in MEDIA_TYPES:
                self._require(MEDIA_TYPES[ending].partition("/")[0])
                media = Media(read_inside(self._source.root, record.path, most=MOST_BYTES), MEDIA_TYPES[ending])
            else:
                known = ", ".join([*_TEXT_ENDINGS, *MEDIA_TYPES])
                raise ValueError(f"{shown(record.path)} ends in none of {known}")
        else:
            self._require("text")
        return Result(Measured(latency_ms=record.line.latency_ms or 0.0), device="", text=text, media=media)

    def _require(self, kind: str) -> None:
        if kind != self._kind:
            raise ValueError(f"this output is of the kind {kind}; those of this arena are of the kind {self._kind}")


def _write(slug: str, modality: Modality, check: _Check, spool: TextIO) -> list[dict[str, Any]]:
    """Write the rows; returns the stored fields of outputs that somebody else has loaded meanwhile."""
    late = []
    with transaction.atomic():
        # An arena that an import makes is closed until somebody has looked at it.
        arena, _ = Arena.objects.get_or_create(
            slug=slug, defaults={"name": slug, "modality": modality, "is_open": False}
        )
        hold_for_import(arena.pk)
        revisions = {name: _imported_revision(arena, name) for name in check.report.contestants_made}
        prompts = _write_prompts(arena, check.prompts)
        now = timezone.now()
        for chunk in _chunks(_rows(spool)):
            for name in {row["contestant"] for row in chunk} - revisions.keys():
                revisions[name] = _imported_revision(arena, name)
            stored = {
                (revision, prompt, number): sha256
                for revision, prompt, number, sha256 in Candidate.objects.filter(
                    revision__in={revisions[row["contestant"]] for row in chunk},
                    prompt__in={prompts[row["prompt"]] for row in chunk},
                ).values_list("revision", "prompt", "number", "sha256")
            }
            new = []
            for row in chunk:
                revision, prompt = revisions[row["contestant"]], prompts[row["prompt"]]
                there = stored.get((revision, prompt, row["number"]))
                if there is None:
                    new.append(_candidate(row, revision, prompt, now))
                elif there == row["fields"]["sha256"]:
                    late.append(row["fields"])
                else:
                    raise _changed_meanwhile(f"an output of {shown(row['contestant'])}")
            Candidate.objects.bulk_create(new)
    return late


def _candidate(row: dict[str, Any], revision: int, prompt: int, now: Any) -> Candidate:
    return Candidate(
        revision_id=revision,
        prompt_id=prompt,
        number=row["number"],
        seed=row["seed"],
        latency_ms=row["latency_ms"],
        tokens=row["tokens"],
        state=CandidateState.READY,
        finished_at=now,
        **row["fields"],
    )


def _imported_revision(arena: Arena, name: str) -> int:
    contestant = register_contestant(arena=arena, name=name, backend=IMPORTED, settings={})
    revision = contestant.revisions.filter(backend=IMPORTED).order_by("-number").first()
    if revision is None:
        raise _changed_meanwhile(f"contestant {shown(name)}")
    return revision.pk


def _write_prompts(arena: Arena, wanted: dict[str, _Known]) -> dict[str, int]:
    """Make those that are missing, give those a text that had none; returns all by their external id."""
    there = {prompt.external_id: prompt for prompt in arena.prompts.only("external_id", "text")}
    for name, known in wanted.items():
        prompt = there.get(name)
        if prompt is None:
            continue
        if known.text and not prompt.text:
            Prompt.objects.filter(pk=prompt.pk).update(text=known.text)
        elif known.text and known.text != prompt.text:
            raise _changed_meanwhile(f"prompt {shown(name)}")
    missing = [
        Prompt(arena=arena, external_id=name, text=known.text or "", categories=known.categories or [])
        for name, known in wanted.items()
        if name not in there
    ]
    made = Prompt.objects.bulk_create(missing, batch_size=CHUNK)
    return {prompt.external_id: prompt.pk for prompt in [*there.values(), *made]}


def _changed_meanwhile(what: str) -> Invalid:
    return Invalid(f"Somebody else wrote {what} while this import was checked. Nothing was loaded; import again.")


def _rows(spool: TextIO) -> Iterator[dict[str, Any]]:
    spool.seek(0)
    return map(json.loads, spool)


def _chunks(rows: Iterable[T]) -> Iterator[list[T]]:
    iterator = iter(rows)
    while chunk := list(islice(iterator, CHUNK)):
        yield chunk
