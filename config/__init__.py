"""The composition root: settings, addresses, processes. Everything may be imported from here; nothing imports it."""

from .celery import app as celery_app

__all__ = ["celery_app"]
