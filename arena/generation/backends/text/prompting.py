"""From requests to what a model reads: chat template, token ids, pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from jinja2 import TemplateError
from PIL import Image
from tokenizers import Tokenizer

from arena.generation.backends.protocol import GenerationError, Media, Request
from arena.generation.backends.sources import source_picture
from arena.generation.backends.text.settings import TextSettings


@dataclass(frozen=True)
class Asked:
    """A request as the model reads it. `room`: tokens that the answer may have."""

    ids: list[int]
    room: int
    text: str
    picture: Image.Image | None = None


class Asking:
    """A tokenizer, with a processor for models that see."""

    def __init__(self, settings: TextSettings, tokenizer: Any, processor: Any, config: Any) -> None:
        self._settings = settings
        self.tokenizer = tokenizer
        self.processor = processor
        self.context: int | None = getattr(config.get_text_config(), "max_position_embeddings", None)
        writers = [] if settings.chat == "off" else [processor, tokenizer]
        self._templates = next((each for each in writers if getattr(each, "chat_template", None)), None)
        self._image = getattr(processor, "image_token", None) or "<image>"
        tokenizer.padding_side = "left"
        backend = getattr(tokenizer, "backend_tokenizer", None)
        self._fast = backend if isinstance(backend, Tokenizer) else None
        self._single: dict[int, str] = {}

    def ask(self, request: Request) -> Asked:
        """The request as tokens; `GenerationError` if the model cannot take it."""
        picture = None if request.media is None else self._picture(request.media)
        text = self._text(request.prompt, picture)
        if picture is None:
            ids: list[int] = self.tokenizer(text, add_special_tokens=self._templates is None)["input_ids"]
        else:
            try:
                ids = self._seen([text], [picture])["input_ids"][0].tolist()
            except (ValueError, TypeError, IndexError) as error:  # such as a prompt that itself says where pictures go
                raise GenerationError(
                    f"{self._settings.model} cannot read this prompt with its picture: {error}", permanent=True
                ) from error
        if not ids:
            raise GenerationError("the prompt is empty, and this model cannot begin with nothing", permanent=True)
        room = self._settings.max_new_tokens
        if self.context is not None:
            room = min(room, self.context - len(ids))
        if room < 1:
            raise GenerationError(
                f"the prompt has {len(ids)} tokens, and the model reads at most {self.context}, answer included",
                permanent=True,
            )
        return Asked(ids, room, text, picture)

    def together(self, asked: Sequence[Asked]) -> dict[str, Any]:
        """Requests with pictures as one batch of tensors, padded on the left."""
        return dict(self._seen([each.text for each in asked], [each.picture for each in asked]))

    def _seen(self, texts: list[str], pictures: list[Any]) -> Any:
        return self.processor(
            text=texts,
            images=[[picture] for picture in pictures],
            padding=True,
            # A chat template writes the special tokens itself.
            add_special_tokens=self._templates is None,
            return_tensors="pt",
        )

    def decode(self, ids: list[int]) -> str:
        """Text of tokens, special ones left out. Called for every token, so a single one is looked up only once."""
        if len(ids) != 1:
            return self._decoded(ids)
        if ids[0] not in self._single:
            self._single[ids[0]] = self._decoded(ids)
        return self._single[ids[0]]

    def _decoded(self, ids: list[int]) -> str:
        text: str
        if self._fast is not None:  # what the tokenizer would call, at a tenth of the time
            text = self._fast.decode(ids, skip_special_tokens=True)
        else:
            text = self.tokenizer.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False)
        return text

    def _text(self, prompt: str, picture: Image.Image | None) -> str:
        settings = self._settings
        if self._templates is None:
            before = f"{settings.system_prompt}\n\n" if settings.system_prompt else ""
            return f"{before}{self._content(prompt, picture is not None)}"
        told: list[dict[str, Any]] = [{"role": "user", "content": self._content(prompt, picture is not None)}]
        if settings.system_prompt:
            told.insert(0, {"role": "system", "content": self._content(settings.system_prompt, False)})
        try:
            text: str = self._templates.apply_chat_template(
                told, tokenize=False, add_generation_prompt=True, **settings.chat_options
            )
        except (TemplateError, TypeError, ValueError) as error:
            raise GenerationError(f"the chat template of {settings.model} refuses: {error}", permanent=True) from error
        return text

    def _content(self, text: str, has_picture: bool) -> str | list[dict[str, str]]:
        """Templates of processors go through a list of parts; those of tokenizers expect text."""
        if self._templates is not None and self._templates is self.processor:
            return [{"type": "image"}] * has_picture + [{"type": "text", "text": text}]
        return f"{self._image}\n{text}" if has_picture else text

    def _picture(self, media: Media) -> Image.Image:
        if self.processor is None:
            raise GenerationError(
                f"{self._settings.model} reads text only and takes no {media.media_type}", permanent=True
            )
        return source_picture(media).convert("RGB")
