"""Loading ballots made elsewhere from the JSONL interchange form: all of a file or nothing of it."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import BinaryIO, Generic, TypeVar

from django.db import transaction
from django.utils import timezone
from django.utils.text import slugify

from arena.catalogue.actions import hold_for_import
from arena.catalogue.models import Arena, Contestant, ContestantRevision
from arena.events import announce_ballots
from arena.prompts.models import Prompt
from arena.protocols import Protocol
from arena.refusals import Invalid, ManyInvalid
from arena.voters.models import Voter, VoterKind
from ranking.engines.interchange import BallotReader, BallotRecord, Problem

from .models import Ballot
from .watermark import hold_for_writing

T = TypeVar("T")
Name = TypeVar("Name", bound=Hashable)
CHUNK = 5_000
_LONGEST = {"id": 200, "voter": 200, "voter_kind": 40, "protocol": 40, "prompt": 200}
_LONGEST_ITEM = 200
MOST_ITEMS = 256  # as many as the default engine fits, see `ranking.engines.terms`
_LONGEST_CATEGORY = 120


class BallotsRefused(ManyInvalid):
    code = "ballots_refused"


@dataclass
class ImportReport:
    """What an import did, or with `dry_run` would have done."""

    read: int = 0
    added: int = 0
    known: int = 0
    without_id: int = 0
    contestants_added: int = 0
    oddities: list[str] = field(default_factory=list)


def import_ballots(*, arena_slug: str, path: Path, dry_run: bool = False) -> ImportReport:
    """Load a JSONL file into an arena, which is made if there is none, as are its contestants, prompts and voters.

    Two passes: the first reads every line and touches nothing; if one is bad, `BallotsRefused` names all bad ones. The
    second writes in one transaction. A ballot whose id the arena has is not loaded again; the same id with another
    content is refused. Memory grows with the ids of the file, not with its ballots.
    """
    if not arena_slug or slugify(arena_slug) != arena_slug or len(arena_slug) > 80:
        raise Invalid(f"{arena_slug!r} cannot name an arena: use lower-case letters, digits and hyphens, at most 80.")
    problems, report = _check(path)
    if problems:
        raise BallotsRefused(problems)
    arena = Arena.objects.filter(slug=arena_slug).first()
    known_problems, report.known = _compare_with_known(arena, path)
    if known_problems:
        raise BallotsRefused(known_problems)
    report.added = report.read - report.known
    if not dry_run and report.added:
        with transaction.atomic():
            report.added, report.contestants_added = _write(_arena(arena_slug), path)
        report.known = report.read - report.added
    return report


def _check(path: Path) -> tuple[list[Problem], ImportReport]:
    report = ImportReport()
    with _open(path) as file:
        reader = BallotReader(file)
        problems = reader.problems
        for record in reader:
            report.read += 1
            report.without_id += record.id is None
            if (reason := _too_long(record)) is not None:
                problems.append(Problem(reader.line, reason))
        report.oddities = [str(oddity) for oddity in reader.oddities]
    if report.without_id:
        report.oddities.append(
            f"{report.without_id} ballots have no id: importing this file again would count them again"
        )
    if not report.read and not problems:
        problems = [Problem(1, "the file holds no ballot")]
    return sorted(problems, key=lambda problem: problem.line), report


def _too_long(record: BallotRecord) -> str | None:
    for key, most in _LONGEST.items():
        value = getattr(record, key)
        if value is not None and len(value) > most:
            return f"{key} has {len(value)} characters; at most {most} are stored"
    if len(record.items) > MOST_ITEMS:
        return f"{len(record.items)} items; the boards take at most {MOST_ITEMS} on a ballot: keep the best ones"
    for item in record.items:
        if len(item) > _LONGEST_ITEM:
            return f"an item has {len(item)} characters; at most {_LONGEST_ITEM} are stored"
    for category in record.categories:
        if len(category) > _LONGEST_CATEGORY:
            return f"a category has {len(category)} characters; at most {_LONGEST_CATEGORY} are stored"
    return None


def _compare_with_known(arena: Arena | None, path: Path) -> tuple[list[Problem], int]:
    """Ballots of the file that the arena already has, and those whose id it has for another judgement."""
    problems: list[Problem] = []
    known = 0
    if arena is None:
        return problems, known
    names = dict(arena.contestants.values_list("pk", "name"))
    with _open(path) as file:
        reader = BallotReader(file)
        for chunk in _chunks(_numbered(reader)):
            recorded = {
                ballot.external_id: ballot
                for ballot in Ballot.objects.select_related("voter", "prompt").filter(
                    arena=arena, external_id__in=[record.id for _, record in chunk if record.id]
                )
            }
            for line, record in chunk:
                ballot = recorded.get(record.id or "")
                if ballot is None:
                    continue
                known += 1
                if not _same(ballot, record, names):
                    problems.append(Problem(line, f"id {record.id!r} is already recorded with another content"))
    return problems, known


def _same(ballot: Ballot, record: BallotRecord, names: dict[int, str]) -> bool:
    """Whether the recorded ballot is this record; what the file leaves open was filled in when it was recorded."""
    return (
        tuple(names[contestant] for contestant in ballot.contestants) == record.items
        and tuple(ballot.ranks) == record.ranks
        and ballot.all_bad == record.all_bad
        and ballot.strength == record.strength
        and ballot.weight == record.weight
        and tuple(ballot.categories) == record.categories
        and ballot.protocol == _protocol(record)
        and ballot.voter_kind == _voter_kind(record)
        and (ballot.voter.external_id if ballot.voter else None) == record.voter
        and (ballot.prompt.external_id if ballot.prompt else None) == record.prompt
        and record.at in (None, ballot.at)
    )


def _write(arena: Arena, path: Path) -> tuple[int, int]:
    """Insert what is new; returns how many ballots and contestants that was."""
    hold_for_import(arena.pk)
    hold_for_writing(arena.pk)
    contestants: _Numbers[str] = _Numbers({name: pk for pk, name in arena.contestants.values_list("pk", "name")})
    contestants_before = len(contestants)
    prompts: _Numbers[str] = _Numbers({name: pk for pk, name in arena.prompts.values_list("pk", "external_id")})
    voters: _Numbers[tuple[str, str]] = _Numbers(
        {
            (kind, name): pk
            for pk, kind, name in Voter.objects.filter(arena=arena).values_list("pk", "kind", "external_id")
        }
    )
    added = 0
    with _open(path) as file:
        for chunk in _chunks(BallotReader(file)):
            recorded = set(
                Ballot.objects.filter(
                    arena=arena, external_id__in=[record.id for record in chunk if record.id]
                ).values_list("external_id", flat=True)
            )
            new = [record for record in chunk if record.id not in recorded]
            _make_contestants(arena, contestants, new)
            _make_prompts(arena, prompts, new)
            _make_voters(arena, voters, new)
            Ballot.objects.bulk_create(_row(arena, record, contestants, prompts, voters) for record in new)
            added += len(new)
    announce_ballots(arena.pk)
    return added, len(contestants) - contestants_before


def _row(
    arena: Arena,
    record: BallotRecord,
    contestants: _Numbers[str],
    prompts: _Numbers[str],
    voters: _Numbers[tuple[str, str]],
) -> Ballot:
    kind = _voter_kind(record)
    return Ballot(
        arena=arena,
        prompt_id=None if record.prompt is None else prompts[record.prompt],
        voter_id=None if record.voter is None else voters[kind, record.voter],
        voter_kind=kind,
        protocol=_protocol(record),
        contestants=[contestants[item] for item in record.items],
        ranks=list(record.ranks),
        all_bad=record.all_bad,
        strength=record.strength,
        weight=record.weight,
        categories=list(record.categories),
        external_id=record.id or "",
        at=record.at or timezone.now(),
    )


class _Numbers(dict[Name, int], Generic[Name]):
    """Names that are in the database, with their primary keys."""

    def missing(self, names: Iterable[Name]) -> list[Name]:
        return [name for name in dict.fromkeys(names) if name not in self]


def _make_contestants(arena: Arena, known: _Numbers[str], records: list[BallotRecord]) -> None:
    names = known.missing(item for record in records for item in record.items)
    rows = Contestant.objects.bulk_create(Contestant(arena=arena, name=name) for name in names)
    ContestantRevision.objects.bulk_create(
        ContestantRevision(contestant=row, number=1, backend="imported") for row in rows
    )
    known.update((row.name, row.pk) for row in rows)


def _make_prompts(arena: Arena, known: _Numbers[str], records: list[BallotRecord]) -> None:
    categories = {record.prompt: list(record.categories) for record in reversed(records) if record.prompt is not None}
    rows = Prompt.objects.bulk_create(
        Prompt(arena=arena, external_id=name, categories=categories[name]) for name in known.missing(categories)
    )
    known.update((row.external_id, row.pk) for row in rows)


def _make_voters(arena: Arena, known: _Numbers[tuple[str, str]], records: list[BallotRecord]) -> None:
    names = known.missing((_voter_kind(record), record.voter) for record in records if record.voter is not None)
    rows = Voter.objects.bulk_create(Voter(arena=arena, kind=kind, external_id=name) for kind, name in names)
    known.update(((row.kind, row.external_id), row.pk) for row in rows)


def _numbered(reader: BallotReader) -> Iterator[tuple[int, BallotRecord]]:
    for record in reader:
        yield reader.line, record


def _protocol(record: BallotRecord) -> str:
    return record.protocol or (Protocol.PAIR if len(record.items) == 2 else Protocol.K_RANK)


def _voter_kind(record: BallotRecord) -> str:
    return record.voter_kind or VoterKind.PUBLIC


def _arena(slug: str) -> Arena:
    """The arena, or a new one for ballots alone: it has no candidates, so nobody can vote in it yet."""
    return Arena.objects.get_or_create(slug=slug, defaults={"name": slug, "is_open": False})[0]


def _chunks(rows: Iterable[T]) -> Iterator[list[T]]:
    iterator = iter(rows)
    while chunk := list(islice(iterator, CHUNK)):
        yield chunk


@contextmanager
def _open(path: Path) -> Iterator[BinaryIO]:
    try:
        with open(path, "rb") as file:
            yield file
    except OSError as error:
        raise Invalid(f"{path} cannot be read: {error.strerror}") from error
