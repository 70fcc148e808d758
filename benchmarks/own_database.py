"""A database of a benchmark's own: made, migrated and dropped as Django's tests do it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def own_database() -> Iterator[None]:
    """The test database of `DATABASE_URL`, or of the embedded server. Imports no model before it is asked to."""
    import django

    from config import celery  # noqa: F401  (names the settings)

    django.setup()
    from django.conf import settings
    from django.db import connections
    from django.test.utils import setup_databases, setup_test_environment, teardown_databases, teardown_test_environment

    setup_test_environment()
    plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    settings.STORAGES = settings.STORAGES | {"staticfiles": plain}  # as nothing was collected
    names = setup_databases(verbosity=0, interactive=False)
    try:
        yield
    finally:
        connections.close_all()
        teardown_databases(names, verbosity=0)
        teardown_test_environment()
