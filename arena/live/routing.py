from django.urls import path

from .consumers import AnswersConsumer

websocket_urlpatterns = [
    path("ws/answers/<str:token>/", AnswersConsumer.as_asgi()),
]
