"""What an engine and the process that follows grammars for it say to each other: msgpack behind a 4-byte length.

A grammar crosses as the text that asked for it. Nothing of a client's is compiled, or so much as parsed, outside
that process: it may die of what it is given.
"""

import socket
import struct
from typing import Literal

import msgspec

PartKind = Literal["json", "regex", "grammar"]


class Part(msgspec.Struct, frozen=True):
    """A piece of a grammar that comes from a client: a JSON schema, a regular expression, or GBNF or Lark."""

    name: str
    kind: PartKind
    text: str


class Grammar(msgspec.Struct, frozen=True):
    """A Lark grammar of ours; where it says ``@name``, the part of that name follows."""

    lark: str
    parts: tuple[Part, ...] = ()


class Setup(msgspec.Struct, tag=True, frozen=True):
    """The first message. ``tokenizer`` is what a ``tokenizer.json`` holds; ``ends`` are the ids that end an answer."""

    tokenizer: str
    vocabulary: int
    ends: list[int]


_END = 261
BYTES = Setup("byte", _END + 1, [_END])
"""llguidance's own tokenizer, with a token a byte, and then some."""


class Move(msgspec.Struct, tag=True, frozen=True):
    """These tokens were picked; which may be next? A walk's first move has its grammar."""

    walk: int
    tokens: list[int]
    grammar: Grammar | None = None


class Forget(msgspec.Struct, tag=True, frozen=True):
    """These walks are over."""

    walks: list[int]


class Mask(msgspec.Struct, frozen=True):
    """The answer to a move: a bit a token, from the lowest on; or what is wrong with the grammar."""

    walk: int
    bits: bytes
    error: str = ""


Message = Setup | Move | Forget

_LENGTH = struct.Struct(">I")
_encode = msgspec.msgpack.Encoder().encode
_message = msgspec.msgpack.Decoder(list[Message])
_mask = msgspec.msgpack.Decoder(Mask)


def send(to: socket.socket, what: list[Message] | Mask) -> None:
    """Send a turn's messages, or one answer. Raises OSError."""
    body = _encode(what)
    to.sendall(_LENGTH.pack(len(body)) + body)


def receive_messages(origin: socket.socket) -> list[Message]:
    """The messages of the next turn. Raises OSError, also when the other side is gone."""
    return _message.decode(_body(origin))


def receive_mask(origin: socket.socket) -> Mask:
    """The next answer. Raises OSError: the other side is gone, or was silent for the socket's timeout."""
    return _mask.decode(_body(origin))


def _body(origin: socket.socket) -> bytearray:
    (length,) = _LENGTH.unpack(_exactly(origin, _LENGTH.size))
    return _exactly(origin, length)


def _exactly(origin: socket.socket, size: int) -> bytearray:
    data = bytearray(size)
    view, have = memoryview(data), 0
    while have < size:
        got = origin.recv_into(view[have:])
        if not got:
            raise ConnectionResetError("the other side has closed")
        have += got
    return data
