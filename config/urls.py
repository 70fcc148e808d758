from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("", include("arena.urls")),
    path("", include("ranking.urls")),
    path("accounts/", include("allauth.urls")),
    path("admin/", admin.site.urls),
]

handler400 = "config.problems.bad_request"
handler403 = "config.problems.permission_denied"
handler404 = "config.problems.page_not_found"
handler500 = "config.problems.server_error"
