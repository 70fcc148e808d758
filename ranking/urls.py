from django.urls import path

from .leaderboards.views import board, standings, win_rates

app_name = "ranking"

urlpatterns = [
    path("arenas/<slug:arena_slug>/leaderboard/", board, name="board"),
    path("arenas/<slug:arena_slug>/leaderboard/standings/", standings, name="standings"),
    path("arenas/<slug:arena_slug>/win-rates/", win_rates, name="win-rates"),
]
