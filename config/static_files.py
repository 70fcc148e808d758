"""Static files in front of Django, with ETags and no thread: from STATIC_ROOT if hashed, else from the finders."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from servestatic import ServeStaticASGI


def with_static_files(application: Any) -> Any:
    if settings.STATIC_HASHED:
        return ServeStaticASGI(
            application, root=settings.STATIC_ROOT, prefix=settings.STATIC_URL, allow_all_origins=False
        )
    server = ServeStaticASGI(application, max_age=0, allow_all_origins=False)
    for finder in get_finders():
        for path, storage in finder.list(ignore_patterns=None):
            server.add_file_to_dictionary(f"{settings.STATIC_URL}{path}", storage.path(path))
    return server
