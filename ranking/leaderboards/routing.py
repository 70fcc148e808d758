from django.urls import path

from .consumers import BoardConsumer

websocket_urlpatterns = [
    path("ws/arenas/<slug:arena_slug>/leaderboard/", BoardConsumer.as_asgi()),
]
