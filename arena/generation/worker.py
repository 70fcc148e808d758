"""One batch of generation: claim, make, store. What a Celery task or a bare worker process repeats."""

from __future__ import annotations

import logging
import threading
from typing import Any

from arena.catalogue.models import ContestantRevision

from .actions import Claim, claim_batch, fail_candidates, finish_candidate
from .backends.devices import best_device, share_cores
from .backends.protocol import GenerationError, Loaded, Request, Result, SettingsError
from .backends.registry import get_backend

log = logging.getLogger(__name__)

WORKERS = 2  # tasks that work off the queue side by side: one for each core of the smallest machine
# Candidates at once: a GPU is faster with several; a CPU is not, and there the first battle would wait for them.
BATCH = {"cuda": 16, "cpu": 1}

# What this thread has loaded last. One is enough while painters load in milliseconds.
_kept = threading.local()


def generate_one_batch() -> int:
    """Work off one batch; returns how many candidates were taken from the queue, 0 when it is empty."""
    claim = claim_batch(most=BATCH[best_device()], loaded=getattr(_kept, "revision", None))
    if claim is None:
        return 0
    try:
        results = _make(claim)
    except SettingsError as error:
        _give_back(claim, f"The settings of {claim.revision} are refused: {error}", permanent=True)
    except GenerationError as error:
        _give_back(claim, error.message, permanent=error.permanent)
    except Exception as error:  # a defect in a backend must not stop the queue; its cause is kept with the candidate
        log.exception("%s failed", claim.revision)
        _give_back(claim, f"{type(error).__name__}: {error}", permanent=False)
    else:
        for candidate, result in zip(claim.candidates, results, strict=True):
            if not finish_candidate(candidate=candidate, lease=claim.lease, result=result):
                log.warning("the result for candidate %s was not stored: late, or not fit to be shown", candidate.pk)
    return len(claim.candidates)


def _make(claim: Claim) -> list[Result]:
    requests = [Request(prompt=candidate.prompt.text, seed=candidate.seed) for candidate in claim.candidates]
    results = _loaded(claim.revision).generate(requests)
    if len(results) != len(requests):  # nobody knows which result belongs to which request
        raise GenerationError(
            f"backend {claim.revision.backend!r} returned {len(results)} results for {len(requests)} requests",
            permanent=True,
        )
    return results


def _loaded(revision: ContestantRevision) -> Loaded:
    if getattr(_kept, "revision", None) != revision.pk:
        share_cores(WORKERS)
        backend = get_backend(revision.backend)
        settings: Any = backend.validate(revision.settings)
        _kept.loaded = backend.load(settings, best_device())
        _kept.revision = revision.pk
    loaded: Loaded = _kept.loaded
    return loaded


def _give_back(claim: Claim, message: str, *, permanent: bool) -> None:
    fail_candidates(candidates=claim.candidates, lease=claim.lease, message=message, permanent=permanent)
