"""What a launch of a diffusers pipeline may set."""

from typing import Annotated, Literal

from pydantic import Field

from models.launching.options.base import Options

_Size = Annotated[str, Field(pattern=r"^[1-9]\d{1,3}x[1-9]\d{1,3}$")]
_Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,100}$")]


class PipelineOptions(Options):
    """What a launch of any pipeline may set. Size, steps and guidance are the model's own by default.

    ``modality`` follows from the model type of the launch.
    """

    modality: Literal["images", "videos"] = "images"
    dtype: Literal["auto", "float32", "float16", "bfloat16"] = Field(
        "auto", description="float32 on a CPU; on a GPU the pipeline's own, or what an old GPU computes well."
    )
    n_threads: int | None = Field(None, ge=1, le=256, description="CPU threads; on a GPU 8 at most.")
    default_size: _Size | None = Field(None, description="Of requests that name none: 1024x1024.")
    default_steps: int | None = Field(None, ge=1, le=250, description="Steps of requests that name none.")
    default_guidance: float | None = Field(None, ge=0, le=100, description="Guidance of requests that name none.")
    loras: dict[_Name, str] = Field({}, description="Adapters that requests may name: where each lies.")
    cpu_offload: bool = Field(False, description="Keep on the GPU only the part that computes.")


class DiffusersOptions(PipelineOptions):
    """What a launch of a pipeline that draws pictures may set, beside that. The sampler is its own by default."""

    max_batch: int | None = Field(
        None, ge=1, le=64, description="Images drawn at once; by default 4, on a GPU 8, or as many as fit."
    )
    scheduler: str | None = Field(None, max_length=100, description="The sampler of requests that name none.")
    prompt_syntax: Literal["plain", "a1111"] = Field("plain", description="Of requests that say none.")
    max_pixels: int | None = Field(None, ge=4096, description="Of one image; by default 4 times the default size.")
    base: str | None = Field(
        None, min_length=1, max_length=1000, description="A pipeline's folder or repository, for a network in one file."
    )
    controlnet: str | None = Field(
        None, max_length=1000, description="A ControlNet that requests steer by a picture: where it lies."
    )
    vae_tiling: bool = Field(False, description="Decode large images in tiles.")
    safety_checker: bool = Field(True, description="Run the model's own, where it has one.")
    preview_every_s: float | None = Field(
        1.0, ge=0, description="Seconds between two previews of a picture; null: none."
    )


class VideoOptions(PipelineOptions):
    """What a launch of a pipeline that makes videos may set, beside that."""

    default_frames: int | None = Field(None, ge=1, le=1200, description="Frames of requests that name none.")
    default_fps: float | None = Field(None, ge=1, le=120, description="Frames a second.")
    flow_shift: float | None = Field(
        None, gt=0, le=100, description="How far steps are moved to the noisy ones: larger frames want more."
    )
    max_pixels: int | None = Field(
        None, ge=4096, description="Of all frames of a video; by default 4 times those of the default size and length."
    )
    vae_tiling: bool = Field(True, description="Decode large frames in tiles.")
