"""Django's PostgreSQL backend, whose server starts itself. See the package's docstring."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.db.backends.postgresql import base

from . import socket_folder


class DatabaseWrapper(base.DatabaseWrapper):
    """`NAME` is the database, `HOST` the data folder of the embedded server."""

    def get_connection_params(self) -> dict[str, Any]:
        params = super().get_connection_params()
        params["host"] = socket_folder(Path(self.settings_dict["HOST"]))
        return params
