from __future__ import annotations

import os
import secrets
import signal
import sys
import threading
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connections


class Command(BaseCommand):
    help = "Serve everything from one process: database, migrations, demo, pages, worker."

    # The database may not be there yet, and migrations are run here.
    requires_migrations_checks = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--port", type=int, default=8000, help="port to listen on (default: 8000)")
        parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: this machine only)")
        parser.add_argument("--no-demo", action="store_true", help="do not seed the demo into an empty database")

    def handle(self, *args: Any, port: int, host: str, no_demo: bool, **options: Any) -> None:
        if not 0 < port < 65536:
            raise CommandError(f"--port {port} is not a port; use 1 to 65535", returncode=2)
        _require_free(host, port)
        # The server raises the signal that stopped it once more; as an exception it lets everything be put away.
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, _leave)
        self._workers: Any = None
        try:
            self._prepare(no_demo)
            self._serve(host, port)
        except KeyboardInterrupt:
            pass  # Ctrl-C is how people stop it
        finally:
            # Pressed again it must not interrupt the putting away, which ends by itself.
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                signal.signal(number, signal.SIG_IGN)
            self._stop()

    def _prepare(self, no_demo: bool) -> None:
        from arena.catalogue.models import Arena

        if settings.EMBEDDED:
            self.stdout.write("Starting the database ...")
            self.stdout.flush()
        call_command("migrate", interactive=False, verbosity=0)
        if settings.STATIC_HASHED:
            call_command("collectstatic", interactive=False, verbosity=0)
        self._admin()
        if not no_demo and not Arena.objects.exists():
            call_command("seed_demo", stdout=self.stdout)

    def _admin(self) -> None:
        """The first start makes an administrator and keeps the password in a file that only its owner reads."""
        from arena.models import User

        if not settings.EMBEDDED or User.objects.filter(is_superuser=True).exists():
            return
        password = secrets.token_urlsafe(12)
        path = Path(settings.VAR) / "admin-login.txt"
        path.touch(mode=0o600)
        path.write_text(f"admin\n{password}\n", encoding="utf-8")
        User.objects.create_superuser(username="admin", password=password)
        self.stdout.write(f"Admin login: admin / {password}  (kept in {_short(path)})")

    def _serve(self, host: str, port: int) -> None:
        import uvicorn

        from config.asgi import application

        self._start_workers()
        server = uvicorn.Server(
            uvicorn.Config(
                application,
                host=host,
                port=port,
                log_level="warning",
                lifespan="off",
                server_header=False,
                ws="websockets-sansio",
                timeout_graceful_shutdown=5,
            )
        )
        threading.Thread(target=self._announce, args=[server, host, port], daemon=True).start()
        server.run()

    def _start_workers(self) -> None:
        """Workers in this process, whatever the broker: `up` is one process that does everything."""
        from arena.generation.tasks import supply
        from config.celery import app
        from config.embedded.worker import EmbeddedWorkers

        self._workers = EmbeddedWorkers(app)
        self._workers.start()
        supply.delay()
        threading.Thread(target=_warm_up, daemon=True).start()

    def _announce(self, server: Any, host: str, port: int) -> None:
        import time

        while not server.started:
            if server.should_exit:
                return
            time.sleep(0.05)
        shown = "localhost" if host in {"127.0.0.1", "0.0.0.0"} else host  # noqa: S104  (compared, not bound)
        self.stdout.write(
            f"Podium is at http://{shown}:{port}/  (admin: http://{shown}:{port}/admin/). Ctrl-C stops it."
        )
        self.stdout.flush()

    def _stop(self) -> None:
        self.stdout.write("\nStopping ...")
        ended = self._workers is None or self._workers.stop()
        self._close_database()
        self.stdout.write("Stopped.")
        sys.stdout.flush()
        sys.stderr.flush()
        if not ended and not isinstance(sys.exc_info()[1], Exception):
            # Python would wait at its end for the thread of a task that goes on, a fit of minutes for example.
            os._exit(0)

    def _close_database(self) -> None:
        connections.close_all()
        connection: Any
        for connection in connections.all(initialized_only=True):
            if connection.alias in connection._connection_pools:  # asking for the pool would open one
                connection.close_pool()
        if settings.EMBEDDED:
            from config.embedded.postgres import release

            release(Path(settings.DATABASES["default"]["HOST"]), for_good=True)


def _warm_up() -> None:
    """Load what the first ballot needs, so that the first voter does not wait for it."""
    from ranking.charts.drawing import warm_up as load_charts
    from ranking.engines.warm_up import warm_up as load_engines

    load_engines()
    load_charts()


def _leave(number: int, frame: Any) -> None:
    raise SystemExit(0)


def _require_free(host: str, port: int) -> None:
    """Say at once that the port is taken, before anything is started or changed."""
    import socket

    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise CommandError(
                f"cannot listen on {host}:{port}: {error.strerror}. Is Podium running already? "
                "Choose another port with --port.",
                returncode=2,
            ) from None


def _short(path: Path) -> str:
    return str(path.relative_to(settings.BASE_DIR)) if path.is_relative_to(settings.BASE_DIR) else str(path)
