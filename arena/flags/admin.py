from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from arena.accounts.models import User
from arena.admin_base import LedgerAdmin

from .actions import settle_flags
from .models import Flag


@admin.register(Flag)
class FlagAdmin(LedgerAdmin):
    """What voters report. Upholding takes the output out of all battles; no ballot changes either way."""

    list_display = ("kind", "output", "note", "arena", "voter", "state", "after_ballot", "created_at", "settled_by")
    list_filter = ("state", "kind", "slot__battle__arena")
    list_select_related = (
        "slot__battle__arena", "slot__candidate__revision__contestant", "voter", "settled_by"
    )  # fmt: skip
    search_fields = ("note", "slot__candidate__revision__contestant__name", "=slot__candidate__public_id")
    date_hierarchy = "created_at"
    actions = ("uphold", "dismiss")

    def has_settle_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("arena.change_flag")

    @admin.display(ordering="slot__candidate")
    def output(self, flag: Flag) -> str:
        return f"{flag.slot.candidate.revision}, slot {flag.slot.letter}"

    @admin.display(ordering="slot__battle__arena")
    def arena(self, flag: Flag) -> str:
        return str(flag.slot.battle.arena)

    @admin.action(description="Uphold: take the outputs out of all battles", permissions=["settle"])
    def uphold(self, request: HttpRequest, flags: QuerySet[Flag]) -> None:
        self._settle(request, flags, uphold=True)

    @admin.action(description="Dismiss: the outputs stay", permissions=["settle"])
    def dismiss(self, request: HttpRequest, flags: QuerySet[Flag]) -> None:
        self._settle(request, flags, uphold=False)

    def _settle(self, request: HttpRequest, flags: QuerySet[Flag], *, uphold: bool) -> None:
        chosen = list(flags)
        by: Any = request.user
        assert isinstance(by, User)  # noqa: S101  (the admin lets nobody else in)
        done = settle_flags(flags=[flag.pk for flag in chosen], by=by, uphold=uphold)
        said = "upheld: its output was taken out" if uphold else "dismissed"
        for flag in chosen:
            if flag.state == "open":
                self.log_change(request, flag, said)
        rest = len(chosen) - done
        message = f"{done} {'upheld' if uphold else 'dismissed'}." + (
            f" {rest} had been settled before." if rest else ""
        )
        messages.success(request, message)
