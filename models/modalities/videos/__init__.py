"""Videos: drawn from a prompt, from the picture that they begin with, or from their first and their last one.

Without files the prompt is drawn. ``image`` is the first frame, ``last_image`` the last one. Bodies may come from a
form, so that numbers may be strings. An outcome has the artifacts ``video.mp4``, ``thumbnail.webp`` (the first frame)
and ``spritesheet.jpg``, and the body ``{"created", "video", "thumbnail", "spritesheet", "size", "frames", "fps",
"seconds", "seed", "steps"}``, which tells what was drawn; ``ignored`` and ``warning`` as images have them.

Used by the gateway, which also compares a request with what a loaded model can make (``limits``), and by the runner.
"""

import base64
import math
import time
from collections.abc import Callable, Collection, Sequence
from typing import Annotated, Any, ClassVar, Literal

import msgspec
from pydantic import BeforeValidator, Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from models.errors import InvalidRequest, UnsupportedParameter
from models.modalities.base import Bool, Float, Int
from models.modalities.form_fields import merged
from models.modalities.images import Lora, listed, sides_of, size_of
from models.modalities.media import Answer, Artifact, MediaRequest, Outcome

MOST_FRAMES = 1200
MOST_SECONDS = 120
MOST_PIXELS = 1 << 29
"""Most pixels of all frames of one video together: nine seconds of 1920x1080 at 30 frames a second."""
MOST_STEPS = 250

_ALIASES = {
    "num_inference_steps": "steps",
    "guidance": "guidance_scale",
    "cfg_scale": "guidance_scale",
    "frames": "num_frames",
    "frame_rate": "fps",
    "frames_per_second": "fps",
    "duration": "seconds",
    "loras": "lora",
}
_FILES = ("image", "last_image")


class Request(MediaRequest):
    """Body of a video. How many frames, which sizes and which speeds there are depends on the model."""

    PLATFORM: ClassVar[frozenset[str]] = MediaRequest.PLATFORM | {"prompt", "n"}

    prompt: str | None = Field(None, max_length=32_000, description="may be left out where there is an image")
    negative_prompt: str | None = Field(None, max_length=32_000)
    n: Int = Field(1, description="1: a request makes one video")
    size: str | None = Field(None, max_length=20, description='"WxH" or "W*H", each a multiple of 8; or "auto"')
    seconds: Annotated[Float, Field(gt=0, le=MOST_SECONDS)] | None = Field(
        None, description="rounded to the nearest length that the model can make, which the answer tells"
    )
    num_frames: Annotated[Int, Field(ge=1, le=MOST_FRAMES)] | None = Field(None, description="in the place of seconds")
    fps: Annotated[Float, Field(ge=1, le=120)] | None = Field(None, description="frames a second")
    steps: Annotated[Int, Field(ge=1, le=MOST_STEPS)] | None = None
    guidance_scale: Annotated[Float, Field(ge=0, le=100)] | None = None
    lora: Annotated[list[Lora], Field(max_length=8), BeforeValidator(listed)] | None = None
    seed: Annotated[Int, Field(ge=-1, lt=1 << 63)] | None = Field(None, description="-1 is any")
    response_format: Literal["url", "b64_json"] | None = Field(None, description="by default url")
    background: Bool | None = Field(None, description="true: answer 202 and go on in the background")

    @model_validator(mode="before")
    @classmethod
    def _one_name_each(cls, value: Any) -> Any:
        """The fields under our names, with Xinference's ``kwargs`` put in; what is null or empty is left out."""
        if not isinstance(value, dict):
            return value
        body: dict[str, Any] = {}
        for name, one in merged(value).items():
            known = _ALIASES.get(name, name)
            if one is None or name == "request_id" or (one == "" and name != "model"):
                continue
            if known in body:
                raise PydanticCustomError("invalid_value", "'{name}' is given twice", {"name": known})
            body[known] = one
        return _with_size(body)

    @field_validator("size")
    @classmethod
    def _sized(cls, value: str | None) -> str | None:
        return size_of(value)

    @field_validator("n")
    @classmethod
    def _one(cls, value: int) -> int:
        if value != 1:
            raise PydanticCustomError("unsupported_parameter", "a request makes one video: send it several times")
        return value

    @field_validator("seed")
    @classmethod
    def _any_seed(cls, value: int | None) -> int | None:
        return None if value == -1 else value

    @model_validator(mode="after")
    def _bounded(self) -> "Request":
        if self.seconds is not None and self.num_frames is not None:
            raise PydanticCustomError("invalid_value", "give 'seconds' or 'num_frames', not both")
        return self

    @property
    def dimensions(self) -> tuple[int, int] | None:
        """Width and height, where they were asked for."""
        return sides_of(self.size)

    def check_files(self, names: Collection[str]) -> None:
        """Raise InvalidRequest if the request makes no sense with the files of these names."""
        for name in sorted(names):
            if name not in _FILES:
                first = name.partition(".")[0]
                raise UnsupportedParameter(f"'{first}' must be one file", param=first)
        if "last_image" in names and "image" not in names:
            raise InvalidRequest("'last_image' needs an 'image', which is the first frame", param="image")
        if not self.prompt and "image" not in names:
            raise InvalidRequest("'prompt' is required", param="prompt")


def _with_size(body: dict[str, Any]) -> dict[str, Any]:
    """The body with ``size`` in the place of ``width`` and ``height``, as Xinference's ``kwargs`` have them."""
    if "width" not in body and "height" not in body:
        return body
    width, height = body.pop("width", None), body.pop("height", None)
    if "size" in body:
        raise PydanticCustomError("invalid_value", "give 'size', or 'width' and 'height'")
    if width is None or height is None:
        raise PydanticCustomError("invalid_value", "'width' and 'height' belong together")
    return body | {"size": f"{width}x{height}"}


def frames_of(seconds: float, fps: float, step: int, first: int) -> int:
    """The number of frames nearest to so many seconds, of those that a model makes: ``first``, then each ``step`` more.

    Where two are equally near, the longer one.
    """
    return first + step * max(0, math.floor((seconds * fps - first) / step + 0.5))


def refuse_length(frames: int, step: int, first: int, *, param: str = "num_frames") -> None:
    """Raise InvalidRequest for a number of frames that a model does not make, with the nearest that it makes."""
    below = first + step * max(0, (frames - first) // step)
    if below == frames:
        return
    near = f"{below}" if below > frames else f"{below} or {below + step}"
    other = ", or give 'seconds'" if param == "num_frames" else ""
    raise InvalidRequest(f"this model makes {step}k+{first} frames: say {near} as '{param}'{other}", param=param)


def outcome(
    files: Sequence[Artifact],
    size: str,
    frames: int,
    fps: float,
    *,
    seed: int,
    steps: int,
    warning: str = "",
    ignored: Sequence[str] = (),
) -> Outcome:
    """What was drawn. ``files`` are the video, its thumbnail and its sheet, in this order."""
    names = dict(zip(("video", "thumbnail", "spritesheet"), (one.name for one in files), strict=True))
    told = {"size": size, "frames": frames, "fps": fps, "seconds": round(frames / fps, 3), "seed": seed, "steps": steps}
    lacks = ({"warning": warning} if warning else {}) | ({"ignored": list(ignored)} if ignored else {})
    return Outcome({"created": int(time.time())} | names | told | lacks, list(files))


def render(request: Request, body: dict[str, Any], link: Callable[[str], str], read: Callable[[str], bytes]) -> Answer:
    """The video as a signed URL, or in base64 where that was asked for; with its thumbnail, and what was drawn."""
    video = {"thumbnail_url": link(body["thumbnail"]), "spritesheet_url": link(body["spritesheet"])}
    if request.response_format == "b64_json":
        video["b64_json"] = base64.b64encode(read(body["video"])).decode()
    else:
        video["url"] = link(body["video"])
    told = {name: body[name] for name in ("size", "frames", "fps", "seconds", "steps") if name in body}
    answer = {"created": body["created"], "data": [video | {"seed": body["seed"]}], "output_format": "mp4"} | told
    return Answer(msgspec.json.encode(answer), warning=body.get("warning", ""), ignored=tuple(body.get("ignored", ())))
