"""Finds a tool call that is the same as the one before it, while the calls are still being written."""

import json
from collections.abc import Iterator, Sequence

from models.modalities.text import ToolDelta


class RepeatFilter:
    """Passes on the pieces of calls, and drops a call that repeats the one before it: with that the calls end.

    A call is held back for as long as it is the same as the one before it, but for white space. Nothing is passed on
    after a repetition, nor after ``most`` calls.
    """

    def __init__(self, most: int | None = None) -> None:
        self.met = False
        """Whether a call was repeated, or was one too many."""
        self._most = most
        self._calls = 0
        self._first = ToolDelta(-1)
        """The first piece of the call that is being written."""
        self._arguments: list[str] = []
        self._before = self._first, ""
        """The call before it: its first piece, and its arguments."""
        self._expected = ""
        """The arguments of the call before it, without white space."""
        self._matched = 0
        """How much of that the call repeats so far."""
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
            self._before = self._first, "".join(self._arguments)
            self._first, self._arguments, self._held = piece, [], True
            self._expected, self._matched = _squeezed(self._before[1]), 0
            self.met = self.met or self._calls == self._most
            self._calls += 1
        if self.met:
            return
        self._arguments.append(piece.arguments)
        if not self._held:
            yield piece
        elif not self._may_repeat(piece):
            yield self._release()

    def _may_repeat(self, piece: ToolDelta) -> bool:
        written = _squeezed(piece.arguments)
        goes_on = self._first.name == self._before[0].name and self._expected.startswith(written, self._matched)
        self._matched += len(written)
        return goes_on

    def _release(self) -> ToolDelta:
        """The call as far as it was held back, in one piece."""
        self._held = False
        return ToolDelta(self._first.index, self._first.id, self._first.name, "".join(self._arguments))

    def _end_call(self) -> Iterator[ToolDelta]:
        if self.met or not self._held:
            return
        self.met = _decoded("".join(self._arguments)) == _decoded(self._before[1])
        if not self.met:
            yield self._release()
        self._held = False


def _squeezed(arguments: str) -> str:
    return "".join(arguments.split())


def _decoded(arguments: str) -> object:
    """The arguments as an object; as they are where they are not JSON."""
    try:
        return json.loads(arguments)
    except (ValueError, RecursionError):
        return arguments
