"""Podium's settings. Each variable read from the environment is described in docs/reference/settings.md."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from django.templatetags.static import static
from django.urls import reverse_lazy

from . import environment
from .secret_key import embedded_secret_key

BASE_DIR = Path(__file__).resolve().parent.parent
PODIUM_VERSION: str = tomllib.loads((BASE_DIR / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
VAR = Path(environment.text("PODIUM_VAR", str(BASE_DIR / "var")))

_database = environment.database("DATABASE_URL")
REDIS_URL = environment.secret("REDIS_URL")

# Embedded: no database was named, so this is one process on one machine, for trying out, development and tests.
EMBEDDED = _database is None


def _menu(title: str, *entries: tuple[str, str, str]) -> dict[str, Any]:
    """A group of the admin's sidebar: (words, icon, app_model) for each page."""
    return {
        "title": title,
        "separator": True,
        "items": [
            {"title": words, "icon": icon, "link": reverse_lazy(f"admin:{model}_changelist")}
            for words, icon, model in entries
        ],
    }


# Security

DEBUG = environment.boolean("DEBUG", False)
if EMBEDDED:
    SECRET_KEY = environment.secret("SECRET_KEY") or embedded_secret_key(VAR / "secret_key")
    ALLOWED_HOSTS = environment.words("ALLOWED_HOSTS", ["localhost", "127.0.0.1", "[::1]"])
else:
    SECRET_KEY = environment.required(
        "SECRET_KEY", "With DATABASE_URL set, Podium needs a secret of its own: 50 random characters or more."
    )
    ALLOWED_HOSTS = environment.words("ALLOWED_HOSTS", ["localhost", "127.0.0.1", "[::1]"])
SECRET_KEY_FALLBACKS = environment.words("SECRET_KEY_FALLBACKS", [])
CSRF_TRUSTED_ORIGINS = environment.words("CSRF_TRUSTED_ORIGINS", [])

HTTPS = environment.boolean("PODIUM_HTTPS", False)
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
SECURE_SSL_REDIRECT = HTTPS
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SESSION_COOKIE_HTTPONLY = True
CSRF_COOKIE_HTTPONLY = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

# Applications

INSTALLED_APPS = [
    "config",
    "unfold",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "channels",
    "django_htmx",
    "allauth",
    "allauth.account",
    "arena",
    "annotation",
    "ranking",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "config.content_security.ContentSecurityPolicy",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "config.problems.Problems",
]

ROOT_URLCONF = "config.urls"
ASGI_APPLICATION = "config.asgi.application"
CSRF_FAILURE_VIEW = "config.problems.csrf_failure"

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    }
]

# Database, cache, broker, channel layer

# Connections come from a pool: under ASGI each request runs in a thread of its own, and a new connection each
# time would cost more than the queries of most pages.
_pool = {"min_size": 1, "max_size": environment.integer("DATABASE_POOL_SIZE", 12, minimum=2), "timeout": 10}
if _database is None:
    DATABASES: dict[str, dict[str, Any]] = {
        "default": {
            "ENGINE": "config.embedded.postgres",
            "NAME": "postgres",
            "USER": "postgres",
            "HOST": str(VAR / "postgres"),
            "OPTIONS": {"pool": _pool},
        }
    }
else:
    DATABASES = {
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            **_database,
            "OPTIONS": {**_database["OPTIONS"], "pool": _pool},
        },
    }
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

if REDIS_URL:
    CACHES: dict[str, dict[str, Any]] = {
        "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL}
    }
    CHANNEL_LAYERS: dict[str, dict[str, Any]] = {
        "default": {
            "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
            "CONFIG": {"hosts": [REDIS_URL], "prefix": "podium"},
        }
    }
    CELERY_BROKER_URL = REDIS_URL
    # Seconds after which Redis hands out again what no worker has confirmed. One batch may take hours, and a message
    # that came twice would be two pumps of one number. What a dead worker held need not come again: the clock starts
    # pumps whose sign of life has ended, looks after live prompts and catches up boards.
    CELERY_BROKER_TRANSPORT_OPTIONS: dict[str, Any] = {"visibility_timeout": 24 * 3600}
else:
    CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
            # Its own limit of 300 would push boards out for the effects of ballots, a few hundred bytes each.
            "OPTIONS": {"MAX_ENTRIES": 50_000},
        }
    }
    CHANNEL_LAYERS = {"default": {"BACKEND": "config.embedded.channel_layer.EmbeddedChannelLayer"}}
    CELERY_BROKER_URL = "memory://localhost/"
    # The memory transport polls; its own interval of one second would be felt after each ballot.
    CELERY_BROKER_TRANSPORT_OPTIONS = {"polling_interval": 0.05}

CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
# What keeps watch must not wait behind what it watches.
CELERY_TASK_ROUTES = {
    "arena.generation.supply": {"queue": "default"},
    "arena.generation.reap": {"queue": "default"},
    "arena.generation.pump_remote": {"queue": "remote"},
    "arena.generation.*": {"queue": "generation"},
    "arena.live.see_to_all": {"queue": "default"},
    # What may load the models that moderate: once, and not in each worker that makes outputs. A verdict, for which
    # somebody waits, would stand behind batches there.
    "arena.live.*": {"queue": "moderation"},
}
CELERY_TASK_DEFAULT_QUEUE = "default"
CELERY_BEAT_SCHEDULE = {
    "keep arenas supplied": {"task": "arena.generation.supply", "schedule": 30.0},
    "see to live prompts": {"task": "arena.live.see_to_all", "schedule": 10.0},
    "free expired leases": {"task": "arena.generation.reap", "schedule": 15.0},
    "catch up boards": {"task": "ranking.catch_up", "schedule": 3.0},
}

# Generation

GENERATION_WORKERS = environment.integer("GENERATION_WORKERS", 2, minimum=1)
GENERATION_REMOTE_WORKERS = environment.integer("GENERATION_REMOTE_WORKERS", 4, minimum=1)
GENERATION_DEVICE = environment.text("GENERATION_DEVICE")
GENERATION_MEMORY = environment.integer("GENERATION_MEMORY_MB", 0) * 2**20
GENERATION_REMOTE_CODE = environment.boolean("GENERATION_REMOTE_CODE", False)
GENERATION_SECRETS = environment.secrets("GENERATION_SECRET_")

# Live prompts

LIVE_SECONDS = environment.integer("LIVE_SECONDS", 180, minimum=1)
MODERATION_WORDS = environment.text("MODERATION_WORDS")
MODERATION_CLASSIFIER = environment.text("MODERATION_CLASSIFIER")
MODERATION_PICTURES = environment.text("MODERATION_PICTURES")
MODERATION_LABELS = environment.words("MODERATION_LABELS", ["toxic", "nsfw"])
MODERATION_PERCENT = environment.integer("MODERATION_PERCENT", 50, minimum=1, maximum=100)

# Static files and media

STATIC_URL = "/static/"
STATIC_ROOT = VAR / "static"
# Names with a hash of the contents, compressed, kept by browsers for ever; `manage.py collectstatic` makes them.
STATIC_HASHED = environment.boolean("STATIC_HASHED", not EMBEDDED)
STATICFILES_DIRS = [BASE_DIR / "static"]
MEDIA_ROOT = VAR / "media"
MEDIA_URL = "/media/"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "servestatic.storage.CompressedManifestStaticFilesStorage"
        if STATIC_HASHED
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}
FILE_UPLOAD_MAX_MEMORY_SIZE = 5 * 2**20
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 2**20
# Of any request, before its body is received. The longest that voters send is a picture with its prompt, 12 MB; staff
# store files of prompts through the admin panel.
MOST_REQUEST_BYTES = environment.integer("REQUEST_MEGABYTES", 64, minimum=12) * 2**20

# People

AUTH_USER_MODEL = "arena.User"
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
ACCOUNT_ADAPTER = "arena.accounts.adapter.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"username", "email"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "email", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "none" if EMBEDDED else "optional"
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_LOGOUT_REDIRECT_URL = "/"
SESSION_ENGINE = "django.contrib.sessions.backends.cached_db"
# Without a mail server mails are printed: a link to a new password is in the log for whoever runs this.
EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = SERVER_EMAIL = environment.text("EMAIL_FROM", "podium@localhost")
if _mail := environment.mail("EMAIL_URL"):
    EMAIL_BACKEND = "config.mail.PatientBackend"
    globals().update(_mail)

# How long an anonymous voter keeps one identity. After it the same browser is somebody new, so that nobody is
# followed for ever; within it a person's ballots can be weighed together.
VOTER_IDENTITY_DAYS = environment.integer("VOTER_IDENTITY_DAYS", 90, minimum=1)
BATTLE_MINUTES = environment.integer("BATTLE_MINUTES", 120, minimum=1)

# Arena and ranking

# Where `arena` asks for current beliefs about strengths when it chooses a battle.
BELIEF_SOURCE = "ranking.leaderboards.beliefs.PublishedBeliefs"
# How old beliefs, exposure and the list of what is ready may be when a battle is chosen.
MATCHMAKING_SECONDS = 1.0
# Seconds within which ballots are gathered into one refresh of a board.
BOARD_REFRESH_SECONDS = environment.integer("BOARD_REFRESH_MILLISECONDS", 200) / 1000

# The admin panel, in the colours of the pages
UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "Podium",
    "SITE_HEADER": "Podium",
    "SITE_SUBHEADER": "Administration",
    "SITE_URL": "/",
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": lambda request: static("podium.svg")}],
    "STYLES": [lambda request: static("admin.css")],
    "SHOW_HISTORY": True,
    "COLORS": {
        # Shades of the one accent colour of static/podium.css, in OKLCH.
        "primary": {
            "50": "oklch(0.97 0.015 265)",
            "100": "oklch(0.94 0.03 265)",
            "200": "oklch(0.88 0.06 265)",
            "300": "oklch(0.80 0.10 265)",
            "400": "oklch(0.70 0.15 265)",
            "500": "oklch(0.65 0.18 265)",
            "600": "oklch(0.45 0.21 265)",
            "700": "oklch(0.40 0.19 265)",
            "800": "oklch(0.34 0.16 265)",
            "900": "oklch(0.28 0.12 265)",
            "950": "oklch(0.22 0.09 265)",
        },
    },
    "SIDEBAR": {
        "navigation": [
            _menu(
                "Arena",
                ("Arenas", "stadium", "arena_arena"),
                ("Contestants", "groups", "arena_contestant"),
                ("Revisions", "history", "arena_contestantrevision"),
                ("Prompts", "edit_note", "arena_prompt"),
                ("Candidates", "image", "arena_candidate"),
                ("Hosts", "dns", "arena_generationhost"),
            ),
            _menu(
                "Voting",
                ("Battles", "swords", "arena_battle"),
                ("Slots", "grid_view", "arena_battleslot"),
                ("Ballots", "how_to_vote", "arena_ballot"),
                ("Voters", "person", "arena_voter"),
                ("Reviews", "gavel", "arena_review"),
                ("Reports", "flag", "arena_flag"),
            ),
            _menu(
                "Ranking",
                ("Leaderboards", "leaderboard", "ranking_leaderboard"),
                ("Snapshots", "photo_camera", "ranking_snapshot"),
                ("Goals", "flag", "ranking_goalstanding"),
            ),
            _menu(
                "People",
                ("Accounts", "badge", "arena_user"),
                ("Mail addresses", "mail", "account_emailaddress"),
                ("Groups", "group", "auth_group"),
            ),
        ],
    },
}

# Language, time, logs

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = True

LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
    "filters": {"without_traceback": {"()": "config.problems.WithoutTraceback"}},
    "handlers": {
        "console": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["without_traceback"]},
    },
    "root": {"handlers": ["console"], "level": environment.text("LOG_LEVEL", "WARNING")},
}
# Constraints on a ballot's ranks are SQL that Django cannot repeat in forms; no form writes ballots, PostgreSQL checks.
SILENCED_SYSTEM_CHECKS = ["models.W045"]
