"""The generation queue: planning, claiming, finishing, failing, freeing. Candidate rows are the queue."""

from __future__ import annotations

import hashlib
import secrets
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import transaction
from django.utils import timezone

from arena.catalogue.models import Arena, ContestantRevision, ContestantState

from .backends.protocol import Result
from .media import BrokenMedia, clean_picture
from .models import Candidate, CandidateState

LEASE = timedelta(minutes=2)  # of one batch; the slowest painter needs seconds for one on a slow core
MAX_ATTEMPTS = 3
_EXTENSIONS = {"image/webp": "webp", "image/png": "png", "image/jpeg": "jpg"}


@dataclass(frozen=True)
class Claim:
    """A batch that this worker may work on until the lease ends: candidates of one revision."""

    lease: uuid.UUID
    revision: ContestantRevision
    candidates: list[Candidate]


def plan_candidates(arena: Arena) -> int:
    """Queue what is missing: so many candidates of each active contestant's newest revision for each active prompt.

    Prompt by prompt, so that whole battles become ready early. Returns how many were queued; twice plans nothing twice.
    """
    revisions = list(
        ContestantRevision.objects.filter(contestant__arena=arena, contestant__state=ContestantState.ACTIVE)
        .exclude(backend="imported")
        .order_by("contestant_id", "-number")
        .distinct("contestant_id")
    )
    prompts = list(arena.prompts.filter(is_active=True).order_by("id"))
    each = arena.candidates_per_prompt
    planned = Candidate.objects.filter(revision__in=revisions, prompt__in=prompts, number__lt=each)
    there = planned.count()
    if there >= len(revisions) * len(prompts) * each:
        return 0
    wanted = [
        Candidate(
            revision=revision,
            prompt=prompt,
            number=number,
            seed=candidate_seed(revision, prompt.public_id, number),
            priority=place,
        )
        for place, prompt in enumerate(prompts)
        for revision in revisions
        for number in range(each)
    ]
    Candidate.objects.bulk_create(wanted, ignore_conflicts=True, batch_size=2000)
    return planned.count() - there


def candidate_seed(revision: ContestantRevision, prompt: uuid.UUID, number: int) -> int:
    """A seed of 63 bits that depends on nothing but what it is for, so that a plan made again is the same plan."""
    name = f"{revision.contestant.public_id}/{revision.number}/{prompt}/{number}".encode()
    return int.from_bytes(hashlib.sha256(name).digest()[:8], "big") >> 1


@transaction.atomic
def claim_batch(*, most: int, loaded: int | None = None) -> Claim | None:
    """Take up to `most` queued candidates of one revision: the most urgent first, of `loaded` where it has equally
    urgent ones.

    Workers never wait for one another (SKIP LOCKED) and none gets what another has.
    """
    queue = Candidate.objects.claimable().select_for_update(skip_locked=True, of=("self",))
    first = queue.select_related("revision__contestant", "prompt").first()
    if first is None:
        return None
    if loaded is not None and loaded != first.revision_id:
        same = queue.select_related("revision__contestant", "prompt").filter(
            revision=loaded, priority__lte=first.priority
        )
        first = same.first() or first
    batch = list(queue.filter(revision=first.revision_id).select_related("prompt")[:most])
    lease = uuid.uuid4()
    now = timezone.now()
    for candidate in batch:
        candidate.state = CandidateState.CLAIMED
        candidate.lease = lease
        candidate.lease_until = now + LEASE
        candidate.attempts += 1
    Candidate.objects.bulk_update(batch, ["state", "lease", "lease_until", "attempts"])
    return Claim(lease, first.revision, batch)


def finish_candidate(*, candidate: Candidate, lease: uuid.UUID, result: Result) -> bool:
    """Store an output; False if it was not.

    It is not if the lease was lost meanwhile (somebody else's result counts, this one is refused), nor if the output
    cannot be shown: then the candidate has failed, with the reason.
    """
    text = (result.text or "").replace("\x00", "\ufffd")  # PostgreSQL stores no NUL
    try:
        picture = None if result.media is None else clean_picture(result.media)
    except BrokenMedia as error:
        fail_candidates(candidates=[candidate], lease=lease, message=str(error), permanent=True)
        return False
    fields: dict[str, object] = {
        "state": CandidateState.READY,
        "lease": None,
        "lease_until": None,
        "failure": "",
        "text": text,
        "sha256": hashlib.sha256(text.encode() if picture is None else picture.content).hexdigest(),
        "device": result.device,
        "library_versions": dict(result.library_versions),
        "latency_ms": result.measured.latency_ms,
        "gpu_seconds": result.measured.gpu_seconds,
        "peak_memory_bytes": result.measured.peak_memory_bytes,
        "tokens": result.measured.tokens,
        "finished_at": timezone.now(),
    }
    if picture is not None:
        name = default_storage.save(blind_media_name(picture.media_type), ContentFile(picture.content))
        fields |= {
            "media": name,
            "media_type": picture.media_type,
            "media_bytes": len(picture.content),
            "width": picture.width,
            "height": picture.height,
        }
    written = Candidate.objects.filter(pk=candidate.pk, state=CandidateState.CLAIMED, lease=lease).update(**fields)
    if not written and picture is not None:
        default_storage.delete(name)
    return bool(written)


def blind_media_name(media_type: str) -> str:
    """A storage name that tells nothing: random, fanned out over 256 folders, only the type kept."""
    name = secrets.token_hex(16)
    return f"candidates/{name[:2]}/{name}.{_EXTENSIONS[media_type]}"


def fail_candidates(*, candidates: Sequence[Candidate], lease: uuid.UUID, message: str, permanent: bool) -> None:
    """Give a batch back after an error: for another try, or for good when trying again cannot help."""
    for candidate in candidates:
        final = permanent or candidate.attempts >= MAX_ATTEMPTS
        Candidate.objects.filter(pk=candidate.pk, state=CandidateState.CLAIMED, lease=lease).update(
            state=CandidateState.FAILED if final else CandidateState.QUEUED,
            lease=None,
            lease_until=None,
            failure=message,
            finished_at=timezone.now() if final else None,
        )


def free_expired_leases() -> int:
    """Queue again what a worker that died had claimed. A candidate that outlived its last try has failed."""
    expired = Candidate.objects.expired()
    message = "The worker did not finish in time, or was stopped."
    failed = expired.filter(attempts__gte=MAX_ATTEMPTS).update(
        state=CandidateState.FAILED, lease=None, lease_until=None, failure=message, finished_at=timezone.now()
    )
    return failed + expired.update(state=CandidateState.QUEUED, lease=None, lease_until=None, failure=message)
