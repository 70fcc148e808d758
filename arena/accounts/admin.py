from __future__ import annotations

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from arena.admin_base import PodiumAdmin

from .models import User

admin.site.unregister(Group)


@admin.register(User)
class AccountAdmin(UserAdmin, PodiumAdmin):
    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ("username", "email", "is_staff", "is_active", "last_login", "date_joined")


@admin.register(Group)
class RoleAdmin(GroupAdmin, PodiumAdmin):
    pass
