from django.urls import path

from .ballots.views import cast, own, retract, reveal
from .battles.views import skip, slot_media, switch, vote
from .catalogue.views import arena_list, arena_show, arena_supply
from .flags.views import report
from .live.views import ask, asked, prompt_media

app_name = "arena"

urlpatterns = [
    path("", arena_list, name="list"),
    path("arenas/<slug:arena_slug>/", arena_show, name="show"),
    path("arenas/<slug:arena_slug>/supply/", arena_supply, name="supply"),
    path("arenas/<slug:arena_slug>/vote/", vote, name="vote"),
    path("arenas/<slug:arena_slug>/ballots/", cast, name="cast"),
    path("arenas/<slug:arena_slug>/skips/", skip, name="skip"),
    path("arenas/<slug:arena_slug>/way/", switch, name="switch"),
    path("arenas/<slug:arena_slug>/reports/", report, name="report"),
    path("arenas/<slug:arena_slug>/ask/", ask, name="ask"),
    path("arenas/<slug:arena_slug>/asked/<uuid:battle_id>/", asked, name="asked"),
    path("ballots/", own, name="own_ballots"),
    path("ballots/<uuid:ballot_id>/retract/", retract, name="retract"),
    path("ballots/<uuid:ballot_id>/", reveal, name="reveal"),
    path("media/<uuid:media_token>/", slot_media, name="slot_media"),
    path("prompts/<uuid:prompt_id>/media/", prompt_media, name="prompt_media"),
]
