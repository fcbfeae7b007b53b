"""Artifacts: files that belong to jobs, such as uploads, images and recordings, in a folder or an S3-compatible bucket.

A key consists of segments of ``[A-Za-z0-9._-]`` joined by ``/``. What can be read under a key is always complete. The
synchronous methods block and may be called from any thread. A store must be opened in the process that uses it, not
before a fork. A process that is killed while it writes a large artifact leaves parts that no listing shows: in a folder
until ``delete_prefix``, in a bucket until its lifecycle rule for incomplete multipart uploads removes them.
"""

import asyncio
import logging
import os
import re
import shutil
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import msgspec
import obstore
from obstore.exceptions import BaseError
from obstore.store import LocalStore, S3Store

from models.errors import InvalidRequest, NotFound, StorageUnavailable

log = logging.getLogger(__name__)

WINDOW = 4 << 20
"""Bytes that one request to the store reads. Each request has its own timeout, so large files need no longer one."""
PART = 8 << 20
PARTS_AT_ONCE = 4
DELETE_AT_ONCE = 1000
ABORT_S = 10.0

_S3_OPTIONS = {"endpoint", "region", "access_key_id", "secret_access_key", "session_token"}
_ENDPOINTS = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT")
_SEGMENT = re.compile(r"[A-Za-z0-9._-]{1,200}")
_KEY_LENGTH = 900  # S3 allows 1024 together with the store's own prefix


class Info(msgspec.Struct, frozen=True):
    """What is known of an artifact. ``modified`` is Unix time. Folders store no media type, and no listing has one."""

    key: str
    size: int
    modified: float
    etag: str
    media_type: str | None = None


def open_store(url: str) -> "Store":
    """The store at ``file:///path``, which is made if it is missing, or at ``s3://bucket/prefix?…``. Does not connect.

    Options after the question mark: endpoint, region, access_key_id, secret_access_key, session_token, percent-encoded
    where needed, by default from the environment (``AWS_…``). With ``links=gateway`` signed links lead to the gateway,
    for a bucket that clients cannot reach. Raises ValueError for any other URL.
    """
    parts = urlsplit(url)
    if parts.scheme == "s3" and parts.netloc:
        return _open_bucket(parts.netloc, unquote(parts.path).strip("/"), parts.query)
    path = Path(unquote(parts.path))
    if parts.scheme != "file" or parts.netloc not in ("", "localhost") or parts.query or not path.is_absolute():
        raise ValueError("artifacts are kept at file:///path or at s3://bucket/prefix")
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return Store(LocalStore(path, automatic_cleanup=True), root=path)


def _open_bucket(bucket: str, prefix: str, query: str) -> "Store":
    options = {name: unquote(value) for name, _, value in (pair.partition("=") for pair in query.split("&") if pair)}
    links = options.pop("links", "s3")
    if unknown := options.keys() - _S3_OPTIONS:
        raise ValueError(f"an s3:// URL has no option {', '.join(sorted(unknown))}")
    if links not in ("s3", "gateway"):
        raise ValueError("links is s3 or gateway")
    endpoint = options.get("endpoint") or next(filter(None, map(os.environ.get, _ENDPOINTS)), "")
    config: Any = {name: value for name, value in options.items() if value}
    store = S3Store(
        bucket,
        prefix=prefix or None,
        virtual_hosted_style_request=not endpoint,  # a server of one's own seldom has a host name for every bucket
        client_options={
            "allow_http": endpoint.startswith("http://"),
            "connect_timeout": timedelta(seconds=5),
            "timeout": timedelta(seconds=60),
        },
        retry_config={"max_retries": 4, "retry_timeout": timedelta(seconds=30)},
        **config,
    )
    return Store(store, direct=links == "s3")


def checked(key: str) -> str:
    """The key, if it is a valid one. Raises InvalidRequest."""
    segments = key.split("/")
    if len(key) > _KEY_LENGTH or not all(_SEGMENT.fullmatch(one) and one not in (".", "..") for one in segments):
        raise InvalidRequest(f"not the key of an artifact: {key[:100]!r}")
    return key


def disposition(name: str, media_type: str) -> str:
    """A Content-Disposition (RFC 6266) by which browsers show pictures and sound, and save everything else."""
    how = "inline" if media_type.startswith(("image/", "audio/")) else "attachment"
    plain = re.sub(r"[^A-Za-z0-9._ -]", "_", name) or "file"
    exact = "" if plain == name else f"; filename*=UTF-8''{quote(name, safe='', errors='replace')}"
    return f'{how}; filename="{plain}"{exact}'


class Store:
    """Artifacts by key. Every failure is NotFound, InvalidRequest (the key is not valid) or StorageUnavailable."""

    def __init__(self, store: LocalStore | S3Store, *, root: Path | None = None, direct: bool = False) -> None:
        self._store: Any = store
        self._root = root
        self._direct = direct

    def put(self, key: str, data: bytes | Path, media_type: str) -> int:
        """Store these bytes, or this file's; returns how many they are. An older artifact is replaced in one step."""
        size = data.stat().st_size if isinstance(data, Path) else len(data)
        with _translated_errors(checked(key)):
            obstore.put(self._store, key, data, **self._options(key, media_type))
        return size

    async def write(self, key: str, chunks: AsyncIterator[bytes], media_type: str) -> int:
        """Store chunks as they come, with little of them in memory; returns how many bytes came.

        After a failure or a cancel the older artifact is still there. If it is cancelled at the very end, the new
        artifact may be stored nevertheless, and is then complete.
        """
        checked(key)
        size = 0
        feed = _Feed()
        upload = asyncio.ensure_future(obstore.put_async(self._store, key, feed, **self._options(key, media_type)))
        upload.add_done_callback(feed.close)
        try:
            async for chunk in chunks:
                size += len(chunk)
                if not await feed.give(chunk):
                    break
            await feed.give(None)
            await asyncio.wait({upload})
        except BaseException:
            # A cancelled upload would leave its parts in the bucket; one whose source fails removes them.
            feed.fail()
            await asyncio.wait({upload}, timeout=ABORT_S)
            upload.cancel()
            raise
        with _translated_errors(key):
            await upload
        return size

    def read(self, key: str) -> bytes:
        """The whole of a small artifact."""
        with _translated_errors(checked(key)):
            return bytes(obstore.get(self._store, key).bytes())

    def beginning(self, key: str, length: int) -> bytes:
        """The first bytes of the artifact, at most so many."""
        with _translated_errors(checked(key)):
            return bytes(obstore.get(self._store, key, options={"range": (0, length)}).bytes())

    async def stream(self, key: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        """The bytes from ``start`` to before ``end``, in chunks. Raises where the artifact is replaced meanwhile."""
        with _translated_errors(checked(key)):
            meta = await obstore.head_async(self._store, key)
            for at, until in _cut(start, meta["size"] if end is None else min(end, meta["size"])):
                options: Any = {"range": (at, until), "if_match": meta["e_tag"]}
                found = await obstore.get_async(self._store, key, options=options)
                yield bytes(await found.buffer_async())

    def head(self, key: str) -> Info:
        """What is known of the artifact."""
        with _translated_errors(checked(key)):
            found = obstore.get(self._store, key, options={"head": True})
            return _info(found.meta, found.attributes.get("Content-Type"))

    def local(self, key: str, into: Path) -> Path:
        """The artifact as a file that must not be changed: the stored file, or a copy in this folder."""
        checked(key)
        if self._root is not None:
            path = self._root / key
            if not path.is_file():
                raise NotFound(f"no artifact '{key}'")
            return path
        path = into / PurePosixPath(key).name
        with path.open("wb") as file:
            for window in self._windows(key):
                file.write(window)
        return path

    def delete(self, keys: Iterable[str]) -> None:
        """Delete these artifacts; a missing one is no error."""
        pending = iter([checked(key) for key in keys])
        while batch := list(islice(pending, DELETE_AT_ONCE)):
            if self._root is None:
                with _translated_errors(batch[0]):
                    obstore.delete(self._store, batch)
                continue
            for key in batch:
                with _translated_errors(key, missing_ok=True):
                    obstore.delete(self._store, key)

    def delete_prefix(self, prefix: str) -> None:
        """Delete everything below this key, also what a killed process has left half written."""
        prefix = checked(prefix.removesuffix("/"))
        self.delete([found.key for found in self.listing(prefix)])
        if self._root is not None:
            shutil.rmtree(self._root / prefix, ignore_errors=True)

    def listing(self, prefix: str = "") -> Iterator[Info]:
        """All artifacts below this key (``a/b`` is below ``a``, ``ab`` is not), or all there are; in no order."""
        prefix = checked(prefix.removesuffix("/")) if prefix else ""
        with _translated_errors(prefix):
            for batch in obstore.list(self._store, prefix or None, chunk_size=DELETE_AT_ONCE):
                for meta in batch:
                    yield _info(meta, None)

    def presigned(self, key: str, seconds: int) -> str | None:
        """A URL at which the bucket itself serves it for so long (a week at most); None if only the gateway can.

        It may ask the machine for credentials, which blocks: do not call it on the event loop.
        """
        checked(key)
        if not self._direct:
            return None
        with _translated_errors(key):
            return obstore.sign(self._store, "GET", key, timedelta(seconds=min(seconds, 7 * 86400)))

    def origin(self) -> str | None:
        """Where the URLs of ``presigned`` lead to, as an origin: scheme, host and port. None where there are none.

        It may block, as that does.
        """
        if not self._direct:
            return None
        url = urlsplit(self.presigned("origin", 1) or "")
        return f"{url.scheme}://{url.netloc}"

    def _options(self, key: str, media_type: str) -> dict[str, Any]:
        found: dict[str, Any] = {"chunk_size": PART, "max_concurrency": PARTS_AT_ONCE}
        if self._root is None:  # a folder has no place for them
            name = PurePosixPath(key).name
            found["attributes"] = {
                "Content-Type": media_type,
                "Content-Disposition": disposition(name, media_type),
            }
        return found

    def _windows(self, key: str) -> Iterator[bytes]:
        with _translated_errors(checked(key)):
            meta = obstore.head(self._store, key)
            for at, until in _cut(0, meta["size"]):
                options: Any = {"range": (at, until), "if_match": meta["e_tag"]}
                yield bytes(obstore.get(self._store, key, options=options).buffer())


class _Feed:
    """Passes chunks from the task that has them to the upload that asks for them, one at a time."""

    def __init__(self) -> None:
        self._chunks: asyncio.Queue[bytes | None] = asyncio.Queue(1)
        self._failed = self._closed = False

    async def give(self, chunk: bytes | None) -> bool:
        """Pass a chunk on once there is room; None is the end. False if the upload is over and takes no more."""
        if not self._closed and chunk != b"":
            await self._chunks.put(chunk)
        return not self._closed

    def fail(self) -> None:
        """Make the upload's next read fail."""
        self._failed = True
        if self._chunks.empty():
            self._chunks.put_nowait(None)

    def close(self, upload: "asyncio.Future[Any]") -> None:
        """Called when the upload is over: ``give`` need not wait for room any more."""
        self._closed = True
        if not self._chunks.empty():
            self._chunks.get_nowait()
        if self._failed and not upload.cancelled():
            upload.exception()  # this error is expected; without this line asyncio would log that nobody has read it

    def __aiter__(self) -> "_Feed":
        return self

    async def __anext__(self) -> bytes:
        chunk = await self._chunks.get()
        if self._failed:
            raise EOFError("the source of the upload has failed")
        if chunk is None:
            raise StopAsyncIteration
        return chunk


def _cut(start: int, end: int) -> Iterator[tuple[int, int]]:
    for at in range(start, end, WINDOW):
        yield at, min(at + WINDOW, end)


def _info(meta: Any, media_type: str | None) -> Info:
    etag = (meta["e_tag"] or "").strip('"')
    return Info(meta["path"], meta["size"], meta["last_modified"].timestamp(), etag, media_type)


@contextmanager
def _translated_errors(key: str, *, missing_ok: bool = False) -> Iterator[None]:
    """Raise our own errors for those of the store."""
    try:
        yield
    except FileNotFoundError as error:
        if "NoSuchBucket" in str(error):
            raise _unavailable(key, error) from error
        if not missing_ok:
            raise NotFound(f"no artifact '{key}'") from error
    except (BaseError, OSError, NotImplementedError) as error:
        raise _unavailable(key, error) from error


def _unavailable(key: str, error: Exception) -> StorageUnavailable:
    log.warning("the artifact store, at '%s': %s", key, " ".join(str(error).partition("Debug source")[0].split()))
    return StorageUnavailable()
