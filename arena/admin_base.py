"""What all admin pages share."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from unfold.admin import ModelAdmin, TabularInline


class PodiumAdmin(ModelAdmin):
    """Pages that stay quick on tables of millions: no count of everything, no page of thousands."""

    show_full_result_count = False
    list_per_page = 50
    list_fullwidth = True


class LedgerAdmin(PodiumAdmin):
    """A table that only actions write: everything can be looked at, nothing changed."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class LedgerInline(TabularInline):
    """Rows of a ledger on the page of what they belong to."""

    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
