"""Parts of files on a hub, by range requests: nothing is downloaded whole. Reading is bounded in bytes and time."""

import io
import time
from typing import IO, Any, Self

import httpx

from models.hubs.asking import LISTING_BYTES, addresses, ask
from models.hubs.failures import HubName
from models.launching.hub import Source

_PIECE = 128 << 10
"""Bytes of the first request for a file; each further one asks for four times as many."""
_MOST_PIECE = 8 << 20
MOST_READ = 48 << 20
"""Most bytes that are read of one file."""
_AS_IT_IS = {"Accept-Encoding": "identity"}


class RemoteRepository:
    """A repository on a hub, within ``with``. ``sizes``: the bytes of its files by their names; -1: it does not say.

    Raises httpx.HTTPError, also once ``within_s`` is over, and ValueError where it answers something else.
    """

    def __init__(self, source: Source, within_s: float) -> None:
        hub_name: HubName = "modelscope" if source.kind == "modelscope" else "huggingface"
        self._over = time.monotonic() + within_s
        self._addresses = addresses(hub_name, source.name, source.revision, sized=True)
        self._client = httpx.Client(follow_redirects=True, headers=self._addresses.headers | _AS_IT_IS)
        self.sizes: dict[str, int] = {}

    def __enter__(self) -> Self:
        try:
            data, _ = ask(self._client, self._addresses.listing, LISTING_BYTES, self._over)
            self.sizes = self._addresses.sizes(data)
        except BaseException:
            self._client.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def open(self, name: str) -> tuple[IO[bytes], int]:
        """A file, of which the parts that are read are fetched, and its size."""
        file = _RemoteFile(lambda begin, end: self._part(name, begin, end))
        file.read(1)
        file.seek(0)
        if file.size < 0:
            raise httpx.RemoteProtocolError("the hub does not say how large its files are")
        return io.BufferedReader(file, 1 << 16), file.size

    def _part(self, name: str, begin: int, end: int) -> tuple[bytes, int]:
        """The bytes of a file from ``begin`` to before ``end``, and the size of the file."""
        asked = {"Range": f"bytes={begin}-{end - 1}"}
        data, answer = ask(self._client, self._addresses.file(name), end - begin, self._over, asked)
        if answer.status_code == 206:
            return data, _number(answer.headers.get("Content-Range", "").rpartition("/")[2])
        if begin:
            raise httpx.RemoteProtocolError("the hub gives no parts of files")
        return data, _number(answer.headers.get("Content-Length", ""))


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() else -1


class _RemoteFile(io.RawIOBase):
    """A file that is fetched in parts as it is read from its beginning on."""

    def __init__(self, part: Any) -> None:
        self._part = part
        self._data = b""
        self._begin = self._at = 0
        self._piece = _PIECE
        self._fetched = 0
        self.size = -1

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._at = offset + (self._at if whence == io.SEEK_CUR else self.size if whence == io.SEEK_END else 0)
        return self._at

    def readinto(self, buffer: Any) -> int:
        if 0 <= self.size <= self._at:
            return 0
        if not self._begin <= self._at < self._begin + len(self._data):
            if self._fetched >= MOST_READ:
                raise ValueError(f"its header is longer than {MOST_READ} bytes, the most that is read")
            self._data, self.size = self._part(self._at, self._at + self._piece)
            self._begin, self._fetched = self._at, self._fetched + len(self._data)
            self._piece = min(4 * self._piece, _MOST_PIECE)
        begin = self._at - self._begin
        given = self._data[begin : begin + len(buffer)]
        buffer[: len(given)] = given
        self._at += len(given)
        return len(given)
