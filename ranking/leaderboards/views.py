"""The leaderboard page, the part of it that is fetched again when the board changed, and the page of win rates."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseNotModified
from django.shortcuts import render
from django.utils.safestring import mark_safe
from django.views.decorators.http import require_safe

from arena.refusals import NotFound

from .boards import BoardPage, board_page
from .win_rate_page import win_rate_page


@require_safe
def board(request: HttpRequest, arena_slug: str) -> HttpResponse:
    page = _page(request, arena_slug)
    context = {"arena": page.arena, "live": page.public, "standings": mark_safe(page.html)}  # noqa: S308  (rendered by our template)
    return render(request, "leaderboards/show.html", context)


@require_safe
def standings(request: HttpRequest, arena_slug: str) -> HttpResponse:
    """The standings alone; a browser that has them already gets 304."""
    page = _page(request, arena_slug)
    tag = f'"{page.snapshot}"'
    response = HttpResponseNotModified() if request.headers.get("If-None-Match") == tag else HttpResponse(page.html)
    response["ETag"] = tag
    response["Cache-Control"] = "no-cache"
    return response


@require_safe
def win_rates(request: HttpRequest, arena_slug: str) -> HttpResponse:
    page = _page(request, arena_slug)
    context = {"arena": page.arena, "rates": mark_safe(win_rate_page(page).html)}  # noqa: S308  (by our template too)
    return render(request, "leaderboards/win_rates.html", context)


def _page(request: HttpRequest, slug: str) -> BoardPage:
    page = board_page(slug)
    if page is None or not (page.public or getattr(request.user, "is_staff", False)):
        raise NotFound(f"There is no arena called {slug!r}. The front page lists them all.")
    return page
