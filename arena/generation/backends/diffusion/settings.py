"""What makes one diffusion model contestant differ from another. No torch, so that a web process can check it."""

from __future__ import annotations

from typing import Literal, get_args

from pydantic import Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from arena.generation.backends.hub import ModelForm

Task = Literal["text-to-image", "image-edit", "text-to-video"]
# Classes of diffusers that draw all their noise from the generators they are given, so that a seed means one output.
Scheduler = Literal[
    "CogVideoXDDIMScheduler",
    "CogVideoXDPMScheduler",
    "DDIMScheduler",
    "DDPMScheduler",
    "DEISMultistepScheduler",
    "DPMSolverMultistepScheduler",
    "DPMSolverSinglestepScheduler",
    "EDMDPMSolverMultistepScheduler",
    "EDMEulerScheduler",
    "EulerAncestralDiscreteScheduler",
    "EulerDiscreteScheduler",
    "FlowMatchEulerDiscreteScheduler",
    "FlowMatchHeunDiscreteScheduler",
    "HeunDiscreteScheduler",
    "KDPM2AncestralDiscreteScheduler",
    "KDPM2DiscreteScheduler",
    "LCMScheduler",
    "LMSDiscreteScheduler",
    "PNDMScheduler",
    "SASolverScheduler",
    "TCDScheduler",
    "UniPCMultistepScheduler",
]
SCHEDULERS: tuple[str, ...] = get_args(Scheduler)
SIDE_STEP = 8  # pixels; what nearly every autoencoder divides sides by
# Arguments of pipelines that have a setting of their own, or that would break the promise of one output a request.
_TAKEN = {
    "prompt",
    "image",
    "negative_prompt",
    "generator",
    "height",
    "width",
    "num_inference_steps",
    "guidance_scale",
    "num_frames",
    "frame_rate",
    "output_type",
    "return_dict",
    "num_images_per_prompt",
    "num_videos_per_prompt",
    "latents",
}

_Options = dict[str, bool | int | float | str]


class DiffusionSettings(ModelForm):
    """Settings of the backend `diffusers`. What is left out is the model's own choice."""

    task: Task = Field(default="text-to-image", description="image-edit: a source picture and an instruction.")
    variant: str | None = Field(
        default=None, pattern=r"^[a-z0-9]{1,16}$", description='Which copy of the weights, such as "fp16".'
    )
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = Field(
        default="auto", description="Number format it is run in; auto: bfloat16 on a GPU, float32 on a CPU."
    )
    scheduler: Scheduler | None = Field(
        default=None, description="How noise is taken away; by default the model's own."
    )
    scheduler_options: _Options = Field(
        default_factory=dict, description='Options of the scheduler, such as {"use_karras_sigmas": true}.'
    )
    steps: int | None = Field(default=None, ge=1, le=1000, description="Steps of taking noise away.")
    guidance: float | None = Field(default=None, ge=0, le=50, description="How strictly the prompt is followed.")
    negative_prompt: str = Field(default="", max_length=2000, description="What should not be seen.")
    width: int | None = Field(default=None, ge=64, le=4096, multiple_of=SIDE_STEP, description="Pixels.")
    height: int | None = Field(default=None, ge=64, le=4096, multiple_of=SIDE_STEP, description="Pixels.")
    frames: int | None = Field(default=None, ge=1, le=1000, validate_default=True, description="Of a video.")
    fps: int | None = Field(
        default=None, ge=1, le=60, validate_default=True, description="Frames of a video shown a second."
    )
    arguments: _Options = Field(
        default_factory=dict, description='Further arguments of the pipeline, such as {"strength": 0.6}.'
    )
    batch_size: int | None = Field(
        default=None, ge=1, le=256, description="Requests worked on at once; by default 4 on a GPU, and 1 for videos."
    )
    cpu_offload: bool = Field(
        default=False, description="Keep on the GPU only the part of the model that is at work. Nothing on a CPU."
    )

    @field_validator("frames", "fps")
    @classmethod
    def _is_of_a_video(cls, value: int | None, info: ValidationInfo) -> int | None:
        task = info.data.get("task")
        if value is not None and task != "text-to-video":
            raise PydanticCustomError("video", "is for the task text-to-video")
        if value is None and task == "text-to-video" and info.field_name == "fps":
            raise PydanticCustomError("video", "is required for the task text-to-video")
        return value

    @field_validator("arguments")
    @classmethod
    def _are_free(cls, arguments: _Options) -> _Options:
        for name in arguments:
            if name in _TAKEN or "embeds" in name or name.startswith("callback"):
                raise PydanticCustomError(
                    "arguments", "{name} is set by a setting of its own, or is not to be set", {"name": name}
                )
        return arguments
