"""The generation queue: planning, claiming, finishing, failing, freeing. Candidate rows are the queue."""

from __future__ import annotations

import hashlib
import re
import secrets
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from arena.catalogue.models import Arena, ContestantRevision, ContestantState
from arena.events import announce_candidates

from .backends.protocol import Result
from .media import BrokenMedia, Cleaned, clean_media
from .models import Candidate, CandidateState, is_wanted

LEASE = timedelta(minutes=1)  # a worker that lives extends it several times before it ends
MAX_ATTEMPTS = 5
AWAITED_ATTEMPTS = 3  # without a pause: whoever waits is better served by another contestant
# Between two tries of what nobody waits for; each pause is four times the last. Together they are 21 minutes, so that
# an outage of ten loses nothing.
_FIRST_PAUSE = timedelta(seconds=15)
_PAUSES_GROW = 4
_LONGEST_PAUSE = timedelta(days=1)  # that a server is granted
_LONGEST_FOR_PEOPLE = timedelta(seconds=10)  # another contestant answers sooner
_WAITED_FOR = ("preparing", "open")  # states of a battle in which somebody is at the other end
_ADDRESS = re.compile(r" at 0x[0-9A-Fa-f]+")  # in the words for an object: the same cause would look new each time
_MOST_CAUSE = 2000  # characters
MOST_TEXT_BYTES = 2**20  # of a generated text, as of an imported one
_EXTENSIONS = {
    "image/webp": "webp",
    "image/png": "png",
    "image/jpeg": "jpg",
    "video/webm": "webm",
    "audio/flac": "flac",
}


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
    revisions = newest_revisions(arena)
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
def claim_batch(
    *, most: int, revision: int | None = None, places: int | None = None, only_awaited: bool = False
) -> Claim | None:
    """Take up to `most` queued candidates of one revision, the most urgent first; of the most urgent one if none is
    named.

    Workers never wait for one another (SKIP LOCKED) and none gets what another has. People who wait are served alone:
    a batch that somebody waits for holds nothing of the backfill. places: how many of the revision named may be claimed
    together, by whomever.
    """
    if places is not None and revision is not None:
        ContestantRevision.objects.select_for_update(no_key=True).get(pk=revision)  # one counts at a time
        held = Candidate.objects.filter(revision=revision, state=CandidateState.CLAIMED).count()
        most = min(most, places - held)
        if most <= 0:
            return None
    queue = Candidate.objects.claimable().select_for_update(skip_locked=True, of=("self",))
    if revision is not None:
        queue = queue.filter(revision=revision)
    if only_awaited:
        queue = queue.filter(priority__lt=0)
    first = queue.select_related("revision__contestant", "prompt").first()
    if first is None:
        return None
    same = queue.filter(revision=first.revision_id).select_related("prompt")
    if first.priority < 0:
        same = same.filter(priority__lt=0)
    batch = list(same[:most])
    job = uuid.uuid4()
    until = timezone.now() + LEASE
    for place, candidate in enumerate(batch):
        candidate.state = CandidateState.CLAIMED
        candidate.lease = candidate.job = job
        candidate.lease_until = until
        candidate.job_place = place
        candidate.attempts += 1
    Candidate.objects.bulk_update(batch, ["state", "lease", "lease_until", "attempts", "job", "job_place"])
    return Claim(job, first.revision, batch)


def extend_lease(lease: uuid.UUID, by: timedelta) -> int:
    """Give a batch that is being made more time; returns how many of its candidates are still being made."""
    held = Candidate.objects.filter(state=CandidateState.CLAIMED, lease=lease)
    return held.update(lease_until=timezone.now() + by)


def finish_candidate(*, candidate: Candidate, lease: uuid.UUID, result: Result) -> bool:
    """Store an output; False if it was not.

    It is not if the lease was lost meanwhile (somebody else's result counts, this one is refused), nor if the output
    cannot be shown: then the candidate has failed, with the reason.
    """
    try:
        output = cleaned(result)
    except BrokenMedia as error:
        fail_candidates(candidates=[candidate], lease=lease, message=str(error), permanent=True)
        return False
    kept = keep_output(output)
    fields: dict[str, object] = kept | {
        "state": CandidateState.READY,
        "lease": None,
        "lease_until": None,
        "failure": "",
        "device": result.device,
        "library_versions": dict(result.library_versions),
        "latency_ms": result.measured.latency_ms,
        "gpu_seconds": result.measured.gpu_seconds,
        "peak_memory_bytes": result.measured.peak_memory_bytes,
        "tokens": result.measured.tokens,
        "finished_at": timezone.now(),
    }
    held = Candidate.objects.filter(pk=candidate.pk, state=CandidateState.CLAIMED, lease=lease)
    try:
        with transaction.atomic():
            written = held.update(**fields)
    except BaseException:
        discard_output(kept)
        raise
    if not written:
        discard_output(kept)
    elif candidate.priority < 0:
        announce_candidates([candidate.pk])
    return bool(written)


@dataclass(frozen=True)
class Output:
    """A result as it is stored: either text, or media and an empty text."""

    text: str
    media: Cleaned | None
    sha256: str


def cleaned(result: Result) -> Output:
    """Raises `BrokenMedia` for what cannot be shown."""
    text = (result.text or "").replace("\x00", "\ufffd")  # PostgreSQL stores no NUL,
    text = text.encode(errors="replace").decode()  # and no half of a character
    media = None if result.media is None else clean_media(result.media)
    content = text.encode() if media is None else media.content
    if media is None:
        if not text.strip():
            raise BrokenMedia("the text is empty")
        if len(content) > MOST_TEXT_BYTES:
            raise BrokenMedia(f"the text has {len(content)} bytes; at most {MOST_TEXT_BYTES} are stored")
    return Output(text, media, hashlib.sha256(content).hexdigest())


def keep_output(output: Output) -> dict[str, Any]:
    """Write its media to the storage; returns the fields of a candidate that say what it is, as plain JSON values."""
    fields: dict[str, Any] = {"text": output.text, "sha256": output.sha256}
    media = output.media
    if media is None:
        return fields
    fields["media"] = default_storage.save(blind_media_name(media.media_type), ContentFile(media.content))
    if media.thumbnail is not None:
        try:
            fields["thumbnail"] = default_storage.save(blind_media_name("image/webp"), ContentFile(media.thumbnail))
        except BaseException:
            discard_output(fields)
            raise
    return fields | {
        "media_type": media.media_type,
        "media_bytes": len(media.content),
        "width": media.width,
        "height": media.height,
        "seconds": media.seconds,
    }


def discard_output(fields: Mapping[str, Any]) -> None:
    """Delete what `keep_output` wrote, given what it returned."""
    for name in ("media", "thumbnail"):
        if fields.get(name):
            default_storage.delete(fields[name])


def blind_media_name(media_type: str) -> str:
    """A storage name that tells nothing: random, fanned out over 256 folders, only the type kept."""
    name = secrets.token_hex(16)
    return f"candidates/{name[:2]}/{name}.{_EXTENSIONS[media_type]}"


def fail_candidates(
    *, candidates: Sequence[Candidate], lease: uuid.UUID, message: str, permanent: bool, wait: float | None = None
) -> None:
    """Give a batch back after an error: for another try later, or for good when trying again cannot help.

    wait: seconds before which it cannot; people do not wait so long, so for them that is for good. What was made for
    people who have gone is withdrawn.
    """
    asked = timedelta(seconds=min(wait or 0.0, _LONGEST_PAUSE.total_seconds()))
    cause = _ADDRESS.sub("", message).replace("\x00", "\ufffd")[:_MOST_CAUSE]
    for candidate in candidates:
        awaited = candidate.priority < 0
        final = permanent or candidate.attempts >= (AWAITED_ATTEMPTS if awaited else MAX_ATTEMPTS)
        final = final or (awaited and asked > _LONGEST_FOR_PEOPLE)
        pause = timedelta(0) if awaited else _FIRST_PAUSE * _PAUSES_GROW ** (candidate.attempts - 1)
        again = CandidateState.WITHDRAWN if awaited and _is_left(candidate) else CandidateState.QUEUED
        held = Candidate.objects.filter(pk=candidate.pk, state=CandidateState.CLAIMED, lease=lease)
        written = held.update(
            state=CandidateState.FAILED if final else again,
            lease=None,
            lease_until=None,
            failure=cause,
            not_before=None if final else timezone.now() + max(pause, asked),
            finished_at=timezone.now() if final else None,
        )
        if written and final and awaited:
            announce_candidates([candidate.pk])


def _is_left(candidate: Candidate) -> bool:
    """Whether it was made for people of whom nobody waits any more."""
    slots = candidate.slots.all()
    return slots.exists() and not slots.filter(battle__state__in=_WAITED_FOR).exists()


def put_back(*, candidates: Sequence[Candidate], lease: uuid.UUID) -> None:
    """Queue again what could not be tried: this try does not count."""
    held = Candidate.objects.filter(pk__in=[each.pk for each in candidates], state=CandidateState.CLAIMED, lease=lease)
    held.update(state=CandidateState.QUEUED, lease=None, lease_until=None, attempts=F("attempts") - 1)


def free_expired_leases() -> int:
    """Queue again what a worker that died had claimed. A candidate that outlived its last try has failed, and one made
    for people who have gone is withdrawn.
    """
    expired = Candidate.objects.expired()
    message = "The worker did not finish in time, or was stopped."
    left = expired.filter(priority__lt=0, slots__isnull=False).exclude(slots__battle__state__in=_WAITED_FOR)
    left.update(state=CandidateState.WITHDRAWN, lease=None, lease_until=None, failure=message)
    last_tries = expired.filter(Q(attempts__gte=MAX_ATTEMPTS) | Q(attempts__gte=AWAITED_ATTEMPTS, priority__lt=0))
    awaited = list(last_tries.filter(priority__lt=0).values_list("pk", flat=True))
    failed = last_tries.update(
        state=CandidateState.FAILED, lease=None, lease_until=None, failure=message, finished_at=timezone.now()
    )
    if awaited:
        announce_candidates(awaited)
    return failed + expired.update(state=CandidateState.QUEUED, lease=None, lease_until=None, failure=message)


def retry_failed(arena: Arena) -> int:
    """Queue the failed candidates of an arena's newest revisions again, as if they had never been tried.

    Those that wait for their next try are due at once. Returns how many of both there were.
    """
    tried = Candidate.objects.of_arena(arena.pk).filter(is_wanted(), priority__gte=0)
    delayed = tried.filter(state=CandidateState.QUEUED, not_before__gt=timezone.now()).update(not_before=None)
    failed = tried.filter(state=CandidateState.FAILED)
    return delayed + failed.update(state=CandidateState.QUEUED, attempts=0, finished_at=None, not_before=None)


def newest_revisions(arena: Arena) -> list[ContestantRevision]:
    """Those that outputs are made with now: of each active contestant, without imported ones."""
    return list(
        ContestantRevision.objects.filter(contestant__arena=arena, contestant__state=ContestantState.ACTIVE)
        .exclude(backend="imported")
        .select_related("contestant")
        .order_by("contestant_id", "-number")
        .distinct("contestant_id")
    )
