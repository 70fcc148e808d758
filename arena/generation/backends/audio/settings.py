"""What makes one sound contestant differ from another. No torch, so that a web process can check it."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator
from pydantic_core import PydanticCustomError

from arena.generation.backends.hub import ModelForm

_TAKEN = {
    "input_ids",
    "attention_mask",
    "speaker_id",
    "num_return_sequences",
    "return_dict_in_generate",
    "return_dict",
    "streamer",
}


class AudioSettings(ModelForm):
    """Settings of the backend `transformers-audio`. What is left out is the model's own choice."""

    dtype: Literal["auto", "float32", "bfloat16", "float16"] = Field(
        default="auto", description="Number format of the weights; auto: as they are stored."
    )
    max_seconds: float = Field(
        default=30.0, gt=0, le=600, description="Sound ends after so many seconds at the latest."
    )
    speaker: int | None = Field(default=None, ge=0, description="Number of the voice, for models that have several.")
    arguments: dict[str, bool | int | float | str] = Field(
        default_factory=dict,
        description='Further arguments of the model, such as {"guidance_scale": 3.0} or {"speaking_rate": 1.2}.',
    )
    batch_size: int | None = Field(
        default=None, ge=1, le=256, description="Requests worked on at once; by default 8 on a GPU, 1 on a CPU."
    )

    @field_validator("arguments")
    @classmethod
    def _are_free(cls, arguments: dict[str, bool | int | float | str]) -> dict[str, bool | int | float | str]:
        for name in arguments:
            if name in _TAKEN:
                raise PydanticCustomError(
                    "arguments", "{name} is set by a setting of its own, or is not to be set", {"name": name}
                )
        return arguments
