"""What this installation lets backends reach: secrets from its environment, hosts that staff allowed."""

from __future__ import annotations

from django.conf import settings

from .backends.protocol import Access
from .models import GenerationHost


def access() -> Access:
    """As it is now. One query."""
    return Access(
        secrets=settings.GENERATION_SECRETS,
        hosts=dict(GenerationHost.objects.values_list("host", "is_private")),
        remote_code=settings.GENERATION_REMOTE_CODE,
    )
