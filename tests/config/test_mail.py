"""A mail server that does not answer spoils no page, and is named in the log."""

from __future__ import annotations

import pytest
from django.core.mail import EmailMessage
from django.urls import reverse

from arena.models import User
from config.mail import PatientBackend
from tests.running import free_port


def test_a_server_that_is_not_there_is_named_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    port = free_port()
    backend = PatientBackend(host="127.0.0.1", port=port, timeout=1)

    assert backend.send_messages([EmailMessage("Hello", "Text", "a@example.org", ["b@example.org"])]) == 0
    assert f"127.0.0.1:{port} took no mail ('Hello')" in caplog.text


@pytest.mark.django_db
def test_a_password_can_be_asked_for_while_mail_fails(client, settings, caplog: pytest.LogCaptureFixture) -> None:  # type: ignore[no-untyped-def]
    User.objects.create_user("ada", email="ada@example.org")
    settings.EMAIL_BACKEND = "config.mail.PatientBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", free_port()

    answer = client.post(reverse("account_reset_password"), {"email": "ada@example.org"})

    assert answer.status_code == 302
    assert "took no mail" in caplog.text
