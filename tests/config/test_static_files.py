"""Static files are answered in front of Django; everything else reaches it."""

from __future__ import annotations

from typing import Any

import pytest
from asgiref.testing import ApplicationCommunicator


async def get(path: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
    from config.asgi import application

    sent = [
        (name.replace("_", "-").encode(), value.encode()) for name, value in ({"host": "localhost"} | headers).items()
    ]
    scope: dict[str, Any] = {"type": "http", "method": "GET", "path": path, "query_string": b"", "headers": sent}
    scope |= {"scheme": "http", "http_version": "1.1", "root_path": "", "raw_path": path.encode()}
    browser = ApplicationCommunicator(application, scope)
    await browser.send_input({"type": "http.request", "body": b"", "more_body": False})
    start = await browser.receive_output(20)
    body, more = b"", True
    while more:
        part = await browser.receive_output(20)
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
async def test_what_the_pages_refer_to_is_there(path: str, kind: str) -> None:
    status, headers, body = await get(path)

    assert status == 200
    assert headers["content-type"].startswith(kind)
    assert len(body) > 100


async def test_a_browser_that_has_a_file_is_not_sent_it_again() -> None:
    _, headers, _ = await get("/static/podium.css")
    status, _, body = await get("/static/podium.css", if_none_match=headers["etag"])

    assert (status, body) == (304, b"")


@pytest.mark.parametrize(
    "path", ["/static/nothing.css", "/static/../manage.py", "/static/%2e%2e/manage.py", "/static/", "/manage.py"]
)
@pytest.mark.django_db(transaction=True)
async def test_what_is_no_static_file_is_not_found(path: str) -> None:
    status, _, body = await get(path)

    assert status == 404
    assert b"DJANGO_SETTINGS_MODULE" not in body


async def test_files_may_be_used_by_our_own_pages_alone() -> None:
    _, headers, _ = await get("/static/podium.css")

    assert "access-control-allow-origin" not in headers
