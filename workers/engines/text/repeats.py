"""Finds a tool call that is the same as the one before it, while the calls are still being written."""

import json
from collections.abc import Iterator, Sequence

from models.modalities.text import ToolDelta


class RepeatFilter:
    """Passes on the pieces of calls, and drops a call that repeats the one before it: with that the calls end.

    A call is held back for as long as it is the same as the one before it, but for white space. Nothing is passed on
    after a repetition.
    """

    def __init__(self) -> None:
        self.met = False
        """Whether a call was repeated."""
        self._before = ToolDelta(-1)
        self._call = ToolDelta(-1)
        self._held = False

    def pass_on(self, pieces: Sequence[ToolDelta], *, complete: bool) -> tuple[ToolDelta, ...]:
        """The pieces that may be shown. ``complete``: the last of these calls is."""
        shown = [shown for piece in pieces for shown in self._take(piece)]
        if complete:
            shown += self._end_call()
        return tuple(shown)

    def _take(self, piece: ToolDelta) -> Iterator[ToolDelta]:
        if piece.id:
            yield from self._end_call()
            self._before, self._call, self._held = self._call, ToolDelta(piece.index, piece.id, piece.name), True
        if self.met:
            return
        call = self._call
        self._call = ToolDelta(call.index, call.id, call.name, call.arguments + piece.arguments)
        if not self._held:
            yield piece
        elif not self._may_repeat():
            self._held = False
            yield self._call

    def _may_repeat(self) -> bool:
        before, call = self._before, self._call
        return call.name == before.name and _squeezed(before.arguments).startswith(_squeezed(call.arguments))

    def _end_call(self) -> Iterator[ToolDelta]:
        if self.met or not self._held:
            return
        self._held = False
        self.met = _decoded(self._call.arguments) == _decoded(self._before.arguments)
        if not self.met:
            yield self._call


def _squeezed(arguments: str) -> str:
    return "".join(arguments.split())


def _decoded(arguments: str) -> object:
    """The arguments as an object; as they are where they are not JSON."""
    try:
        return json.loads(arguments)
    except (ValueError, RecursionError):
        return arguments
