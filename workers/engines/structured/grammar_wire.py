"""The messages between an engine and the process that follows grammars for it: msgpack behind a 4-byte length.

A client's part of a grammar is sent as the text that the client wrote. It is parsed and compiled in that process alone,
since a bad one may end the process that does so.
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
    """A Lark grammar of ours. ``@name`` in it stands for the part of that name."""

    lark: str
    parts: tuple[Part, ...] = ()


class Setup(msgspec.Struct, tag=True, frozen=True):
    """The first message. ``tokenizer``: the text of a ``tokenizer.json``; ``ends``: token ids that end an answer."""

    tokenizer: str
    vocabulary: int
    ends: list[int]


_END = 261
BYTES = Setup("byte", _END + 1, [_END])
"""llguidance's own tokenizer, which has one token for each byte, and a few special ones."""


class Move(msgspec.Struct, tag=True, frozen=True):
    """Asks which tokens may come next, after these were picked. A walk's first move has its grammar."""

    walk: int
    tokens: list[int]
    grammar: Grammar | None = None


class Forget(msgspec.Struct, tag=True, frozen=True):
    """These walks are over."""

    walks: list[int]


class Prepared(msgspec.Struct, tag=True, frozen=True):
    """The answer to the first message. ``bounded``: the kernel bounds the memory of the process."""

    bounded: bool


class Mask(msgspec.Struct, tag=True, frozen=True):
    """The answer to a move: one bit for each token, from the lowest id on; or what is wrong with the grammar."""

    walk: int
    bits: bytes
    error: str = ""


Message = Setup | Move | Forget
Answer = Prepared | Mask

_LENGTH = struct.Struct(">I")
_encode = msgspec.msgpack.Encoder().encode
_message = msgspec.msgpack.Decoder(list[Message])
_answer: "msgspec.msgpack.Decoder[Answer]" = msgspec.msgpack.Decoder(Answer)


def send(to: socket.socket, what: list[Message] | Answer) -> None:
    """Send a batch of messages, or one answer. Raises OSError."""
    send_bytes(to, _encode(what))


def receive_messages(origin: socket.socket) -> list[Message]:
    """The next batch of messages. Raises OSError, also when the other side is gone."""
    return _message.decode(receive_bytes(origin))


def receive_answer(origin: socket.socket) -> Answer:
    """The next answer. Raises OSError where the other side is gone, or silent for longer than the socket's timeout."""
    return _answer.decode(receive_bytes(origin))


def send_bytes(to: socket.socket, body: bytes) -> None:
    """Send a message of any kind. Raises OSError."""
    to.sendall(_LENGTH.pack(len(body)) + body)


def receive_bytes(origin: socket.socket) -> bytearray:
    """The next message of any kind. Raises OSError, see ``receive_answer``."""
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
