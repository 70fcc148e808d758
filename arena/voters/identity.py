"""Who is voting: an account, or an anonymous browser known by a signed cookie.

The cookie carries the voter's public id and the day on which that identity began, signed with the server's key. It is
signed anew every day (so a key can be retired), forgotten after 30 days without use, and the identity itself is
replaced after `VOTER_IDENTITY_DAYS`, so that nobody is followed for ever. Signing in or out changes the voter too.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from .models import Voter, VoterKind, VoterQuerySet

COOKIE = "podium_voter"
UNUSED = timedelta(days=30)
RESIGN_AFTER = timedelta(days=1)
_signer = signing.TimestampSigner(salt="arena.voter")


@dataclass(frozen=True)
class Identity:
    """What a valid cookie says."""

    public_id: uuid.UUID
    began: int  # days since 1970
    stale: bool  # signed over a day ago


def known_voter(request: HttpRequest, voters: VoterQuerySet | None = None) -> Voter | None:
    """The voter behind a request, if it has one already. One query at the most; none for a first-time visitor."""
    voters = Voter.objects.all() if voters is None else voters
    user: Any = request.user
    if user.is_authenticated:
        return voters.filter(user=user).first()
    identity = _read(request)
    if identity is None:
        return None
    return voters.filter(public_id=identity.public_id, user=None).first()


def voter_for(request: HttpRequest, voters: VoterQuerySet | None = None) -> Voter:
    """The voter behind a request, made on the spot for a newcomer. Call `remember` on the response.

    `voters` may ask for more about a known voter; a newcomer comes without.
    """
    voters = Voter.objects.all() if voters is None else voters
    voter = known_voter(request, voters)
    if voter is not None:
        return voter
    user: Any = request.user
    if not user.is_authenticated:
        return Voter.objects.create(kind=VoterKind.PUBLIC)
    return Voter.objects.of_account(user.pk)


def remember(response: HttpResponse, request: HttpRequest, voter: Voter) -> HttpResponse:
    """Set or renew the identity cookie where that is due."""
    if voter.user_id is not None:
        return response
    identity = _read(request)
    known = identity is not None and identity.public_id == voter.public_id
    if known and identity is not None and not identity.stale:
        return response
    began = identity.began if known and identity is not None else _today()
    response.set_cookie(
        COOKIE,
        _signer.sign_object([voter.public_id.hex, began]),
        max_age=UNUSED,
        httponly=True,
        samesite="Lax",
        secure=settings.SESSION_COOKIE_SECURE,
    )
    return response


def _read(request: HttpRequest) -> Identity | None:
    raw = request.COOKIES.get(COOKIE)
    if raw is None:
        return None
    try:
        public_id, began = _signer.unsign_object(raw, max_age=UNUSED)
        if _today() - began >= settings.VOTER_IDENTITY_DAYS:
            return None
        return Identity(uuid.UUID(public_id), began, stale=_is_stale(raw))
    except (signing.BadSignature, ValueError, TypeError):
        return None  # forged, expired or damaged: a newcomer


def _is_stale(raw: str) -> bool:
    try:
        _signer.unsign_object(raw, max_age=RESIGN_AFTER)
    except signing.SignatureExpired:
        return True
    return False


def _today() -> int:
    return int(timezone.now().timestamp() // 86_400)
