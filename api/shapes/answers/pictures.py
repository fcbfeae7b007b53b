"""Pictures that were drawn, whole and as the events of a stream."""

from typing import Literal, NotRequired

from typing_extensions import TypedDict

OutputFormat = Literal["png", "jpeg", "webp"]


class DrawnImage(TypedDict):
    """A picture: a signed URL, base64, or both. ``flagged``: the model's safety checker blackened it."""

    url: NotRequired[str]
    b64_json: NotRequired[str]
    seed: NotRequired[int]
    flagged: NotRequired[bool]


class PictureNotes(TypedDict):
    """What of a request the answer lacks, and the fields that had no effect on it."""

    warning: NotRequired[str]
    ignored: NotRequired[list[str]]


class DrawnImages(PictureNotes):
    """The pictures of a request. ``created`` is in seconds since 1970, ``size`` is WIDTHxHEIGHT in pixels."""

    created: int
    data: list[DrawnImage]
    size: str
    output_format: OutputFormat


class ImageTokenDetails(TypedDict):
    """Tokens of a prompt, always 0: pictures are not counted in tokens."""

    image_tokens: int
    text_tokens: int


class ImageTokens(TypedDict):
    """Tokens as OpenAI counts them, always 0: pictures are not counted in tokens."""

    input_tokens: int
    input_tokens_details: ImageTokenDetails
    output_tokens: int
    total_tokens: int


class ImageEvent(TypedDict):
    """What all events of a streamed picture have. ``b64_json`` is the picture in base64."""

    b64_json: str
    created_at: int
    size: str
    output_format: OutputFormat
    quality: Literal["auto"]
    background: Literal["opaque"]


class PartialImage(ImageEvent):
    """A picture as it is so far."""

    type: Literal["image_generation.partial_image", "image_edit.partial_image"]
    partial_image_index: int


class FinishedImage(ImageEvent, PictureNotes):
    """A picture."""

    type: Literal["image_generation.completed", "image_edit.completed"]
    seed: int | None
    usage: ImageTokens
