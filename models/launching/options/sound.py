"""What a launch may set of the engines for sound."""

from typing import Literal

from pydantic import Field

from models.launching.options.base import Options

_ComputeType = Literal[
    "int8",
    "int8_float16",
    "int8_float32",
    "int8_bfloat16",
    "int16",
    "float16",
    "bfloat16",
    "float32",
    "default",
    "auto",
]


class FasterWhisperOptions(Options):
    """``None`` means what suits the device."""

    compute_type: _ComputeType | None = Field(None, description="int8 on a CPU, float16 on a GPU.")
    n_threads: int | None = Field(None, ge=1, le=256, description="CPU threads of one request.")
    max_inflight: int | None = Field(None, ge=1, le=32, description="Requests at once; 1 on a CPU, 2 on a GPU.")
    batch_size: int | None = Field(
        None, ge=1, le=128, description="Clips at once; 16 on a GPU, 1 on a CPU, where more save little and abort late."
    )
    beam_size: int = Field(5, ge=1, le=16, description="For requests that do not set it; 1 is a third faster.")
    max_audio_s: float = Field(4 * 3600, gt=0, le=30 * 24 * 3600, description="Longest recording, in seconds.")
    translates: bool | None = Field(
        None, description="It can translate into English. Found out: models with a short decoder, as turbo, cannot."
    )


class HibariOptions(Options):
    """What a launch may set."""

    max_inflight: int = Field(4, ge=1, le=64, description="Requests that take turns.")
    n_threads: int = Field(1, ge=1, le=64, description="Threads of one sentence.")
    max_characters: int = Field(4096, ge=1, le=1_000_000, description="Longest text of a request.")


class KokoroOptions(Options):
    """What a launch may set."""

    max_inflight: int = Field(4, ge=1, le=64, description="Requests that take turns.")
    n_threads: int | None = Field(None, ge=1, le=64, description="Threads of one sentence; 4, or the cores.")
    max_characters: int = Field(4096, ge=1, le=1_000_000, description="Longest text of a request.")
    default_voice: str | None = Field(None, max_length=80, description="The voice of requests that name none.")
    network: str | None = Field(None, max_length=200, description="The file of the network, where there are several.")


class PiperOptions(Options):
    """What a launch may set."""

    max_inflight: int = Field(4, ge=1, le=64, description="Requests that take turns.")
    n_threads: int | None = Field(None, ge=1, le=64, description="Threads of one sentence; 4, or the cores.")
    max_characters: int = Field(4096, ge=1, le=1_000_000, description="Longest text of a request.")
    default_voice: str | None = Field(None, max_length=200, description="The voice of requests that name none.")
