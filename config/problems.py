"""The one place where refusals and errors become answers: a page, an htmx fragment, or problem+json (RFC 9457)."""

from __future__ import annotations

import logging
from collections.abc import Callable
from http import HTTPStatus

from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render

from arena.refusals import Refusal

log = logging.getLogger(__name__)


class Problems:
    """Middleware: answers a `Refusal` that a view let through."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if response.status_code == HTTPStatus.METHOD_NOT_ALLOWED and not response.content:
            message = f"{request.method} is not possible here; use {response.headers['Allow'].replace(', ', ' or ')}."
            answer = problem(request, response.status_code, "Not possible here", message, "method_not_allowed")
            answer.headers["Allow"] = response.headers["Allow"]
            return answer
        return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if isinstance(exception, Refusal):
            return problem(request, exception.status, exception.title, exception.message, exception.code)
        return None


def problem(request: HttpRequest, status: int, title: str, message: str, code: str) -> HttpResponse:
    if wants_json(request):
        body = {"type": "about:blank", "status": status, "title": title, "detail": message, "code": code}
        return JsonResponse(body, status=status, content_type="application/problem+json")
    context = {"status": status, "title": title, "message": message, "action_url": "/", "action_label": "All arenas"}
    match = getattr(request, "resolver_match", None)
    if match is not None and "arena_slug" in match.kwargs and status != HTTPStatus.NOT_FOUND:
        context["action_url"] = f"/arenas/{match.kwargs['arena_slug']}/vote/"
        context["action_label"] = "Next battle"
    fragment = bool(getattr(request, "htmx", False))
    return render(request, "errors/_problem.html" if fragment else "errors/problem.html", context, status=status)


def wants_json(request: HttpRequest) -> bool:
    return request.get_preferred_type(["text/html", "application/json", "application/problem+json"]) in {
        "application/json",
        "application/problem+json",
    }


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    log.info("CSRF refused on %s: %s", request.path, reason)
    message = (
        "The form did not come from a page that this site gave to your browser, or your cookies changed in the "
        "meantime. Open the page again and repeat what you did; nothing was recorded."
    )
    return problem(request, HTTPStatus.FORBIDDEN, "The form was refused", message, "csrf")


class WithoutTraceback(logging.Filter):
    """Leaves one line of what Django refuses as suspicious: the request is at fault, not the code it went through."""

    def filter(self, record: logging.LogRecord) -> bool:
        if record.name.startswith("django.security."):
            record.exc_info = None
        return True


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    if isinstance(exception, DisallowedHost):
        message = (
            f"This site does not answer to the name {request.META.get('HTTP_HOST', '')!r}. Open it by the address you "
            "were given. Whoever runs it can allow further names with ALLOWED_HOSTS."
        )
        return problem(request, HTTPStatus.BAD_REQUEST, "Unknown host", message, "unknown_host")
    return problem(
        request, HTTPStatus.BAD_REQUEST, "Bad request", "The request could not be understood.", "bad_request"
    )


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    return problem(request, HTTPStatus.FORBIDDEN, "Not allowed", "You may not open this page.", "not_allowed")


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return problem(request, HTTPStatus.NOT_FOUND, "Not found", f"There is no page at {request.path}.", "not_found")


def server_error(request: HttpRequest) -> HttpResponse:
    message = "Something failed on our side. Nothing you sent was half recorded; you can try again."
    return problem(request, HTTPStatus.INTERNAL_SERVER_ERROR, "Something failed", message, "server_error")
