"""Stored media as answers to browsers, whole or in the parts that a player asks for."""

from __future__ import annotations

import re
from dataclasses import dataclass

from django.core.files import File
from django.http import HttpRequest, HttpResponse

_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")


@dataclass(frozen=True)
class _Part:
    """Bytes from `first` to `last`, both included; none of them where `last` is before `first`."""

    first: int
    last: int

    @property
    def length(self) -> int:
        return self.last - self.first + 1


def media_response(request: HttpRequest, file: File[bytes], media_type: str) -> HttpResponse:
    """The file, or the part that the `Range` header names (RFC 9110, section 14): players seek by it, Safari insists.

    Several ranges at once, other units and `If-Range` are answered with the whole file, as the standard allows. There
    is no entity tag: one made from the contents would show that two battles have the same output.
    """
    part = _part_asked_for(request, file.size)
    if part is not None and part.length <= 0:
        response = HttpResponse(status=416)
        response["Content-Range"] = f"bytes */{file.size}"
        return response
    with file.open("rb") as opened:
        if part is None:
            response = HttpResponse(opened.read(), content_type=media_type)
        else:
            opened.seek(part.first)
            response = HttpResponse(opened.read(part.length), content_type=media_type, status=206)
            response["Content-Range"] = f"bytes {part.first}-{part.last}/{file.size}"
    response["Accept-Ranges"] = "bytes"
    response["X-Content-Type-Options"] = "nosniff"
    return response


def media_for_voters(request: HttpRequest, file: File[bytes], media_type: str) -> HttpResponse:
    """The same under an address that is random and never means anything else."""
    response = media_response(request, file, media_type)
    response["Cache-Control"] = "private, max-age=86400, immutable"
    return response


def _part_asked_for(request: HttpRequest, size: int) -> _Part | None:
    asked = _RANGE.fullmatch(request.headers.get("Range", "").replace(" ", ""))
    if asked is None or request.method != "GET" or "If-Range" in request.headers:
        return None
    first, last = asked.groups()
    if first:
        if last and int(last) < int(first):
            return None  # no range at all, says the standard
        return _Part(int(first), min(int(last), size - 1) if last else size - 1)
    if not last:
        return None
    return _Part(max(0, size - int(last)), size - 1) if int(last) else _Part(size, size - 1)
