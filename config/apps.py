from django.apps import AppConfig


class PodiumConfig(AppConfig):
    """Not a layer: it makes the command `manage.py up` known."""

    name = "config"
    verbose_name = "Podium"
