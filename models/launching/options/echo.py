"""What a launch may set of the engine echo."""

from typing import Literal

from pydantic import Field

from models.launching.options.base import Options


class EchoOptions(Options):
    """``step_ms`` 0 means one step in each iteration of the event loop; ``load_s`` simulates a slow load."""

    step_ms: float = Field(1.0, ge=0, le=60_000, description="Milliseconds of a step.")
    load_s: float = Field(0.0, ge=0, le=3600, description="Seconds that loading takes.")
    max_inflight: int = Field(256, ge=1, le=4096, description="Requests at once.")
    context_length: int = Field(32_768, ge=1, description="Tokens of a request.")
    max_tokens: int = Field(64, ge=1, description="Tokens of an answer that asks for no limit.")
    modality: Literal["text", "videos"] = "text"
