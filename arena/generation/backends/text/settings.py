"""What makes one language model contestant differ from another. No torch, so that a web process can check it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from arena.generation.backends.hub import ModelForm


class TextSettings(ModelForm):
    """Settings of the backend `transformers`. Of a model's own sampling defaults none are used: they are all here."""

    trust_remote_code: bool = Field(
        default=False, description="Run the program code that comes with the weights. The installation must allow it."
    )
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = Field(
        default="auto", description="Number format of the weights; auto: as they are stored."
    )
    quantisation: Literal["none", "8bit", "4bit"] = Field(
        default="none", description="Load smaller weights. Needs bitsandbytes and accelerate."
    )
    attention: Literal["auto", "eager", "sdpa", "flash_attention_2", "flash_attention_3"] = Field(
        default="auto", description="How attention is computed; auto: what suits the model."
    )
    chat: Literal["auto", "off"] = Field(
        default="auto",
        description="auto: ask through the chat template where the model has one; off: continue the text.",
    )
    chat_options: dict[str, bool | int | float | str] = Field(
        default_factory=dict, description='Handed to the chat template, such as {"enable_thinking": false}.'
    )
    system_prompt: str = Field(default="", max_length=20_000, description="Told to the model before each prompt.")
    max_new_tokens: int = Field(default=512, ge=1, le=32_768, description="At most so many tokens are written.")
    temperature: float = Field(default=1.0, ge=0, le=5, description="0: always the likeliest token.")
    top_p: float = Field(default=1.0, gt=0, le=1, description="Choose among the likeliest of this much probability.")
    top_k: int = Field(default=0, ge=0, le=1000, description="Choose among so many likeliest tokens; 0: all.")
    min_p: float = Field(
        default=0.0, ge=0, lt=1, description="Leave out tokens less likely than this share of the likeliest."
    )
    repetition_penalty: float = Field(
        default=1.0, gt=0, le=5, description="Above 1: tokens of the prompt and of the text so far become less likely."
    )
    stop: tuple[Annotated[str, Field(min_length=1, max_length=200)], ...] = Field(
        default=(), max_length=16, description="Texts that end the answer. They are not part of it."
    )
    batch_size: int | None = Field(
        default=None, ge=1, le=1024, description="Requests worked on at once; by default as suits the device."
    )
    batching: Literal["auto", "continuous", "static"] = Field(
        default="auto",
        validate_default=True,
        description="continuous: with paged attention, no padding; auto: that on CUDA with flash attention.",
    )

    @field_validator("batching")
    @classmethod
    def _can_be_continuous(cls, batching: str, info: ValidationInfo) -> str:
        if batching == "continuous" and info.data.get("repetition_penalty", 1.0) != 1.0:
            raise PydanticCustomError(
                "batching", "continuous batching knows no repetition_penalty; choose auto or static"
            )
        return batching
