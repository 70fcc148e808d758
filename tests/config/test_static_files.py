"""Static files are answered in front of Django; everything else reaches it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest
from asgiref.testing import ApplicationCommunicator
from django.conf import settings
from django.contrib.staticfiles.storage import staticfiles_storage
from django.core.asgi import get_asgi_application
from django.core.management import call_command
from django.test import override_settings

from config.static_files import with_static_files
from tests.threads import PATIENCE

HASHED = "servestatic.storage.CompressedManifestStaticFilesStorage"
Answer = tuple[int, dict[str, str], bytes]
Get = Callable[..., Awaitable[Answer]]


@pytest.fixture(scope="module")
def collected(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The settings under which `manage.py collectstatic` has been run."""
    changed: dict[str, Any] = {
        "STATIC_HASHED": True,
        "STATIC_ROOT": str(tmp_path_factory.mktemp("static")),
        "STORAGES": settings.STORAGES | {"staticfiles": {"BACKEND": HASHED}},
    }
    with override_settings(**changed):
        call_command("collectstatic", interactive=False, verbosity=0)
    return changed


@pytest.fixture(params=["as-they-are", "hashed"])
def get(request: pytest.FixtureRequest, collected: dict[str, Any]) -> Iterator[Get]:
    """Asks the server for a file: of the folders they were written in, or collected under names with a hash."""
    with override_settings(**(collected if request.param == "hashed" else {"STATIC_HASHED": False})):
        application = with_static_files(get_asgi_application())

        async def ask(path: str, **headers: str) -> Answer:
            return await asked(application, path, {"host": "localhost"} | headers)

        yield ask


async def asked(application: Any, path: str, headers: dict[str, str]) -> Answer:
    sent = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    scope: dict[str, Any] = {"type": "http", "method": "GET", "path": path, "query_string": b"", "headers": sent}
    scope |= {"scheme": "http", "http_version": "1.1", "root_path": "", "raw_path": path.encode()}
    browser = ApplicationCommunicator(application, scope)
    await browser.send_input({"type": "http.request", "body": b"", "more_body": False})
    start = await browser.receive_output(PATIENCE)
    body, more = b"", True
    while more:
        part = await browser.receive_output(PATIENCE)
        body += part.get("body", b"")
        more = part.get("more_body", False)
    return start["status"], {name.decode().lower(): value.decode() for name, value in start["headers"]}, body


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/static/podium.css", "text/css"),
        ("/static/podium.js", "text/javascript"),
        ("/static/ballot.js", "text/javascript"),
        ("/static/board.js", "text/javascript"),
        ("/static/podium.svg", "image/svg+xml"),
        ("/static/django_htmx/htmx-2.min.js", "text/javascript"),
        ("/static/admin/css/base.css", "text/css"),
    ],
)
async def test_what_the_pages_refer_to_is_there(get: Get, path: str, kind: str) -> None:
    status, headers, body = await get(staticfiles_storage.url(path.removeprefix("/static/")))

    assert status == 200
    assert headers["content-type"].startswith(kind)
    assert len(body) > 100


async def test_a_browser_that_has_a_file_is_not_sent_it_again(get: Get) -> None:
    _, headers, _ = await get("/static/podium.css")
    status, _, body = await get("/static/podium.css", if_none_match=headers["etag"])

    assert (status, body) == (304, b"")


@pytest.mark.parametrize(
    "path", ["/static/nothing.css", "/static/../manage.py", "/static/%2e%2e/manage.py", "/static/", "/manage.py"]
)
@pytest.mark.django_db(transaction=True)
async def test_what_is_no_static_file_is_not_found(get: Get, path: str) -> None:
    status, _, body = await get(path)

    assert status == 404
    assert b"DJANGO_SETTINGS_MODULE" not in body


async def test_files_may_be_used_by_our_own_pages_alone(get: Get) -> None:
    _, headers, _ = await get("/static/podium.css")

    assert "access-control-allow-origin" not in headers
