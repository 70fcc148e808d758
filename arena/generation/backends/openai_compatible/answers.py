"""What a server's answer means: a body, or a failure with the reason it gives and whether trying again can help."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from http import HTTPStatus

from arena.generation.backends.openai_compatible.connecting import Answer
from arena.generation.backends.openai_compatible.keys import Key, NoKey
from arena.generation.backends.openai_compatible.retrying import Transient, retry_after
from arena.generation.backends.protocol import GenerationError

MOST_EXPLANATION = 64 * 2**10  # bytes of an error's body that are read
_SHOWN = 300  # characters of it that are shown

# Conflict, too early, a lock: what the request met may be gone the next time. Not implemented will not be.
_PASSING = {
    HTTPStatus.REQUEST_TIMEOUT,
    HTTPStatus.CONFLICT,
    HTTPStatus.LOCKED,
    HTTPStatus.TOO_EARLY,
    HTTPStatus.TOO_MANY_REQUESTS,
}
_LASTING = {HTTPStatus.NOT_IMPLEMENTED, HTTPStatus.HTTP_VERSION_NOT_SUPPORTED}


def is_passing(status: int) -> bool:
    return status in _PASSING or (status >= 500 and status not in _LASTING)


def check_status(answer: Answer, key: Key | NoKey, now: float) -> None:
    """Raises `Transient` or a permanent `GenerationError` for every status but 200; the key is nowhere in it."""
    if answer.status == HTTPStatus.OK:
        return
    said = f"{answer.server} answered {answer.status} {_phrase(answer.status)}".rstrip()
    if 300 <= answer.status < 400:
        goal = key.redact(answer.headers.get("location", "nowhere"))
        message = f"{said}: redirects are not followed (to {_short(goal)}); write the last address into base_url"
        raise GenerationError(message, permanent=True)
    message = said + _colon(explanation(answer.beginning(MOST_EXPLANATION), key)) + _advice(answer.status)
    if is_passing(answer.status):
        raise Transient(message, wait=retry_after(answer.headers.get("retry-after"), now))
    raise GenerationError(message, permanent=True)


def check_type(answer: Answer, *allowed: str, key: Key | NoKey) -> None:
    """A permanent `GenerationError` for a body of another content type: an HTML page, mostly."""
    if answer.content_type not in allowed:
        kind = key.redact(answer.content_type)[:80] or "no content type"
        message = f"{answer.server} answered with {kind} instead of {' or '.join(allowed)}"
        raise GenerationError(f"{message}; does base_url end where the API begins (mostly /v1)?", permanent=True)


def parsed(text: str | bytes, server: str, key: Key | NoKey) -> dict[str, object]:
    """A JSON object that reports no error. `Transient` for what is no JSON: it was cut or mixed up on its way."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        shown = explanation(text.encode() if isinstance(text, str) else text[:MOST_EXPLANATION], key)
        raise Transient(f"{server} sent what is no JSON{_colon(shown)}") from None
    if not isinstance(found, dict):
        raise GenerationError(f"{server} sent JSON that is no object", permanent=True)
    if found.get("error") or found.get("object") == "error":
        raise _reported(found, server, key)
    return found


def _reported(body: Mapping[str, object], server: str, key: Key | NoKey) -> GenerationError:
    """An error within an answer that began as a success."""
    inner = body.get("error")
    error = inner if isinstance(inner, dict) else body
    message = f"{server} reported an error{_colon(explanation(json.dumps(body).encode(), key))}"
    codes = [str(error.get(name)) for name in ("code", "status")]
    code = next((int(code) for code in codes if re.fullmatch("[0-9]{3}", code)), 0)
    refused = 400 <= code < 600 and not is_passing(code)
    if refused or error.get("type") in {"invalid_request_error", "BadRequestError", "authentication_error"}:
        return GenerationError(message, permanent=True)
    return Transient(message)


def explanation(body: bytes, key: Key | NoKey) -> str:
    """What a body says about a failure, in one short line; empty if it says nothing."""
    text = body.decode("utf-8", "replace")
    try:
        said = _said(json.loads(text))
    except (ValueError, RecursionError):
        said = "an HTML page" if text.lstrip()[:9].lower().startswith(("<!doctype", "<html")) else text
    return _short(key.redact(said))


def _said(body: object) -> str:
    """OpenAI: error.message; vLLM and FastAPI: message or detail; Ollama and TGI: error as a text."""
    if isinstance(body, dict):
        for name in ("error", "message", "detail"):
            if body.get(name):
                return _said(body[name])
    return body if isinstance(body, str) else json.dumps(body)


def _short(text: str) -> str:
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= _SHOWN else f"{line[:_SHOWN]} ..."


def _colon(text: str) -> str:
    return f": {text}" if text else ""


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


def _advice(status: int) -> str:
    if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        return " (is `key` the name of the right secret?)"
    if status in {HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED}:
        return " (does base_url end where the API begins, mostly /v1, and does the server know the model?)"
    return ""
