"""The images that are to be drawn, and the decision which are drawn together: those of one shape."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from models.modalities import images
from workers.engines.base import MediaSink
from workers.engines.media.pictures import Picture

Mode = Literal["text", "image", "inpaint", "control", "control_image", "control_inpaint"]
"""What a picture is drawn from: a text, an image, a part of it, and each of these under a control image."""


@dataclass(frozen=True, slots=True)
class Shape:
    """The arguments that all images of one call of a pipeline share. ``sampler`` is empty for the model's own.

    ``true_guidance``: away from the negative prompt, beside the ``guidance`` that a distilled network is told; 0: none.
    """

    mode: Mode
    width: int
    height: int
    steps: int
    guidance: float
    true_guidance: float = 0.0
    sampler: str = ""
    strength: float = 1.0
    control_scale: float = 1.0
    loras: tuple[tuple[str, float], ...] = ()
    negative: bool = False
    chunked: bool = False

    @property
    def size(self) -> str:
        """The size as OpenAI writes it."""
        return f"{self.width}x{self.height}"


@dataclass(eq=False, slots=True)
class ImageRequest:
    """One request. Belongs to the event loop, except ``over``, which other threads read.

    ``others`` are further images beside ``image``; ``ignored`` the fields that have no effect on this model, and
    ``warning`` what the pictures lack, in a sentence.
    """

    sink: MediaSink
    body: images.Request
    seed: int
    shape: Shape | None = None
    image: Picture | None = None
    mask: Picture | None = None
    control: Picture | None = None
    others: list[Picture] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)
    warning: str = ""
    rows: list["ImageRow"] = field(default_factory=list)
    over: bool = False

    def warn(self, message: str) -> None:
        """Add to the warning, once."""
        if message not in self.warning:
            self.warning = f"{self.warning}; {message}" if self.warning else message


@dataclass(eq=False, slots=True)
class ImageRow:
    """One image of a request. ``data`` is the finished file; ``made`` is set once the event loop has taken it.

    ``size`` is what was drawn, which some pipelines round.
    """

    request: ImageRequest
    index: int
    shape: Shape
    step: int = 0
    made: bool = False
    data: bytes = b""
    size: str = ""
    info: str = ""
    flagged: bool = False

    @property
    def seed(self) -> int:
        """The seed of this image: each image of a request has the next one, as in AUTOMATIC1111."""
        return (self.request.seed + self.index) % (1 << 63)


def next_batch(waiting: deque[ImageRow], limit: Callable[[Shape], int]) -> list[ImageRow]:
    """Take the images to be drawn next: the one that has waited longest, and as many of its shape as ``limit`` allows.

    Images of requests that are over are dropped; the rest keep their order.
    """
    batch: list[ImageRow] = []
    rest: list[ImageRow] = []
    most = 0
    for row in waiting:
        if row.request.over:
            continue
        if not batch:
            most = limit(row.shape)
        if not batch or (row.shape == batch[0].shape and len(batch) < most):
            batch.append(row)
        else:
            rest.append(row)
    waiting.clear()
    waiting.extend(rest)
    return batch
