"""What Replicate's and fal's protocols share: a hosted model's input as the body of an endpoint. Pure functions.

Their models name inputs as they like; the names that most of them use are translated, and ours are taken as they are.
"""

import json
import re
from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any

from models.errors import HeadraceError
from models.modalities.media import Answer
from models.rows.records import FileRow

_Json = dict[str, Any]

FILES = "/v1/files"

_NAMES: dict[str, dict[str, str]] = {
    "images": {
        "num_outputs": "n",
        "num_images": "n",
        "num_inference_steps": "steps",
        "prompt_strength": "strength",
        "image_url": "image",
        "input_image": "image",
        "mask_url": "mask",
    },
    "videos": {
        "image_url": "image",
        "input_image": "image",
        "start_image": "image",
        "first_frame_image": "image",
        "start_image_url": "image",
        "end_image": "last_image",
        "end_image_url": "last_image",
        "last_frame_image": "last_image",
    },
    "chat": {"max_new_tokens": "max_tokens"},
    "speech": {"text": "input", "prompt": "input"},
    "transcription": {"audio": "file", "audio_url": "file", "audio_file": "file"},
    "embeddings": {"text": "input", "texts": "input"},
}
_SIZES = {
    "square_hd": "1024x1024",
    "square": "512x512",
    "portrait_4_3": "768x1024",
    "portrait_16_9": "576x1024",
    "landscape_4_3": "1024x768",
    "landscape_16_9": "1024x576",
}
"""fal's names of sizes."""


def replicate_file(row: FileRow, base: str) -> dict[str, Any]:
    """Replicate's ``File``; its URL stands for the file in the input of a prediction here."""
    return {
        "id": row.id,
        "name": row.filename,
        "content_type": row.media_type or "application/octet-stream",
        "size": row.bytes,
        "etag": row.id,
        "checksums": {},
        "metadata": {},
        "created_at": timestamp(row.created_at),
        "expires_at": timestamp(row.expires_at),
        "urls": {"get": f"{base}{FILES}/{row.id}"},
    }


def file_ids(given: _Json, base: str) -> _Json:
    """An input with the ids of the files in the place of the URLs that ``replicate_file`` gave them."""
    own = f"{base}{FILES}/"

    def known(value: Any) -> Any:
        if isinstance(value, list):
            return [known(one) for one in value]
        return value.removeprefix(own) if isinstance(value, str) else value

    return {name: known(value) for name, value in given.items()}


def timestamp(ms: int | None) -> str | None:
    """A time of the database as ISO 8601."""
    return None if ms is None else datetime.fromtimestamp(ms / 1000, UTC).isoformat().replace("+00:00", "Z")


def endpoint_body(modalities: Collection[str], given: _Json) -> tuple[str, _Json]:
    """The kind of job that an input asks for, from a model that serves these modalities; and the endpoint's body."""
    served = _served(modalities)
    names = _NAMES.get(served, {})
    body = {names.get(name, name): value for name, value in given.items()}
    match served:
        case "images":
            return _drawing(body)
        case "videos":
            return "videos.generations", body
        case "speech":
            return "audio.speech", body
        case "transcription":
            return "audio.transcriptions", body
        case "chat":
            return "chat.completions", _conversation(body)
    return served, body


def said_as(error: HeadraceError, modalities: Collection[str], given: _Json, inside: str = "") -> HeadraceError:
    """An error about the endpoint's body, with the names that the client wrote, which are below ``inside``."""
    if error.param is None:
        return error
    names = _NAMES.get(_served(modalities), {})
    written = {names.get(name, name): name for name in given}
    for made, before in (("size", "width"), ("size", "image_size"), ("messages", "prompt")):
        if before in given and made not in given:
            written[made] = before
    field = re.split(r"[.\[]", error.param, maxsplit=1)[0]
    rest = error.param.removeprefix(field) if written.get(field, field) == field else ""
    param = f"{inside}{written.get(field, field)}{rest}"
    message = error.message.replace(f"'{error.param}'", f"'{param}'").replace(f"'{field}'", f"'{param}'")
    return type(error)(message, param=param, retry_after=error.retry_after)


def _served(modalities: Collection[str]) -> str:
    return next((name for name in (*_NAMES, "completions", "rerank") if name in modalities), "chat")


def _drawing(body: _Json) -> tuple[str, _Json]:
    width, height, size = (body.pop(name, None) for name in ("width", "height", "image_size"))
    if isinstance(size, dict):
        width, height = size.get("width"), size.get("height")
    elif isinstance(size, str):
        body["size"] = _SIZES.get(size, size)
    if width is not None and height is not None:
        body["size"] = f"{width}x{height}"
    if body.get("output_format") == "jpg":
        body["output_format"] = "jpeg"
    return ("images.edits" if body.get("image") is not None else "images.generations"), body


def _conversation(body: _Json) -> _Json:
    prompt, system = body.pop("prompt", None), body.pop("system_prompt", None)
    if prompt is None or "messages" in body:
        return body
    said = [{"role": "system", "content": system}] if system else []
    return body | {"messages": [*said, {"role": "user", "content": prompt}]}


def text_of(kind: str, answer: Answer) -> Any:
    """The answer of a job without files: a conversation's text, or else the endpoint's own answer."""
    if answer.media_type != "application/json":
        return answer.content.decode(errors="replace")
    said = json.loads(answer.content)
    if kind == "chat.completions":
        return said["choices"][0]["message"]["content"] or ""
    if kind == "completions":
        return said["choices"][0]["text"]
    return said
