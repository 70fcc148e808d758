"""Expected refusals: what a person or a program asked for and cannot have, and what to do about it.

Actions raise them; `config.problems` turns them into a page, an htmx fragment or JSON. Nothing else catches them.
"""

from __future__ import annotations

from collections.abc import Sequence


class Refusal(Exception):
    """`code` is for programs and stays stable; the message says what, which value and what to do."""

    code = "refused"
    status = 400
    title = "That did not work"

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class NotFound(Refusal):
    code = "not_found"
    status = 404
    title = "Not found"


class NotAllowed(Refusal):
    code = "not_allowed"
    status = 403
    title = "Not allowed"


class Conflict(Refusal):
    code = "conflict"
    status = 409
    title = "Too late"


class Gone(Refusal):
    code = "gone"
    status = 410
    title = "This has expired"


class Invalid(Refusal):
    code = "invalid"
    status = 400
    title = "That cannot be used"


class ManyInvalid(Invalid):
    """Some parts of what was handed in cannot be taken, so nothing was. `problems` names every one of them."""

    unit = "line"

    def __init__(self, problems: Sequence[object]) -> None:
        self.problems = list(problems)
        count = f"1 {self.unit} is" if len(problems) == 1 else f"{len(problems)} {self.unit}s are"
        super().__init__(f"{count} refused; nothing was loaded. First: {problems[0]}")
