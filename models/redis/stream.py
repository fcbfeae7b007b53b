"""The stream protocol: what a runner publishes to a gateway, and what a gateway sends back.

A runner sends all frames of one engine step for one gateway in ONE publish (a ``Packet``). Publish/subscribe loses
messages silently, so the frames of each request are numbered from 0. Once a second a packet also has beats: the number
of the next frame of every request that the runner has for that gateway. From these a gateway notices lost frames, also
the last ones, and asks for them again. It cancels requests in the beats that it does not know any more.
"""

from enum import IntEnum

import msgspec

from models.errors import WireError

VERSION = 1


class FrameKind(IntEnum):
    """What the body of a frame is."""

    EVENTS = 0  # server-sent events, forwarded as they are
    DONE = 1  # a Closing: the request is over
    ERROR = 2  # a WireError: the request is over


class Closing(msgspec.Struct, array_like=True, frozen=True):
    """Body of the last frame: the bytes that close the answer, and how many tokens it took."""

    body: bytes
    prompt_tokens: int
    completion_tokens: int


class Frame(msgspec.Struct, array_like=True, frozen=True):
    """One piece of one request's answer."""

    rid: str
    seq: int
    kind: int
    body: bytes


class Packet(msgspec.Struct, array_like=True, frozen=True):
    """All that one runner has for one gateway now. ``beats``: request id → the number of the request's next frame."""

    version: int
    epoch: str
    frames: list[Frame]
    beats: dict[str, int] | None = None


class Cancel(msgspec.Struct, array_like=True, frozen=True, tag=0):
    """Gateway → runner: nobody waits for these requests any more."""

    rids: list[str]


class Resend(msgspec.Struct, array_like=True, frozen=True, tag=1):
    """Gateway → runner: publish this request's frames again, from this number on."""

    rid: str
    seq: int


Control = Cancel | Resend

encode = msgspec.msgpack.Encoder().encode
decode_packet = msgspec.msgpack.Decoder(Packet).decode
decode_closing = msgspec.msgpack.Decoder(Closing).decode
decode_error = msgspec.msgpack.Decoder(WireError).decode
decode_control = msgspec.msgpack.Decoder(Control).decode


def gateway_channel(gateway: str) -> str:
    """Channel on which one gateway process receives its answers."""
    return f"headrace:gateway:{gateway}"


def control_channel(epoch: str) -> str:
    """Channel on which one runner receives ``Control`` messages."""
    return f"headrace:control:{epoch}"
