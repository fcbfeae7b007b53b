"""Artifacts in a folder and in a bucket of a real S3-compatible server: one suite for both, over real HTTP."""

import asyncio
import os
import random
import time
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.errors import InvalidRequest, NotFound, StorageUnavailable
from models.storage.artifacts import WINDOW, Store, checked, open_store
from models.storage.signing import link
from tests.support.s3 import S3
from tests.support.servers import wait_for

LARGE = random.Random(3).randbytes(20 << 20)
PNG = b"\x89PNG\r\n\x1a\n and so on"


@pytest.fixture
def folder(artifacts_url: str, tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """Where the store's files lie on this machine, for a look behind it."""
    parts = urlsplit(artifacts_url)
    if parts.scheme == "file":
        return Path(parts.path)
    server: S3 = request.getfixturevalue("s3_server")
    return server.folder / parts.path.strip("/")


@pytest.fixture
def store(artifacts_url: str) -> Store:
    return open_store(artifacts_url)


def keys(store: Store, prefix: str = "") -> list[str]:
    return sorted(info.key for info in store.listing(prefix))


def files(folder: Path) -> list[str]:
    """Every file there is, also those that the store does not show."""
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


async def collected(chunks: AsyncIterator[bytes]) -> bytes:
    return b"".join([chunk async for chunk in chunks])


async def sent(*chunks: bytes, then: BaseException | None = None) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk
    if then is not None:
        raise then


def test_what_is_put_is_read(store: Store) -> None:
    before = time.time() - 2
    assert store.put("jobs/1/1/image.png", PNG, "image/png") == len(PNG)
    assert store.read("jobs/1/1/image.png") == PNG
    info = store.head("jobs/1/1/image.png")
    assert (info.key, info.size) == ("jobs/1/1/image.png", len(PNG))
    assert before <= info.modified <= time.time() + 2
    assert info.etag
    assert '"' not in info.etag
    assert info.media_type in (None, "image/png")
    store.put("jobs/1/1/image.png", b"", "image/png")
    assert store.read("jobs/1/1/image.png") == b""


def test_a_bucket_keeps_the_media_type(s3_server: S3) -> None:
    store = open_store(s3_server.url("typed"))
    store.put("a", b"1", "audio/flac")
    assert store.head("a").media_type == "audio/flac"


async def test_large_ones_come_back_whole(store: Store, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(LARGE)
    assert store.put("a/large", source, "audio/wav") == len(LARGE)
    assert store.put("b/large", LARGE, "audio/wav") == len(LARGE)
    for key in ("a/large", "b/large"):
        assert store.head(key).size == len(LARGE)
        assert await collected(store.stream(key)) == LARGE
    assert store.read("a/large") == LARGE


async def test_a_stream_is_written(store: Store, folder: Path) -> None:
    pieces = [LARGE[at : at + 100_001] for at in range(0, len(LARGE), 100_001)]
    assert await store.write("f/1", sent(*pieces), "application/jsonl") == len(LARGE)
    assert store.read("f/1") == LARGE
    assert await store.write("f/2", sent(b"", b"ab", b"", b"c"), "text/plain") == 3
    assert store.read("f/2") == b"abc"
    assert await store.write("f/3", sent(), "text/plain") == 0
    assert store.read("f/3") == b""
    assert len(files(folder)) == 3


async def test_ranges(store: Store) -> None:
    store.put("r", LARGE, "audio/wav")
    chunks = [chunk async for chunk in store.stream("r", 7)]
    assert all(len(chunk) <= WINDOW for chunk in chunks)
    assert b"".join(chunks) == LARGE[7:]
    for start, end in ((0, 0), (0, 1), (WINDOW - 1, WINDOW + 1), (5, 10 * WINDOW), (len(LARGE) - 1, len(LARGE))):
        assert await collected(store.stream("r", start, end)) == LARGE[start:end]
    assert await collected(store.stream("r", len(LARGE))) == b""


@pytest.mark.parametrize("size", [1, 12 << 20])
async def test_a_source_that_fails_leaves_nothing(store: Store, folder: Path, size: int) -> None:
    with pytest.raises(OSError, match="hung up"):
        await store.write("w/x", sent(LARGE[:size], then=OSError("hung up")), "audio/wav")
    assert files(folder) == keys(store) == []


async def test_a_cancelled_write_leaves_nothing(store: Store, folder: Path) -> None:
    begun = asyncio.Event()

    async def endless() -> AsyncIterator[bytes]:
        for at in range(0, 18 << 20, 1 << 20):
            yield LARGE[at : at + (1 << 20)]
        begun.set()
        await asyncio.sleep(3600)

    store.put("w/x", b"what was there", "audio/wav")
    writing = asyncio.create_task(store.write("w/x", endless(), "audio/wav"))
    await begun.wait()
    await asyncio.to_thread(wait_for, lambda: len(files(folder)) == 2, 20, "it never gets under way")
    assert keys(store) == ["w/x"], "and nobody sees it"
    writing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await writing
    assert len(files(folder)) == 1
    assert store.read("w/x") == b"what was there"


async def test_a_write_cancelled_at_its_end_is_whole_or_not_there(store: Store, folder: Path) -> None:
    ended = asyncio.Event()

    async def source() -> AsyncIterator[bytes]:
        yield LARGE
        ended.set()

    writing = asyncio.create_task(store.write("w/x", source(), "audio/wav"))
    await ended.wait()
    await asyncio.sleep(0.01)
    writing.cancel()
    with suppress(asyncio.CancelledError):  # it may have ended in this moment
        await writing
    assert len(files(folder)) == len(keys(store))
    assert all(store.read(key) == LARGE for key in keys(store))


async def test_what_is_missing_is_not_found(store: Store, tmp_path: Path) -> None:
    store.put("there/file", b"1", "text/plain")
    for key in ("nope", "there/nope", "there"):
        with pytest.raises(NotFound):
            store.read(key)
        with pytest.raises(NotFound):
            store.head(key)
        with pytest.raises(NotFound):
            store.local(key, tmp_path)
        with pytest.raises(NotFound):
            await collected(store.stream(key))
    assert keys(store, "nope") == []
    store.delete(["nope", "there/nope"])
    store.delete_prefix("nope")
    assert keys(store) == ["there/file"]


def test_listing_and_deleting(store: Store, folder: Path) -> None:
    for key in ("jobs/1/a", "jobs/1/b/c", "jobs/11/a", "jobs/2/a", "files/1"):
        store.put(key, key.encode(), "text/plain")
    assert keys(store, "jobs/1") == keys(store, "jobs/1/") == ["jobs/1/a", "jobs/1/b/c"]
    assert {info.key: info.size for info in store.listing("files")} == {"files/1": 7}
    store.delete(["jobs/1/a", "jobs/1/a", "jobs/1/nope"])
    assert keys(store, "jobs/1") == ["jobs/1/b/c"]
    store.delete_prefix("jobs/1/")
    assert keys(store) == ["files/1", "jobs/11/a", "jobs/2/a"]
    store.delete_prefix("jobs")
    assert keys(store) == ["files/1"]
    assert len(files(folder)) == 1
    for prefix in ("", "/", "jobs/../files"):
        with pytest.raises(InvalidRequest):
            store.delete_prefix(prefix)


def test_more_than_one_request_deletes(store: Store, folder: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda n: store.put(f"many/{n}", b"", "text/plain"), range(1100)))
    assert len(keys(store, "many")) == 1100
    store.delete_prefix("many")
    assert files(folder) == []


def test_what_a_killed_process_left_is_swept(tmp_path: Path) -> None:
    store = open_store((tmp_path / "a").as_uri())
    store.put("jobs/1/2/x.wav", b"1", "audio/wav")
    (tmp_path / "a/jobs/1/2/y.wav#1").write_bytes(b"half")  # as obstore names what is not yet whole
    assert keys(store) == ["jobs/1/2/x.wav"]
    store.delete_prefix("jobs/1")
    assert files(tmp_path / "a") == []


def test_writers_of_one_key_do_not_mix(store: Store) -> None:
    bodies = [bytes([n]) * (6 << 20) for n in range(4)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda body: store.put("same", body, "audio/wav"), bodies))
    assert store.read("same") in bodies


def test_as_a_file(store: Store, tmp_path: Path) -> None:
    store.put("jobs/1/input/a.wav", LARGE, "audio/wav")
    into = tmp_path / "into"
    into.mkdir()
    path = store.local("jobs/1/input/a.wav", into)
    assert path.name == "a.wav"
    assert path.read_bytes() == LARGE


@pytest.mark.parametrize(
    "key",
    [
        "",
        "/a",
        "a/",
        "a//b",
        ".",
        "..",
        "a/../b",
        "../a",
        "a/./b",
        "a b",
        "a#1",
        "a\n",
        "ä",
        "a\\b",
        "a" * 201,
        "a/" * 500,
    ],
)
def test_what_is_no_key_is_refused(store: Store, key: str, tmp_path: Path) -> None:
    for attempt in (
        lambda: store.put(key, b"", "text/plain"),
        lambda: store.read(key),
        lambda: store.head(key),
        lambda: store.local(key, tmp_path),
        lambda: store.delete([key]),
        lambda: store.presigned(key, 60),
        lambda: link(store, key, secret=b"s", base_url="http://x", expires_s=1, media_type="a/b", filename="a"),
    ):
        with pytest.raises(InvalidRequest):
            attempt()
    with pytest.raises(InvalidRequest):
        asyncio.run(store.write(key, sent(b"1"), "text/plain"))


@given(st.text(st.characters(codec="utf-8"), max_size=20) | st.from_regex(r"[a./]{1,12}", fullmatch=True))
def test_no_key_leaves_the_folder(key: str) -> None:
    try:
        checked(key)
    except InvalidRequest:
        return
    assert os.path.normpath(f"/root/{key}") == f"/root/{key}"


def test_a_new_folder_is_private(tmp_path: Path) -> None:
    open_store((tmp_path / "deep/artifacts").as_uri())
    assert (tmp_path / "deep/artifacts").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize(
    "url",
    ["", "/tmp/a", "file://host/a", "file:a", "http://x/y", "s3:///x", "s3://b/?secret=1", "s3://b/?links=none"],
)
def test_what_is_no_store_is_refused(url: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        open_store(url)


async def test_a_wrong_secret_is_refused(s3_server: S3) -> None:
    store = open_store(s3_server.url("locked", secret_access_key="wrong"))
    with pytest.raises(StorageUnavailable):
        store.put("a", b"1", "text/plain")
    with pytest.raises(StorageUnavailable):
        await store.write("a", sent(*[LARGE] * 3), "text/plain")
    with pytest.raises(StorageUnavailable):
        keys(store)
    assert files(s3_server.folder / "locked") == []


@pytest.mark.parametrize("url", ["s3://nope/a?endpoint={}", "s3://artifacts/a?endpoint=http://127.0.0.1:9"])
def test_a_store_that_does_not_answer(s3_server: S3, url: str) -> None:
    store = open_store(url.format(s3_server.endpoint) + "&access_key_id=headrace&secret_access_key=a/secret%2Bof=tests")
    with pytest.raises(StorageUnavailable):
        store.put("a", b"1", "text/plain")
    with pytest.raises(StorageUnavailable):
        store.read("a")


def test_credentials_may_come_from_the_environment(s3_server: S3, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3_server.endpoint)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", s3_server.access_key_id)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", s3_server.secret_access_key)
    store = open_store("s3://artifacts/ambient")
    store.put("a", b"1", "text/plain")
    assert files(s3_server.folder / "ambient") == ["a"]
