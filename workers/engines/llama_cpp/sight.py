"""Models that see: the file of the projector, and pictures as llama.cpp takes them."""

import base64
import io
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

from models.errors import InvalidRequest, UnsupportedParameter
from models.launching.gguf import header
from models.modalities import completions
from models.modalities.chat.messages import ImagePart, Media, Message, RefusalPart, TextPart
from workers.engines.media.pictures import flat, opened
from workers.engines.media.pixels import LOW, PixelRange

NONE = "none"
"""What the option says where a model is to read text alone."""
_PRECISIONS = ("f16", "bf16", "q8_0", "f32")
"""The best first: a projector is small, and llama.cpp computes with sixteen bits in any case."""
_BLANK = "data:image/png;base64,AAAA"
"""What stands for a picture where a prompt is made without it."""


def projector(source: Path, asked: str | None) -> Path | None:
    """The projector's file; None: there is none, or none is wanted.

    ``asked``: a path, or the name of a file beside the weights; by default the one in the folder that was launched.
    Raises InvalidRequest where that is none, in the same words as where it is not there.
    """
    folder = source if source.is_dir() else source.parent
    if asked == NONE or (asked is None and not source.is_dir()):
        return None
    name = asked or chosen([path.name for path in source.glob("mmproj*.gguf")])
    if name is None:
        return None
    if not _projects(folder / name):
        raise InvalidRequest(f"'mmproj' is no GGUF file of a projector: {name}", param="mmproj")
    return folder / name


def _projects(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return header(file).get("general.architecture") == "clip"
    except (OSError, ValueError):
        return False


def chosen(names: Collection[str]) -> str | None:
    """The one of these files to load, which are the same projector in several precisions; None of none."""

    def rank(name: str) -> tuple[int, str]:
        lower = name.lower().replace("bf16", "b16")
        marks = [one.replace("bf16", "b16") for one in _PRECISIONS]
        return next((at for at, mark in enumerate(marks) if mark in lower), len(marks)), name

    return min(names, key=rank, default=None)


def refuse_beside_projector(request: completions.Request) -> None:
    """Raise UnsupportedParameter for what llama.cpp cannot do where it has a projector: it takes texts alone there."""
    if not all(isinstance(prompt, str) for prompt in request.prompts) or request.scored:
        field = "logprobs" if request.scored else "prompt"
        message = (
            "with a projector llama.cpp takes no prompt of ids, and scores none: launch the model with mmproj 'none'"
        )
        raise UnsupportedParameter(message, param=field)


def content_of(message: Message) -> Any:
    """A message's content for a chat template: its text, or parts where it shows pictures, which are left blank."""
    return _content(message, iter(lambda: _BLANK, None))


def contents(media: Sequence[Media], bounds: PixelRange) -> Callable[[Message], Any]:
    """A function that makes a message's content with its pictures. It must be called with all messages, in their order.

    They become PNG, since llama.cpp reads few formats and turns none upright, scaled to ``bounds``.
    """
    shown = iter(media)

    def content(message: Message) -> Any:
        parts = (part for part in message.parts if isinstance(part, ImagePart))
        return _content(message, (_url(next(shown), bounds, low=part.image_url.detail == "low") for part in parts))

    return content


def _content(message: Message, urls: Iterator[str]) -> Any:
    return [_part(part, urls) for part in message.parts] if any(True for _ in message.media) else message.text


def _part(part: Any, urls: Iterator[str]) -> dict[str, Any]:
    if isinstance(part, TextPart):
        return {"type": "text", "text": part.text}
    if isinstance(part, RefusalPart):
        return {"type": "text", "text": part.refusal}
    return {"type": "image_url", "image_url": {"url": next(urls)}}


def _url(media: Media, bounds: PixelRange, *, low: bool) -> str:
    pixels = PixelRange(most=LOW).within(bounds) if low else bounds
    file = io.BytesIO()
    pixels.fitted(flat(opened(media.data, "messages"))).save(file, "png", compress_level=1)
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"
