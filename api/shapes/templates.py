"""Chat templates tried out, as the API shows them."""

from typing import Literal

from typing_extensions import TypedDict


class TemplateFault(TypedDict):
    """What is wrong with a chat template. ``line``: of the template, from 1; null: of no one line, or not known.

    ``syntax``: it is no template; ``failed``: it stopped, or refused the conversation; ``too_long``: it writes too
    much; ``too_slow`` and ``too_large``: it takes more time or memory than it may.
    """

    kind: Literal["syntax", "failed", "too_long", "too_slow", "too_large"]
    line: int | None
    message: str


class RenderedTemplate(TypedDict):
    """What a chat template made of a conversation: its ``text``, or an ``error``. ``chat_template``: the one that did.

    ``describes_tools``: whether it tells the model of tools; else engines do that themselves. ``takes_thinking``:
    whether it heeds ``enable_thinking``.
    """

    chat_template: str
    text: str | None
    error: TemplateFault | None
    describes_tools: bool
    takes_thinking: bool
