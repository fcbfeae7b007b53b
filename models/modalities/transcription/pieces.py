"""A piece of a transcript, as an engine gives it to its sink and the gateway reads it: JSON."""

import msgspec


class HeardPiece(msgspec.Struct, frozen=True, omit_defaults=True):
    """Text that a transcript goes on with, and the stretch of the recording that it lies in, in seconds.

    A stretch is a segment, where the model tells the times of segments; else it is a clip that was heard by itself, and
    several pieces may lie in one.
    """

    text: str
    start: float | None = None
    end: float | None = None

    def encode(self) -> bytes:
        """The bytes for ``MediaSink.piece``. Times are rounded to milliseconds."""
        times = [None if one is None else round(one, 3) for one in (self.start, self.end)]
        return msgspec.json.encode(HeardPiece(self.text, *times))


def piece_of(data: bytes) -> HeardPiece:
    """The piece that these bytes say. Raises msgspec.DecodeError."""
    return msgspec.json.decode(data, type=HeardPiece)
