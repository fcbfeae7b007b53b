"""How models write tool calls: the texts around name and arguments, and how the format is found in a chat template.

All formats here have the name before the arguments, and these as a JSON object. A group of calls is ``trigger CALL``,
or ``trigger [CALL, CALL]`` where ``listed``; a call is ``lead NAME middle ARGUMENTS tail end``.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ToolFormat:
    """The texts around the parts of calls.

    ``trigger``: the text with which calls begin; empty: calls begin with the answer's first character, or there are
    none. ``keys``: where a call is a JSON object, its keys for the name and for the arguments; None where it is not.
    ``repeats``: whether one answer may have several groups of calls. ``separator`` stands between two groups.
    """

    name: str
    lead: str
    middle: str
    tail: str
    trigger: str = ""
    end: str = ""
    listed: bool = False
    repeats: bool = True
    separator: str = ""
    keys: tuple[str, tuple[str, ...]] | None = ("name", ("arguments", "parameters"))

    @property
    def tags(self) -> tuple[str, ...]:
        """The texts that may be special tokens, and must not be hidden when an answer is decoded."""
        bare = () if self.trigger else (PYTHON_TAG,)
        middle = () if self.keys else (self.middle,)
        return tuple(tag for tag in (self.trigger, self.end, *middle, *bare) if tag)


PYTHON_TAG = "<|python_tag|>"

HERMES = ToolFormat(
    name="hermes",
    trigger="<tool_call>",
    lead='\n{"name": "',
    middle='", "arguments": ',
    tail="}\n",
    end="</tool_call>",
    separator="\n",
)
LLAMA3 = ToolFormat(name="llama3", lead='{"name": "', middle='", "parameters": ', tail="}", repeats=False)
MISTRAL = ToolFormat(
    name="mistral",
    trigger="[TOOL_CALLS]",
    lead='{"name": "',
    middle='", "arguments": ',
    tail="}",
    listed=True,
    repeats=False,
    separator=", ",
)
MISTRAL_ARGS = ToolFormat(name="mistral_args", trigger="[TOOL_CALLS]", lead="", middle="[ARGS]", tail="", keys=None)

TOOL_FORMATS = {one.name: one for one in (HERMES, LLAMA3, MISTRAL, MISTRAL_ARGS)}


def format_of(template: str) -> ToolFormat | None:
    """The format that a chat template uses; None: it knows of no tools, or uses a format that is not among these."""
    if MISTRAL.trigger in template:
        return MISTRAL_ARGS if MISTRAL_ARGS.middle in template else MISTRAL
    if HERMES.trigger in template:
        return None if "<function=" in template else HERMES
    if '"parameters":' in template and ("ipython" in template or PYTHON_TAG in template):
        return LLAMA3
    return None
