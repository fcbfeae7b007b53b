"""Parts of files on a hub, by range requests: nothing is downloaded whole. Reading is bounded in bytes and time."""

import io
import json
import os
import time
from typing import IO, Any, Self
from urllib.parse import quote

import httpx

from models.launching.hub import Source

_PIECE = 128 << 10
"""Bytes of the first request for a file; each further one asks for four times as many."""
_MOST_PIECE = 8 << 20
MOST_READ = 48 << 20
"""Most bytes that are read of one file."""
_LISTING = 32 << 20


class RemoteRepository:
    """A repository on a hub, within ``with``. ``sizes``: the bytes of its files by their names; -1: it does not say.

    Raises httpx.HTTPError, also once ``within_s`` is over, and ValueError where it answers something else.
    """

    def __init__(self, source: Source, within_s: float) -> None:
        self._source = source
        self._over = time.monotonic() + within_s
        self._client = httpx.Client(follow_redirects=True, headers=_authorization(source))
        self.sizes: dict[str, int] = {}

    def __enter__(self) -> Self:
        try:
            data, _ = self._ask(_listing_url(self._source), {}, _LISTING)
            self.sizes = _sizes(self._source, json.loads(data))
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
        return io.BufferedReader(file, 1 << 16), file.size

    def _part(self, name: str, begin: int, end: int) -> tuple[bytes, int]:
        """The bytes of a file from ``begin`` to before ``end``, and the size of the file."""
        url = _file_url(self._source, name)
        data, answer = self._ask(url, {"Range": f"bytes={begin}-{end - 1}"}, end - begin)
        if answer.status_code == 206:
            return data, int(answer.headers.get("Content-Range", "").rpartition("/")[2])
        if begin:
            raise ValueError("the hub gives no parts of files")
        return data, int(answer.headers.get("Content-Length") or -1)

    def _ask(self, url: str, headers: dict[str, str], most: int) -> tuple[bytes, httpx.Response]:
        data = bytearray()
        limit = max(self._over - time.monotonic(), 0.001)
        with self._client.stream(
            "GET", url, headers={"Accept-Encoding": "identity", **headers}, timeout=limit
        ) as answer:
            answer.raise_for_status()
            for chunk in answer.iter_bytes():
                data += chunk
                if len(data) >= most:
                    break
                if time.monotonic() > self._over:
                    raise httpx.ReadTimeout(f"{url} takes too long")
            return bytes(data[:most]), answer


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


def _listing_url(source: Source) -> str:
    if source.kind == "modelscope":
        return f"{_modelscope(source)}/files?Revision={quote(source.revision or 'master', safe='')}&Recursive=True"
    from huggingface_hub import constants

    if constants.HF_HUB_OFFLINE:
        raise ConnectionError("HF_HUB_OFFLINE is set")
    return (
        f"{constants.ENDPOINT}/api/models/{source.name}/revision/{quote(source.revision or 'main', safe='')}?blobs=true"
    )


def _file_url(source: Source, name: str) -> str:
    if source.kind == "modelscope":
        revision = quote(source.revision or "master", safe="")
        return f"{_modelscope(source)}?Revision={revision}&FilePath={quote(name, safe='')}"
    from huggingface_hub import hf_hub_url

    return str(hf_hub_url(source.name, name, revision=source.revision or "main"))


def _modelscope(source: Source) -> str:
    server = os.environ.get("MODELSCOPE_ENDPOINT") or os.environ.get("MODELSCOPE_DOMAIN") or "https://modelscope.cn"
    server = server.rstrip("/") if "://" in server else f"https://{server}"
    return f"{server}/api/v1/models/{source.name}/repo"


def _authorization(source: Source) -> dict[str, str]:
    if source.kind == "modelscope":
        token = os.environ.get("MODELSCOPE_API_TOKEN")
    else:
        from huggingface_hub import get_token

        token = get_token()
    return {"Authorization": f"Bearer {token}"} if token else {}


def _sizes(source: Source, listing: Any) -> dict[str, int]:
    """The sizes by the names of files. Raises ValueError where the hub answers something else than a listing."""
    try:
        if source.kind == "modelscope":
            return {
                str(one["Path"]): _size(one.get("Size"))
                for one in listing["Data"]["Files"]
                if one.get("Type") != "tree"
            }
        return {str(one["rfilename"]): _size(one.get("size")) for one in listing["siblings"]}
    except (LookupError, TypeError, AttributeError) as error:
        raise ValueError("the hub answers something else than a listing") from error


def _size(given: Any) -> int:
    return given if isinstance(given, int) and given >= 0 else -1
