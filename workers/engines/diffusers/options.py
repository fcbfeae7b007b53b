"""What a launch of a diffusers pipeline may set."""

from typing import Annotated, Literal

from pydantic import Field

from workers.engines.base import Options

_Size = Annotated[str, Field(pattern=r"^[1-9]\d{1,3}x[1-9]\d{1,3}$")]
_Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,100}$")]


class DiffusersOptions(Options):
    """What a launch may set. Size, steps, guidance and sampler are the model's own by default."""

    dtype: Literal["auto", "float32", "float16", "bfloat16"] = "auto"
    max_batch: int | None = Field(
        None, ge=1, le=64, description="Images drawn at once; by default 4, on a GPU 8, or as many as fit."
    )
    n_threads: int | None = Field(None, ge=1, le=256, description="CPU threads; on a GPU 8 at most.")
    default_size: _Size | None = None
    default_steps: int | None = Field(None, ge=1, le=250)
    default_guidance: float | None = Field(None, ge=0, le=100)
    scheduler: str | None = Field(None, max_length=100, description="The sampler of requests that name none.")
    prompt_syntax: Literal["plain", "a1111"] = Field("plain", description="Of requests that say none.")
    max_pixels: int | None = Field(None, ge=4096, description="Of one image; by default 4 times the default size.")
    loras: dict[_Name, str] = Field({}, description="Adapters that requests may name: where each lies.")
    controlnet: str | None = Field(None, max_length=1000)
    cpu_offload: bool = Field(False, description="Keep on the GPU only the part that computes.")
    vae_tiling: bool = Field(False, description="Decode large images in tiles.")
    safety_checker: bool = Field(True, description="Run the model's own, where it has one.")
    preview_every_s: float | None = Field(1.0, ge=0, description="None: no previews.")
