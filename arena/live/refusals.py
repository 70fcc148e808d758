"""Why a prompt was not taken. The form comes back with what was typed and the message beside it."""

from __future__ import annotations

from arena.refusals import Conflict, NotAllowed, Refusal


class NoLivePrompts(NotAllowed):
    code = "no_live_prompts"
    title = "This arena asks its own prompts"


class NotAsked(Refusal):
    """The voter can change something and try again."""

    code = "prompt_not_asked"
    status = 422
    title = "The prompt was not asked"


class PromptUnfit(NotAsked):
    code = "prompt_unfit"


class BadUpload(NotAsked):
    code = "upload_unfit"


class BodyTooLarge(NotAsked):
    """More than any prompt has. Nothing of it was looked at."""

    code = "body_too_large"
    status = 413


class PromptRefused(NotAsked):
    code = "prompt_refused"


class TooManyPrompts(NotAsked):
    code = "too_many_prompts"
    status = 429


class TooFewContestants(NotAsked):
    code = "too_few_contestants"
    status = 409


class StillAnswering(Conflict):
    code = "still_answering"
    title = "Your last prompt is still being answered"
