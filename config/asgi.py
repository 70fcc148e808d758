"""The ASGI application: static files, websockets, pages. Importing it loads neither torch nor transformers."""

from __future__ import annotations

import os

from channels.routing import ProtocolTypeRouter, URLRouter
from channels.security.websocket import AllowedHostsOriginValidator
from django.conf import settings
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
pages = get_asgi_application()

from arena.live.routing import websocket_urlpatterns as live_urlpatterns  # noqa: E402  (needs the app registry)
from ranking.leaderboards.routing import websocket_urlpatterns as board_urlpatterns  # noqa: E402  (likewise)

from .body_limit import with_body_limit  # noqa: E402  (likewise)
from .static_files import with_static_files  # noqa: E402

application = ProtocolTypeRouter(
    {
        "http": with_body_limit(with_static_files(pages), settings.MOST_REQUEST_BYTES),
        "websocket": AllowedHostsOriginValidator(URLRouter([*board_urlpatterns, *live_urlpatterns])),
    }
)
