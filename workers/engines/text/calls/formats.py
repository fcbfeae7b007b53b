"""How models write tool calls: the texts around names and arguments. ``table`` lists who writes how."""

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class ToolFormat:
    """Calls that are JSON objects, or names with such an object after them. The format can be written, too.

    A group of calls is ``trigger CALL``, or ``trigger [CALL, CALL]`` where ``listed``; a call is
    ``lead NAME middle ARGUMENTS tail end``. ``trigger``: the text with which calls begin; empty: calls begin with the
    answer's first character, or there are none. ``keys``: where a call is a JSON object, its keys for the name and for
    the arguments, the first empty where the name itself is the key; None where it is no object. ``repeats``: whether
    one answer may have several groups of calls. ``separator`` stands between two groups.

    What is only read: ``triggers`` are other texts with which calls begin, ``closings`` are dropped after calls, and
    ``several``: further objects may follow the first without a trigger.
    """

    name: str
    lead: str = ""
    middle: str = ""
    tail: str = ""
    trigger: str = ""
    end: str = ""
    listed: bool = False
    repeats: bool = True
    separator: str = ""
    keys: tuple[str, tuple[str, ...]] | None = ("name", ("arguments", "parameters"))
    triggers: tuple[str, ...] = ()
    closings: tuple[str, ...] = ()
    several: bool = False

    @property
    def tags(self) -> tuple[str, ...]:
        """The texts that may be special tokens, and must not be hidden when an answer is decoded."""
        bare = () if self.trigger else (PYTHON_TAG,)
        middle = () if self.keys else (self.middle,)
        return tuple(tag for tag in (self.trigger, self.end, *middle, *bare, *self.triggers, *self.closings) if tag)


@dataclass(frozen=True, slots=True)
class NamedFormat:
    """Calls that are ``trigger NAME middle ARGUMENTS closing``; one of ``wraps`` may stand before the first.

    ``prefix`` before a name is dropped. ``numbered``: a name ends in ``:N``, and so do the ids of calls in a history,
    ``functions.NAME:N``. ``gap``: something may stand between the middle and the arguments.
    """

    name: str
    triggers: tuple[str, ...]
    middles: tuple[str, ...]
    closings: tuple[str, ...]
    wraps: tuple[str, ...] = ()
    prefix: str = ""
    numbered: bool = False
    gap: bool = False

    @property
    def tags(self) -> tuple[str, ...]:
        """See ``ToolFormat``."""
        return (*self.wraps, *self.triggers, self.prefix, *self.middles, *self.closings)

    def function(self, text: str) -> str:
        """The function that a text between trigger and middle names."""
        text = text.strip().removeprefix(self.prefix)
        name, colon, number = text.rpartition(":")
        return name if self.numbered and colon and number.isdigit() else text


@dataclass(frozen=True, slots=True)
class ElementFormat:
    """Calls in which each argument stands between tags, as text.

    A call is ``trigger NAME name_end``, then for each argument ``key_begin KEY key_end``, where it is not empty
    ``value_begin``, ``VALUE value_end``, at last ``end``; one of ``wraps`` may stand before it, ``closings`` after it.
    A name's or key's tag may have attributes. ``lines``: a line's end after the key's tag and one before the value's
    end are no part of the value.
    """

    name: str
    triggers: tuple[str, ...]
    name_ends: tuple[str, ...]
    key_begins: tuple[str, ...]
    key_ends: tuple[str, ...]
    value_ends: tuple[str, ...]
    ends: tuple[str, ...]
    value_begins: tuple[str, ...] = ()
    wraps: tuple[str, ...] = ()
    closings: tuple[str, ...] = ()
    lines: bool = False

    @property
    def tags(self) -> tuple[str, ...]:
        """See ``ToolFormat``."""
        keys = (*self.key_begins, *self.key_ends, *self.value_begins, *self.value_ends)
        return (*self.wraps, *self.triggers, *self.name_ends, *keys, *self.ends, *self.closings)


@dataclass(frozen=True, slots=True)
class PythonFormat:
    """Calls as Python writes them, one a line or in a list: ``trigger [NAME(KEY=VALUE), …] end``.

    Without triggers a list begins with the answer's first character; it may be of JSON objects.
    """

    name: str
    triggers: tuple[str, ...] = ()
    ends: tuple[str, ...] = ()
    openings: tuple[str, ...] = ()

    @property
    def tags(self) -> tuple[str, ...]:
        """See ``ToolFormat``."""
        return (*self.triggers, *self.ends, *self.openings)


@dataclass(frozen=True, slots=True)
class BraceFormat:
    """Calls as ``trigger call:NAME{KEY:VALUE,…} end``, in which ``quote`` stands around texts."""

    name: str
    trigger: str
    end: str
    quote: str

    @property
    def tags(self) -> tuple[str, ...]:
        """See ``ToolFormat``."""
        return (self.trigger, self.end, self.quote)


CallFormat: TypeAlias = ToolFormat | NamedFormat | ElementFormat | PythonFormat | BraceFormat

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
"""The formats in which calls can be demanded, by grammars."""
