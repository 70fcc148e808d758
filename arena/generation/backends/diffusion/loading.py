"""From settings to a pipeline on its device, ready to draw."""

from __future__ import annotations

import inspect
import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import diffusers
import httpx2
import torch
import transformers
from diffusers import AutoPipelineForImage2Image, AutoPipelineForText2Image, DiffusionPipeline
from huggingface_hub.errors import HfHubHTTPError

from arena.generation.backends.devices import usable_device
from arena.generation.backends.diffusion.drawing import Drawer
from arena.generation.backends.diffusion.settings import DiffusionSettings
from arena.generation.backends.hub import Files, explained, first_line, local_folder, token
from arena.generation.backends.local import loading
from arena.generation.backends.protocol import Access, GenerationError, MissingLibrary

_INDEX = "model_index.json"
_DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
# Weights only as safetensors, since the older formats can hold programs; and no program code that comes with them.
_SAFE = {"use_safetensors": True, "trust_remote_code": False}

diffusers.utils.logging.disable_progress_bar()
transformers.utils.logging.disable_progress_bar()  # type: ignore[no-untyped-call]


def load(settings: DiffusionSettings, device: str, access: Access) -> Drawer:
    """Fetch the model if need be and put it on `device`; `GenerationError` if it cannot be had or used."""
    if find_spec("accelerate") is None:  # diffusers works without it, but holds the weights twice while it loads them
        raise MissingLibrary("diffusion models need accelerate: pip install -r requirements-diffusers.txt")
    place = usable_device(device)
    files = local_folder(settings, _INDEX) if settings.is_folder else _fetched(settings, access)
    with loading(settings.model, device, _reason):
        pipeline = _pipeline(settings, files.folder, _dtype(settings, place))
        _set_scheduler(settings, pipeline)
        _check_arguments(settings, pipeline)
        pipeline.set_progress_bar_config(disable=True)
        if settings.cpu_offload and place.type != "cpu":
            pipeline.enable_model_cpu_offload(device=place)
        else:
            pipeline.to(place)
    return Drawer(pipeline, settings, place, files.weights)


def _fetched(settings: DiffusionSettings, access: Access) -> Files:
    """The files of the pipeline alone: a repository often holds the same weights in several formats."""
    try:
        folder = DiffusionPipeline.download(
            settings.model, revision=settings.revision, variant=settings.variant, token=token(access), **_SAFE
        )
    except (HfHubHTTPError, httpx2.HTTPError, OSError) as error:
        raise explained(settings, error, access) from error
    except ValueError as error:  # program code, or no safetensors
        raise GenerationError(f"{settings.model} cannot be loaded: {_reason(error)}", permanent=True) from error
    return Files(Path(folder), Path(folder).name)


def _pipeline(settings: DiffusionSettings, folder: Path, dtype: torch.dtype) -> Any:
    named = json.loads((folder / _INDEX).read_text()).get("_class_name")
    kind: Any = getattr(diffusers, named, None) if isinstance(named, str) else None
    if not (inspect.isclass(kind) and issubclass(kind, DiffusionPipeline)):
        raise ValueError(
            f"its pipeline {named!r} is none of diffusers {diffusers.__version__}, and code that comes with weights "
            "is never run"
        )
    taken = inspect.signature(kind.__call__).parameters
    if settings.task == "text-to-video":
        if "num_frames" not in taken:
            raise ValueError(f"its pipeline {named} makes no videos")
    elif "num_frames" in taken:
        raise ValueError(f"its pipeline {named} makes videos; choose the task text-to-video")
    elif settings.task == "image-edit" and "image" not in taken:
        kind = AutoPipelineForImage2Image
    elif settings.task == "text-to-image" and "image" in taken:
        kind = AutoPipelineForText2Image
    return kind.from_pretrained(folder, dtype=dtype, variant=settings.variant, local_files_only=True, **_SAFE)


def _set_scheduler(settings: DiffusionSettings, pipeline: Any) -> None:
    if settings.scheduler is None and not settings.scheduler_options:
        return
    own = pipeline.scheduler
    kind = type(own) if settings.scheduler is None else getattr(diffusers, settings.scheduler)
    options = inspect.signature(kind).parameters
    # Those of distilled models name no others, but follow any that describes noise by its betas.
    by_betas = "beta_schedule" in own.config and "beta_schedule" in options
    if kind not in {type(own), *own.compatibles} and not by_betas:
        known = ", ".join(sorted(each.__name__ for each in own.compatibles))
        raise ValueError(f"{settings.scheduler} does not fit it; these do: {known}")
    unknown = sorted(set(settings.scheduler_options) - set(options))
    if unknown:
        raise ValueError(f"{kind.__name__} has no option {', '.join(unknown)}; it has {', '.join(options)}")
    pipeline.scheduler = kind.from_config(own.config, **settings.scheduler_options)


def _check_arguments(settings: DiffusionSettings, pipeline: Any) -> None:
    """Refuse settings that the pipeline would never see."""
    taken = inspect.signature(type(pipeline).__call__).parameters
    given = set(settings.arguments)
    given |= {"num_inference_steps"} if settings.steps is not None else set()
    given |= {"guidance_scale"} if settings.guidance is not None else set()
    given |= {"negative_prompt"} if settings.negative_prompt else set()
    if settings.task != "image-edit":
        given |= {side for side in ("width", "height") if getattr(settings, side) is not None}
    unknown = sorted(given - set(taken))
    if unknown:
        known = ", ".join(name for name in taken if name not in {"self", "kwargs"})
        raise ValueError(f"{type(pipeline).__name__} does not take {', '.join(unknown)}; it takes {known}")


def _dtype(settings: DiffusionSettings, device: torch.device) -> torch.dtype:
    if settings.dtype == "auto":
        return torch.float32 if device.type == "cpu" else torch.bfloat16
    return _DTYPES[settings.dtype]


def _reason(error: Exception) -> str:
    text = str(error)
    if "trust_remote_code" in text:
        return "it needs program code that comes with its weights, which is never run"
    return first_line(error)
