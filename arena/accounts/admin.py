from __future__ import annotations

from allauth.account.admin import EmailAddressAdmin
from allauth.account.models import EmailAddress
from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group
from django.http import HttpRequest
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from arena.admin_base import PodiumAdmin

from .models import User

admin.site.unregister(Group)
admin.site.unregister(EmailAddress)


@admin.register(User)
class AccountAdmin(UserAdmin, PodiumAdmin):
    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ("username", "email", "is_staff", "is_active", "last_login", "date_joined")


@admin.register(Group)
class RoleAdmin(GroupAdmin, PodiumAdmin):
    pass


@admin.register(EmailAddress)
class MailAddressAdmin(EmailAddressAdmin, PodiumAdmin):
    list_display = ("email", "user", "primary", "verified")
    list_filter = ("verified", "primary", "user__is_active", "user__is_staff")
    list_select_related = ("user",)
    search_fields = ("email", "user__username")
    search_help_text = "Mail address or user name"
    raw_id_fields = ()
    autocomplete_fields = ("user",)

    def get_search_fields(self, request: HttpRequest) -> tuple[str, ...]:
        return self.search_fields
