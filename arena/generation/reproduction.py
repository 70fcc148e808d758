"""Making an output once more, to see whether the same bytes come out.

A batch is repeated as it was: the same requests in the same order, since the arithmetic of a batch depends on its shape
in the last digit.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from arena.catalogue.models import Arena

from .actions import cleaned
from .backends.protocol import GenerationError
from .backends.registry import get_backend
from .media import BrokenMedia
from .models import Candidate
from .worker import Station, request_for


@dataclass(frozen=True)
class Reproduction:
    """One output made again. same: the bytes are equal; else `remark` says what else differs, or why it was not made.

    tried: False where the backend promises nothing, or the batch is not known any more.
    """

    candidate: Candidate
    tried: bool
    same: bool
    remark: str = ""


def sample(arena: Arena, *, size: int, seed: int, contestant: str = "") -> list[Candidate]:
    """Ready candidates of an arena, drawn evenly; equal seeds draw the same ones."""
    ready = Candidate.objects.ready().of_arena(arena.pk).exclude(revision__backend="imported")
    if contestant:
        ready = ready.filter(revision__contestant__name=contestant)
    numbers = list(ready.order_by("pk").values_list("pk", flat=True))
    drawn = random.Random(seed).sample(numbers, min(size, len(numbers)))
    rows = Candidate.objects.filter(pk__in=drawn).select_related("prompt", "revision__contestant")
    # One contestant after another, so that each is loaded once.
    return list(rows.order_by("revision_id", "job", "job_place"))


def reproduce(candidates: Sequence[Candidate], station: Station) -> Iterator[Reproduction]:
    """Each of them, in order. Nothing is stored."""
    for candidate in candidates:
        yield _reproduced(candidate, station)


def _reproduced(candidate: Candidate, station: Station) -> Reproduction:
    backend = candidate.revision.backend
    try:
        if not get_backend(backend).reproducible:
            return Reproduction(candidate, False, False, f"backend {backend!r} promises no equal bytes")
    except GenerationError as error:
        return Reproduction(candidate, False, False, error.message)
    batch = list(Candidate.objects.filter(job=candidate.job).select_related("prompt").order_by("job_place"))
    if candidate.job is None or [each.job_place for each in batch] != list(range(len(batch))):
        return Reproduction(candidate, False, False, "the batch that it was made in is not known any more")
    try:
        outcome = station.make(candidate.revision, [request_for(each) for each in batch])[candidate.job_place or 0]
    except GenerationError as error:
        outcome = error
    if isinstance(outcome, GenerationError):
        return Reproduction(candidate, True, False, f"it could not be made again: {outcome.message}")
    try:
        same = cleaned(outcome).sha256 == candidate.sha256
    except BrokenMedia as error:
        return Reproduction(candidate, True, False, f"it could not be made again: {error}")
    remarks = []
    if not same:
        if outcome.device != candidate.device:
            remarks.append(f"made on {candidate.device}, now on {outcome.device}")
        for library, version in sorted(outcome.library_versions.items()):
            before = candidate.library_versions.get(library)
            if before != version:
                remarks.append(f"{library} was {before}, is {version}")
    return Reproduction(candidate, True, same, "; ".join(remarks))
