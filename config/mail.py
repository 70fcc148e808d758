"""Mail by SMTP, without which every page still works."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from smtplib import SMTPException

from django.core.mail import EmailMessage
from django.core.mail.backends.smtp import EmailBackend

logger = logging.getLogger(__name__)


class PatientBackend(EmailBackend):
    """Says in the log, not to the visitor, that a mail server cannot be reached or refuses.

    The page that asked for the mail cannot mend it; and an error there would tell strangers which addresses have an
    account, since mail is sent to those alone.
    """

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        try:
            return super().send_messages(email_messages) or 0
        except (OSError, SMTPException) as error:
            subjects = ", ".join(repr(message.subject) for message in email_messages)
            logger.error("%s:%s took no mail (%s): %s", self.host, self.port, subjects, error)
            return 0
