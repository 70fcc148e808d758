"""Keys written where they would be stored and shown in clear: in the settings of a contestant."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

# What vendors' keys begin with; names have hyphens and underscores where these go on with letters and digits.
_BEGINNINGS = re.compile(
    r"sk-|bearer\s|(?:sk|pk|rk|hf|gsk|xai|r8|nvapi|pplx|ghp)[_-][a-z0-9]{16,}|aiza[\w-]{16,}|eyj[\w-]{16,}",
    re.IGNORECASE,
)
_BASIC = re.compile(r"[Bb]asic\s+(?=\S*[A-Z0-9=])[A-Za-z0-9+/]{8,}={0,2}")  # a user and a password in base 64
# A long run with letters and many digits is drawn by lot, not chosen by a person.
_RUN = re.compile(r"(?=(?:[^0-9]*[0-9]){4})(?=(?:[^A-Za-z]*[A-Za-z]){4})[A-Za-z0-9_\-+/=.]{24,}")
# The same without what joins words, in an address: of a model `gpt-4o-mini-transcribe-2025-12-15` is chosen.
_DRAWN = re.compile(r"(?<![A-Za-z0-9])(?=(?:[A-Za-z]*[0-9]){4})(?=(?:[0-9]*[A-Za-z]){4})[A-Za-z0-9]{24,}")
# What is nothing but a key wherever it stands, even in the middle of a prompt.
_ANYWHERE = re.compile(
    r"(?<![A-Za-z0-9])(?:sk-(?=[\w-]{0,64}[0-9])[\w-]{16,}|(?:sk|pk|rk)_(?:live|test)_\w{10,}"
    r"|(?:hf|gsk|r8|ghp|gho|ghs|fw|csk|tgp_v1)_[A-Za-z0-9]{20,}|(?:xai|nvapi|pplx|glpat)-(?=[\w-]{0,64}[0-9])[\w-]{20,}"
    r"|github_pat_\w{20,}|AIza[\w-]{30,}|(?:AKIA|ASIA)[0-9A-Z]{16}|eyJ[\w-]{10,}\.[\w-]{10,}\."
    r"|[Bb]earer\s+(?=\S{0,64}[0-9])[\w+/=.~-]{20,}|[Bb]asic\s+(?=\S{0,64}[0-9])(?=\S{0,64}[A-Z])[A-Za-z0-9+/]{12,}={0,2}(?![\w-]))"
)
# A field or header and its value in one text, outside of prose.
_ASSIGNED = re.compile(
    r"(?:[\w-]{1,64}[_-])?(?:authorization|api[_-]?key|access[_-]?(?:key|token)|auth[_-]?token|client[_-]?secret|password|token)\s*[:=]\s*\S",
    re.IGNORECASE,
)
_NAMES = {"token", "secret", "bearer", "credential", "credentials", "passwd"}
_NAME_ENDS = (
    "authorization",
    "apikey",
    "accesskey",
    "secretkey",
    "accesstoken",
    "authtoken",
    "bearertoken",
    "clientsecret",
    "password",
)


def looks_like_a_key(text: str) -> bool:
    """Whether somebody seems to have written a key where its name belongs."""
    text = text.strip()
    return bool(_BEGINNINGS.match(text) or _BASIC.fullmatch(text) or _RUN.fullmatch(text))


def holds_a_key(text: str) -> bool:
    """Whether a key of a known form stands somewhere in a text: a prompt may say much, but not that."""
    return bool(_ANYWHERE.search(text))


def leads_by_a_key(path: str) -> bool:
    """Whether the path of an address seems to have a key within: drawn by lot, or as a parameter."""
    return bool(_DRAWN.search(path) or _ASSIGNED.search(path))


def assigns_a_key(text: str) -> bool:
    """Whether a text of a request names a secret field and its value: `Authorization: ...`, `api_key=...`."""
    return bool(_ASSIGNED.match(text.strip()))


def names_a_key(name: str) -> bool:
    """Whether what a field of this name holds is secret: `api_key`, `Authorization`, `x-api-key`."""
    plain = "".join(each for each in name.lower() if each.isalnum())
    return plain in _NAMES or plain.endswith(_NAME_ENDS)


def keys_in_clear(settings: Mapping[str, object], known: Mapping[str, object]) -> Iterator[str]:
    """The names of the settings that hold a key anywhere within. Those that are `known` may have any name."""
    for name, value in settings.items():
        if holds_a_key(name) or _is_told(value) or (name not in known and names_a_key(name)):
            yield name


def without_keys(text: str) -> str:
    """The text with `***` in place of each key of a known form."""
    return _ANYWHERE.sub("***", text)


def _is_told(value: object) -> bool:
    if isinstance(value, str):
        return holds_a_key(value)
    if isinstance(value, Mapping):
        return any(
            holds_a_key(str(name)) or _is_told(inner) or (names_a_key(str(name)) and _is_text(inner))
            for name, inner in value.items()
        )
    if isinstance(value, list | tuple):
        return any(map(_is_told, value))
    return False


def _is_text(value: object) -> bool:
    """Texts alone are keys: a JSON schema describes fields of such names by objects."""
    return (isinstance(value, str) and bool(value)) or (isinstance(value, list | tuple) and any(map(_is_text, value)))
