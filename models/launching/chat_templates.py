"""What a chat template shows of its model: the tags around its thoughts, and what it describes to the model. Pure."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Tags:
    """The texts between which a model puts its thoughts.

    ``begins``, ``ends``: other texts that stand for ``begin`` and ``end``. ``breaks``: texts that end the thoughts as
    well, and belong to what follows. ``around``: pairs of texts around the answer. ``silent``: the model need not write
    the beginning, so that all up to the end are thoughts. ``channels``: the way in which it writes several messages,
    each with a header that says what it is; ``header`` is the one that an answer has after thoughts.
    """

    begin: str
    end: str
    begins: tuple[str, ...] = ()
    ends: tuple[str, ...] = ()
    breaks: tuple[str, ...] = ()
    around: tuple[tuple[str, str], ...] = ()
    silent: bool = False
    channels: Literal["", "harmony", "inkling", "muse"] = ""
    header: str = ""

    @property
    def special(self) -> bool:
        """Whether its texts are special tokens, which are hidden when an answer is decoded as plain text."""
        return self.begin.lstrip().startswith("<|") or bool(self.channels)

    @property
    def marks(self) -> tuple[str, ...]:
        """All the texts."""
        pairs = (text for pair in self.around for text in pair)
        return (self.begin, self.end, *self.begins, *self.ends, *self.breaks, *pairs, self.header)


ReasoningFormatName = Literal[
    "auto",
    "none",
    "think",
    "mistral",
    "seed",
    "harmony",
    "inkling",
    "muse",
    "gemma4",
    "cohere",
    "apertus",
    "granite",
    "kimi_k2",
    "kimi_k3",
    "minimax_m3",
    "k2_horizon",
    "plamo3",
    "hunyuan",
    "ernie",
    "deepseek_r1",
]
_THINK = "<think>", "</think>"

REASONING_FORMATS = {
    "think": Tags(*_THINK),
    "mistral": Tags("[THINK]", "[/THINK]"),
    "seed": Tags("<seed:think>", "</seed:think>"),
    "harmony": Tags(
        "<|channel|>analysis<|message|>",
        "<|end|>",
        channels="harmony",
        header="<|start|>assistant<|channel|>final<|message|>",
    ),
    "inkling": Tags(
        "<|content_thinking|>",
        "<|end_message|>",
        channels="inkling",
        header="<|message_model|><|content_text|>",
    ),
    "muse": Tags(
        " to=self<|message|>",
        "<|eom|>",
        channels="muse",
        header="<|start|>assistant to=user<|message|>",
    ),
    "gemma4": Tags("<|channel>thought\n", "<channel|>"),
    "cohere": Tags(
        "<|START_THINKING|>",
        "<|END_THINKING|>",
        around=(("<|START_RESPONSE|>", "<|END_RESPONSE|>"), ("<|START_TEXT|>", "<|END_TEXT|>")),
    ),
    "apertus": Tags("<|inner_prefix|>", "<|inner_suffix|>", breaks=("<|tools_prefix|>",)),
    "granite": Tags(
        "Here is my thought process:",
        "Here is my response:",
        begins=("Here's my thought process:",),
        ends=("Here's my response:",),
    ),
    "kimi_k2": Tags(*_THINK, breaks=("<|tool_calls_section_begin|>",)),
    "kimi_k3": Tags(
        "<|open|>think<|sep|>",
        "<|close|>think<|sep|>",
        around=(
            ("<|open|>response<|sep|>", "<|close|>response<|sep|>"),
            ("<|open|>message<|sep|>", "<|close|>message<|sep|>"),
        ),
    ),
    "minimax_m3": Tags("<mm:think>", "</mm:think>"),
    "k2_horizon": Tags(
        "<ifm|think>",
        "</ifm|think>",
        begins=("<ifm|think_fast>", "<ifm|think_faster>"),
        ends=("</ifm|think_fast>", "</ifm|think_faster>"),
    ),
    "plamo3": Tags(
        "<|plamo:begin_think:plamo|>",
        "<|plamo:end_think:plamo|>",
        breaks=("<|plamo:begin_tool_requests:plamo|>",),
    ),
    "hunyuan": Tags(*_THINK, around=(("<answer>", "</answer>"),)),
    "ernie": Tags(*_THINK, around=(("<response>", "</response>"),)),
    "deepseek_r1": Tags(*_THINK, silent=True),
}

_MARKERS: dict[str, tuple[str, ...]] = {
    "harmony": ("<|channel|>analysis",),
    "inkling": ("<|content_thinking|>",),
    "muse": ("to=self<|message|>",),
    "gemma4": ("<|channel>",),
    "cohere": ("<|START_THINKING|>",),
    "apertus": ("<|inner_prefix|>",),
    "granite": ("Here is my thought process:",),
    "kimi_k3": ("<|open|>", "<|close|>", "think"),
    "minimax_m3": ("</mm:think>",),
    "k2_horizon": ("</ifm|think",),
    "plamo3": ("<|plamo:begin_think:plamo|>",),
    "kimi_k2": ("</think>", "<|tool_calls_section_begin|>"),
    "hunyuan": ("</think>", "<answer>"),
    "ernie": ("</think>", "<response>"),
    "think": ("<think>", "</think>"),
    "deepseek_r1": ("</think>",),
    "mistral": ("[/THINK]",),
    "seed": ("</seed:think>",),
}
"""What a chat template contains whose model writes thoughts so; the first that fits counts."""


def tags_of(template: str) -> Tags | None:
    """The tags that occur in a chat template; None: its model does not write thoughts."""
    found = (name for name, texts in _MARKERS.items() if all(text in template for text in texts))
    return next((REASONING_FORMATS[name] for name in found), None)


def describes_tools(template: str) -> bool:
    """Whether a chat template describes tools to the model, which was then trained to call them."""
    return "tools" in template
