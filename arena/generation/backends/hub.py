"""Models by name: a folder of this machine, or a model of the Hugging Face hub at one commit.

The form imports nothing heavy. What fetches imports the hub's library when it is called.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from pydantic import Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from arena.generation.backends.fingerprint import fingerprint
from arena.generation.backends.forms import Form
from arena.generation.backends.protocol import Access, GenerationError

SECRET = "huggingface"  # noqa: S105  # the name of a secret
_COMMIT = re.compile("[0-9a-f]{40}")
_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]{0,95}(/[A-Za-z0-9][\w.-]{0,95})?")
_FOLDER = ("/", "./", "../", "~/")
_WHERE = "the model's page on the hub lists them under Files, History"


class ModelForm(Form):
    """Settings that name a model so that it stays the same."""

    advice: ClassVar[str] = "a token of the hub is the secret huggingface of the installation, and needs no setting"

    model: str = Field(description="A model of the Hugging Face hub, or a folder: /..., ./..., ../... or ~/...")
    revision: str | None = Field(
        default=None,
        validate_default=True,
        description="The commit of a hub model, 40 hexadecimal digits. Branches and tags move, so none is taken.",
    )

    @property
    def is_folder(self) -> bool:
        """Whether `model` names a folder of this machine and not a model of the hub."""
        return self.model.startswith(_FOLDER)

    @field_validator("model")
    @classmethod
    def _is_a_hub_id_or_a_folder(cls, model: str) -> str:
        if not model.startswith(_FOLDER) and (not _HUB_ID.fullmatch(model) or ".." in model):
            raise PydanticCustomError(
                "model", "is neither owner/name of the hub nor a folder that begins with /, ./, ../ or ~/"
            )
        return model

    @field_validator("revision")
    @classmethod
    def _is_pinned(cls, revision: str | None, info: ValidationInfo) -> str | None:
        model = info.data.get("model")
        if model is None:  # refused already
            return revision
        if model.startswith(_FOLDER):
            if revision is not None:
                raise PydanticCustomError("revision", "is for models of the hub; a folder has none")
        elif revision is None:
            raise PydanticCustomError(
                "revision", "is required for a model of the hub: a commit, 40 hex digits; {where}", {"where": _WHERE}
            )
        elif not _COMMIT.fullmatch(revision):
            raise PydanticCustomError(
                "revision",
                "is no commit of 40 hex digits; branches and tags move, and outputs must stay reproducible; {where}",
                {"where": _WHERE},
            )
        return revision


@dataclass(frozen=True)
class Files:
    """A folder with a model. `weights`: which ones, the commit of the hub or else the folder's `fingerprint`."""

    folder: Path
    weights: str


def local_folder(settings: ModelForm, marker: str) -> Files:
    """The folder that the settings name; `GenerationError` if it has no file `marker`."""
    folder = Path(settings.model).expanduser()
    if not (folder / marker).is_file():
        raise GenerationError(
            f"{settings.model} is no folder with a model: it has no {marker} on the machine of this worker",
            permanent=True,
        )
    try:
        return Files(folder, fingerprint(folder))
    except OSError as error:
        raise GenerationError(f"{settings.model} cannot be read: {first_line(error)}", permanent=False) from error


def snapshot(settings: ModelForm, access: Access, wanted: Sequence[str], unwanted: Sequence[str] = ()) -> Files:
    """The files of a hub model that match `wanted`, downloaded if they are not here yet.

    A private or gated model is asked for with the secret `huggingface`, if there is one, and with no other login.
    """
    import httpx2
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError

    try:
        folder = snapshot_download(
            settings.model,
            revision=settings.revision,
            token=token(access),
            allow_patterns=list(wanted),
            ignore_patterns=list(unwanted),
        )
    except (HfHubHTTPError, httpx2.HTTPError, OSError) as error:
        raise explained(settings, error, access) from error
    return Files(Path(folder), Path(folder).name)


def token(access: Access) -> str | bool:
    """What the hub is asked with; False keeps its library from using the login of whoever runs the worker."""
    return access.secrets.get(SECRET) or False


def explained(settings: ModelForm, error: Exception, access: Access) -> GenerationError:
    """Why the hub did not give a model, and what to do."""
    import httpx2
    from huggingface_hub.errors import (
        GatedRepoError,
        HfHubHTTPError,
        LocalEntryNotFoundError,
        OfflineModeIsEnabled,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    model = f"{settings.model} at {settings.revision}"
    if isinstance(error, GatedRepoError):
        asked = "is not accepted for it" if access.secrets.get(SECRET) else "is needed for it"
        why = f"{model} is gated and the secret {SECRET!r} {asked}: accept its terms on its page, with that account"
        return GenerationError(why, permanent=True)
    if isinstance(error, RevisionNotFoundError):
        return GenerationError(f"{settings.model} has no revision {settings.revision} on the hub", permanent=True)
    if isinstance(error, RepositoryNotFoundError):
        why = f"the hub has no model {settings.model}; if it is private, store an access token as secret {SECRET!r}"
        return GenerationError(why, permanent=True)
    if isinstance(error, HfHubHTTPError):  # an httpx2.HTTPError as well
        status = error.response.status_code if error.response is not None else 500
        refused = 400 <= status < 500 and status not in {408, 429}
        return GenerationError(f"the hub does not give {model}: {first_line(error)}", permanent=refused)
    if isinstance(error, LocalEntryNotFoundError | OfflineModeIsEnabled | httpx2.HTTPError):
        why = f"{model} is not on this machine yet and the hub cannot be reached: {first_line(error)}"
        return GenerationError(why, permanent=False)
    return GenerationError(f"{model} cannot be fetched: {first_line(error)}", permanent=False)


def first_line(error: Exception) -> str:
    """The first line of what an error says, or its kind."""
    return next(iter(str(error).strip().splitlines()), type(error).__name__)
