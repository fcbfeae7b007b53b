"""Finds a tool call that is the same as the one before it, while the calls are still being written."""

from collections.abc import Iterator, Sequence

from models.modalities.text import ToolDelta


class RepeatFilter:
    """Passes on the pieces of calls, and drops a call that repeats the one before it: with that the calls end.

    A call is held back for as long as it is the same as the one before it. Nothing is passed on after a repetition.
    """

    def __init__(self) -> None:
        self.met = False
        """Whether a call was repeated."""
        self._before = ToolDelta(-1)
        self._call = ToolDelta(-1)
        self._held = False

    def pass_on(self, pieces: Sequence[ToolDelta], *, complete: bool) -> tuple[ToolDelta, ...]:
        """The pieces that may be shown. ``complete``: the last of these calls is."""
        shown = tuple(shown for piece in pieces for shown in self._take(piece))
        if complete:
            self._end_call()
        return shown

    def _take(self, piece: ToolDelta) -> Iterator[ToolDelta]:
        if piece.id:
            self._end_call()
            self._before, self._call, self._held = self._call, ToolDelta(piece.index, piece.id, piece.name), True
        if self.met:
            return
        before, call = self._before, self._call
        self._call = ToolDelta(call.index, call.id, call.name, call.arguments + piece.arguments)
        if not self._held:
            yield piece
        elif self._call.name != before.name or not before.arguments.startswith(self._call.arguments):
            self._held = False
            yield self._call

    def _end_call(self) -> None:
        self.met = self.met or (self._held and self._call.arguments == self._before.arguments)
