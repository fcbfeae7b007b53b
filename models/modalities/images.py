"""Images: OpenAI's ``/v1/images/…``, with Xinference's ``kwargs`` and further parameters of diffusion models.

All endpoints have the same body; the files that come with it decide what is done. Without files the prompt is drawn. An
``image`` is drawn anew by the prompt; with a ``mask``, or if the image has transparent parts, only that region of it. A
mask with transparent parts marks those, as with OpenAI; any other mask marks its white parts, as with Stable Diffusion.
Bodies may come from a form, so that numbers may be strings.
"""

import base64
import json
import math
import re
import time
from collections.abc import Callable, Collection
from typing import Annotated, Any, ClassVar, Literal

import msgspec
from pydantic import BeforeValidator, Field, ValidationInfo, field_validator, model_validator
from pydantic_core import PydanticCustomError

from models.errors import InvalidRequest
from models.modalities import samplers
from models.modalities.base import Bool, Float, Int, truth
from models.modalities.json_object import JsonObject
from models.modalities.media import Answer, MediaRequest, first_of
from models.unicode import refuse_broken

MOST_PIXELS = 1 << 24
"""Most pixels of all images of one request together: sixteen of 1024x1024, or one of 4096x4096."""
MOST_STEPS = 250
SIDES = range(64, 4097, 8)
EFFORT = {"low": 0.5, "high": 1.5, "hd": 1.5}
"""By ``quality``: how many of the model's own steps are taken. It has no effect where ``steps`` is given."""
MEDIA_TYPES = {"png": "image/png", "jpeg": "image/jpeg", "webp": "image/webp"}

_SIZE = re.compile(r"\s*(\d{1,5})\s*[xX*×]\s*(\d{1,5})\s*")  # noqa: RUF001  # some write a multiplication sign
_ALIASES = {
    "num_inference_steps": "steps",
    "guidance": "guidance_scale",
    "cfg_scale": "guidance_scale",
    "sampler_name": "scheduler",
    "sampler": "scheduler",
    "denoising_strength": "strength",
    "controlnet_conditioning_scale": "control_scale",
    "loras": "lora",
}


def listed(value: Any) -> Any:
    """A list of adapters, from one name, from a list of names or objects, or, in a form, from JSON text."""
    if isinstance(value, str):
        value = _decoded(value, "lora") if value[:1] in ("[", "{") else value
        value = value if isinstance(value, list) else [value]
    return [{"name": one} if isinstance(one, str) else one for one in value] if isinstance(value, list) else value


def _decoded(text: str, name: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise PydanticCustomError("invalid_value", "'{name}' is not valid JSON", {"name": name}) from error


class Lora(JsonObject):
    """A LoRA adapter that the model was launched with, and how strongly to apply it; 0: not at all."""

    name: str = Field(min_length=1, max_length=100)
    scale: Annotated[Float, Field(ge=-8, le=8)] = 1.0


class Request(MediaRequest):
    """Body of the image endpoints. ``INERT``: fields that are not implemented, with the values that ask for nothing."""

    INERT: ClassVar[dict[str, tuple[Any, ...]]] = {
        "moderation": ("auto", "low"),
        "background": (True, False, "auto", "opaque"),
    }
    HINTS: ClassVar[dict[str, tuple[str, ...]]] = {
        "quality": ("", "auto", "standard", "medium", *EFFORT),
        "style": ("", "vivid"),
        "input_fidelity": ("", "low"),
    }
    """OpenAI's hints, with the values that are heeded or ask for nothing. Others are ignored, and named as ignored."""
    PLATFORM: ClassVar[frozenset[str]] = MediaRequest.PLATFORM | {"prompt", "safety_identifier", *HINTS}

    prompt: str | None = Field(None, max_length=32_000, description="may be left out where there is an image")
    negative_prompt: str | None = Field(None, max_length=32_000)
    prompt_syntax: Literal["plain", "a1111"] | None = Field(
        None, description="a1111: prompts of any length, with weights as (red:1.5)"
    )
    n: Annotated[Int, Field(ge=1, le=16)] = 1
    size: str | None = Field(None, max_length=20, description='"WxH" or "W*H", each a multiple of 8; or "auto"')
    response_format: Literal["url", "b64_json"] | None = Field(None, description="by default both")
    output_format: Literal["png", "jpeg", "webp"] = "png"
    output_compression: Annotated[Int, Field(ge=0, le=100)] | None = Field(None, description="of jpeg and webp")
    seed: Annotated[Int, Field(ge=-1, lt=1 << 63)] | None = Field(
        None, description="of the first image, each next one's is one more; -1 is any"
    )
    steps: Annotated[Int, Field(ge=1, le=MOST_STEPS)] | None = None
    guidance_scale: Annotated[Float, Field(ge=0, le=100)] | None = None
    true_cfg_scale: Annotated[Float, Field(ge=0, le=100)] | None = Field(
        None, description="guidance away from the negative prompt, on models that are guided otherwise, such as FLUX"
    )
    scheduler: str | None = Field(None, max_length=100, description="a sampler's name, such as 'DPM++ 2M Karras'")
    strength: Annotated[Float, Field(gt=0, le=1)] | None = Field(None, description="how far to leave the image")
    control_scale: Annotated[Float, Field(ge=0, le=4)] | None = Field(None, description="how far to heed ControlNet")
    lora: Annotated[list[Lora], Field(max_length=8), BeforeValidator(listed)] | None = None
    stream: Bool = False
    partial_images: Annotated[Int, Field(ge=0, le=3)] | None = None
    quality: str | None = Field(None, max_length=20)
    style: str | None = Field(None, max_length=20)
    background: Annotated[bool | str, BeforeValidator(truth)] | None = Field(
        None, description="true: answer 202 and go on in the background"
    )
    moderation: str | None = Field(None, max_length=20)
    input_fidelity: str | None = Field(None, max_length=20)
    safety_identifier: str | None = Field(None, max_length=512)

    @model_validator(mode="before")
    @classmethod
    def _one_name_each(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        body = _renamed({name: one for name, one in value.items() if name != "kwargs" and one is not None})
        extra = value.get("kwargs")
        if isinstance(extra, str):
            extra = _decoded(extra, "kwargs") if extra.strip() else None
        if extra is None:
            return body
        if not isinstance(extra, dict):
            raise PydanticCustomError("invalid_value", "'kwargs' must be a JSON object")
        refuse_broken(list(extra), nul=True)  # the values are checked with their fields
        return _renamed({name: one for name, one in extra.items() if name != "request_id" and one is not None}) | body

    @field_validator("size")
    @classmethod
    def _sized(cls, value: str | None) -> str | None:
        return size_of(value)

    @field_validator("scheduler")
    @classmethod
    def _known_sampler(cls, value: str | None) -> str | None:
        if value is None or value.strip().lower() in ("", "default"):
            return None
        found = samplers.find(value)
        if found is None:
            known = ", ".join(one.name for one in samplers.SAMPLERS)
            raise PydanticCustomError("invalid_value", "no such sampler; there are {known}", {"known": known})
        return found.name

    @field_validator("seed")
    @classmethod
    def _any_seed(cls, value: int | None) -> int | None:
        return None if value == -1 else value

    @field_validator(*INERT)
    @classmethod
    def _inert_only(cls, value: Any, info: ValidationInfo) -> Any:
        allowed = cls.INERT[info.field_name or ""]
        if value is not None and not any(type(value) is type(one) and value == one for one in allowed):
            raise PydanticCustomError("unsupported_parameter", "this value is not supported")
        return value

    @model_validator(mode="after")
    def _bounded(self) -> "Request":
        if self.dimensions and self.n * math.prod(self.dimensions) > MOST_PIXELS:
            raise PydanticCustomError(
                "invalid_value", "'n' images of this 'size' have more than {most} pixels", {"most": MOST_PIXELS}
            )
        if self.partial_images and not self.stream:
            raise PydanticCustomError("invalid_value", "'partial_images' needs 'stream': true")
        if self.partial_images and self.n > 1:
            raise PydanticCustomError("invalid_value", "'partial_images' needs 'n': 1")
        return self

    def asked(self) -> set[str]:
        return super().asked() - self.INERT.keys()

    @property
    def unenforced(self) -> tuple[str, ...]:
        hints = [name for name, heeded in self.HINTS.items() if (getattr(self, name) or "").lower() not in heeded]
        if self.steps is not None and self.effort != 1 and "quality" not in hints:
            hints.append("quality")
        return tuple(hints)

    @property
    def effort(self) -> float:
        """How many of the model's own steps ``quality`` asks for."""
        return EFFORT.get((self.quality or "").lower(), 1.0)

    @property
    def dimensions(self) -> tuple[int, int] | None:
        """Width and height, where they were asked for."""
        return sides_of(self.size)

    def check_files(self, names: Collection[str]) -> None:
        """Raise InvalidRequest if the request makes no sense with the files of these names."""
        if "image" not in names:
            if not self.prompt:
                raise InvalidRequest("'prompt' is required", param="prompt")
            for name in ("mask", "strength"):
                if name in names or getattr(self, name, None) is not None:
                    raise InvalidRequest(f"'{name}' needs an 'image'", param=name)


def size_of(value: str | None) -> str | None:
    """A size as ``512x512``; None for "auto". Raises PydanticCustomError, for a validator."""
    if value is None or value.strip().lower() in ("", "auto"):
        return None
    found = _SIZE.fullmatch(value)
    if found is None:
        raise PydanticCustomError("invalid_value", "must be like '512x512', or 'auto'")
    width, height = int(found[1]), int(found[2])
    if width not in SIDES or height not in SIDES:
        raise PydanticCustomError("invalid_value", "width and height must be multiples of 8, from 64 to 4096")
    return f"{width}x{height}"


def sides_of(size: str | None) -> tuple[int, int] | None:
    """Width and height of a size as ``512x512``; None for none."""
    if size is None:
        return None
    width, _, height = size.partition("x")
    return int(width), int(height)


def is_image(name: str) -> bool:
    """Whether a file of this name is a further image beside the first: ``image.1``, ``image.2``."""
    return name != "image" and first_of(name) == "image"


def _renamed(body: dict[str, Any]) -> dict[str, Any]:
    renamed: dict[str, Any] = {}
    for name, value in body.items():
        known = _ALIASES.get(name, name)
        if known in renamed:
            raise PydanticCustomError("invalid_value", "'{name}' is given twice", {"name": known})
        renamed[known] = value
    return renamed


def render(request: Request, body: dict[str, Any], link: Callable[[str], str], read: Callable[[str], bytes]) -> Answer:
    """OpenAI's ``ImagesResponse``; each image also has its seed."""
    data = []
    for image in body["images"]:
        name = image["artifact"]
        shown = {}
        if request.response_format != "b64_json":
            shown["url"] = link(name)
        if request.response_format != "url":
            shown["b64_json"] = base64.b64encode(read(name)).decode()
        data.append(shown | {key: image[key] for key in ("seed", "flagged") if key in image})
    answer = {"created": body["created"], "data": data, "size": body["size"], "output_format": request.output_format}
    warning, ignored = body.get("warning", ""), tuple(body.get("ignored", ()))
    return Answer(msgspec.json.encode(answer | _told(warning, ignored)), warning=warning, ignored=ignored)


def _told(warning: str, ignored: tuple[str, ...]) -> dict[str, Any]:
    """What the headers of a whole answer say, for those who get it otherwise: in a job's result, in a stream."""
    return ({"warning": warning} if warning else {}) | ({"ignored": ignored} if ignored else {})


class Piece(msgspec.Struct, array_like=True, frozen=True):
    """A piece of a streamed answer, as an engine makes it. ``index`` counts partial images; None: a finished one.

    ``warning``: what the picture lacks; ``ignored``: the fields that had no effect on it.
    """

    data: bytes
    size: str
    edit: bool
    index: int | None = None
    seed: int | None = None
    warning: str = ""
    ignored: tuple[str, ...] = ()

    def encode(self) -> bytes:
        """The piece as bytes, for ``MediaSink.piece``."""
        return msgspec.msgpack.encode(self)


class Stream:
    """OpenAI's server-sent events: partial images, then a ``completed`` for each image; there is no ``[DONE]``."""

    media_type = "text/event-stream"

    def __init__(self, request: Request) -> None:
        self._format = request.output_format

    def piece(self, data: bytes) -> bytes:
        """One event."""
        piece = msgspec.msgpack.decode(data, type=Piece)
        kind = (
            f"image_{'edit' if piece.edit else 'generation'}.{'completed' if piece.index is None else 'partial_image'}"
        )
        event: dict[str, Any] = {
            "type": kind,
            "b64_json": base64.b64encode(piece.data).decode(),
            "created_at": int(time.time()),
            "size": piece.size,
            "output_format": self._format,
            "quality": "auto",
            "background": "opaque",
        }
        if piece.index is None:
            event |= {"seed": piece.seed, "usage": _NO_TOKENS} | _told(piece.warning, piece.ignored)
        else:
            event["partial_image_index"] = piece.index
        return b"event: " + kind.encode() + b"\ndata: " + msgspec.json.encode(event) + b"\n\n"

    def end(self, body: dict[str, Any]) -> bytes:
        """Nothing: each finished image came as a piece."""
        return b""


_NO_TOKENS = {
    "input_tokens": 0,
    "input_tokens_details": {"image_tokens": 0, "text_tokens": 0},
    "output_tokens": 0,
    "total_tokens": 0,
}
