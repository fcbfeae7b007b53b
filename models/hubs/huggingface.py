"""Fetching from Hugging Face, with its library, into a cache in its library's form.

The library forgets a file that was cut off by a kill, and looks at no checksum of what comes by plain HTTP. So each
file is fetched to ``blobs/<checksum>.incomplete``, goes on there at its last byte, is compared with the checksum of the
listing, and gets the name under which the library finds it; the library then makes the snapshot of it. The lock of a
file is the library's own, so that programs that share the cache fetch a file once.
"""

import contextlib
import hashlib
import os
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, cast

from models.errors import HeadraceError, InvalidRequest, ModelFailed
from models.hubs import failures
from models.hubs.disk import free_bytes, no_room, refuse_full
from models.hubs.failures import Repository, damaged, is_full
from models.hubs.matching import Which
from models.hubs.progress import ByteMeter, Tell

AT_ONCE = 4
"""Files that are fetched at once."""
TRIES = 5
"""How often a file is gone on with whose connection ends, without any byte between."""
PIECE_BYTES = 1 << 18
"""Bytes are written, counted and safe from a kill in pieces of this."""
LOOK_S = 1.0
"""How often the disk's room is looked at, and a file that another process fetches."""


@dataclass(frozen=True, slots=True)
class HubFile:
    """A file as the hub lists it. ``checksum`` names its blob: SHA-256 of a large file, git's SHA-1 of a small one."""

    name: str
    size: int
    checksum: str

    def digest(self) -> Any:
        """A new digest of the kind of the checksum."""
        if len(self.checksum) == 64:
            return hashlib.sha256()
        return hashlib.sha1(b"blob %d\0" % self.size, usedforsecurity=False)


def fetch(place: Repository, revision: str | None, file: str, cache: Path, which: Which, tell: Tell) -> Path:
    """See ``download.download``. Raises InvalidRequest, ModelFailed, and what the library raises."""
    commit, files = _listing(place, revision, which)
    if file and not any(one.name == file for one in files):
        raise InvalidRequest(f"'{place.name}' holds no '{file}'", param="model_path")
    _Fetching(place, commit, files, cache, tell).run()
    return _snapshot(place, revision, cache, which)


def _listing(place: Repository, revision: str | None, which: Which) -> tuple[str, list[HubFile]]:
    """The commit that a revision is now, and those of its files that match."""
    from huggingface_hub import HfApi
    from huggingface_hub.hf_api import RepoFile
    from huggingface_hub.utils import filter_repo_objects  # type: ignore[attr-defined]

    api = HfApi(endpoint=place.endpoint)
    commit = api.repo_info(place.name, revision=revision or "main", timeout=30).sha
    tree = {
        one.path: HubFile(one.path, one.lfs.size if one.lfs else one.size, one.lfs.sha256 if one.lfs else one.blob_id)
        for one in api.list_repo_tree(place.name, recursive=True, revision=commit)
        if isinstance(one, RepoFile)
    }
    wanted, unwanted = which
    return str(commit), [
        tree[one] for one in filter_repo_objects(tree, allow_patterns=wanted, ignore_patterns=unwanted)
    ]


def _snapshot(place: Repository, revision: str | None, cache: Path, which: Which, **more: Any) -> Path:
    from huggingface_hub import snapshot_download

    wanted, unwanted = which
    return Path(
        snapshot_download(
            place.name,
            revision=revision,
            endpoint=place.endpoint,
            cache_dir=cache,
            allow_patterns=wanted,
            ignore_patterns=unwanted,
            tqdm_class=_silent_bar(),
            **more,
        )
    )


def cached(place: Repository, revision: str | None, cache: Path, which: Which) -> Path:
    """The snapshot that is in the cache, whole. Raises InvalidRequest. Asks nobody."""
    from huggingface_hub.errors import LocalEntryNotFoundError

    try:
        return _snapshot(place, revision, cache, which, local_files_only=True)
    except LocalEntryNotFoundError as error:
        raise failures.not_cached(place) from error


class _Fetching:
    """One fetch of what a repository's listing names."""

    def __init__(self, place: Repository, commit: str, files: list[HubFile], cache: Path, tell: Tell) -> None:
        from huggingface_hub import constants
        from huggingface_hub.file_download import repo_folder_name

        constants.DOWNLOAD_CHUNK_SIZE = PIECE_BYTES  # the library's 10 MB would be lost by a kill
        folder = str(repo_folder_name(repo_id=place.name, repo_type="model"))
        self._place, self._commit, self._cache = place, commit, cache
        self._blobs, self._locks = cache / folder / "blobs", cache / ".locks" / folder
        self._snapshot = cache / folder / "snapshots" / commit
        self._files = [one for one in files if one.size <= constants.MAX_HTTP_DOWNLOAD_SIZE]
        """Without those that are too large for plain HTTP: the library fetches them in its own way, and checks them."""
        self._too_large = [one for one in files if one not in self._files]
        self._meter = ByteMeter({one.name: one.size for one in files}, tell)
        self._stop = threading.Event()
        self._looked_at = 0.0

    def run(self) -> None:
        """Fetch what is missing. Raises what the first file fails with."""
        missing = [one for one in self._files if not self._is_here(one)]
        for one in missing:
            with contextlib.suppress(OSError):
                self._meter.has(one.name, min(one.size, self._part(one).stat().st_size))
        others = [one for one in self._too_large if not self._is_here(one)]
        if not missing and not others:
            return
        refuse_full(self._cache, self._meter.left, self._place.source)
        self._blobs.mkdir(parents=True, exist_ok=True)
        self._locks.mkdir(parents=True, exist_ok=True)
        with self._meter.telling(), ThreadPoolExecutor(AT_ONCE, "fetching") as pool:
            futures = [pool.submit(self._fetch, one) for one in missing]
            wait(futures, return_when=FIRST_EXCEPTION)
            if failed := next((one for one in futures if one.done() and one.exception()), None):
                self._stop.set()
                pool.shutdown(cancel_futures=True)
                failed.result()

    def _part(self, file: HubFile) -> Path:
        return self._blobs / f"{file.checksum}.incomplete"

    def _is_here(self, file: HubFile) -> bool:
        """Whether a file is here, of the right size, and counted so."""
        for path in (self._snapshot / file.name, self._blobs / file.checksum):
            with contextlib.suppress(OSError):
                if path.stat().st_size == file.size:
                    self._meter.has(file.name, file.size)
                    return True
        return False

    def _fetch(self, file: HubFile) -> None:
        """Fetch one file, unless another process does so meanwhile; twice if it arrives damaged."""
        with self._locked(file):
            if self._is_here(file):
                return
            for last in (False, True):
                if self._arrives_whole(file):
                    os.replace(self._part(file), self._blobs / file.checksum)
                    return
                self._part(file).unlink(missing_ok=True)
                self._meter.has(file.name, 0)
                if last:
                    raise damaged(self._place, file.name)

    @contextlib.contextmanager
    def _locked(self, file: HubFile) -> Iterator[None]:
        """Hold a file's lock; while another process holds it, show how far that one is."""
        from filelock import FileLock, Timeout

        lock = FileLock(self._locks / f"{file.checksum}.lock")
        while True:
            self._go_on()
            try:
                lock.acquire(timeout=LOOK_S)
                break
            except Timeout:
                with contextlib.suppress(OSError):
                    self._meter.has(file.name, min(file.size, self._part(file).stat().st_size))
        try:
            yield
        finally:
            lock.release()

    def _arrives_whole(self, file: HubFile) -> bool:
        """Fetch the rest of a file, over as many connections as it takes. Returns whether its checksum is right."""
        from huggingface_hub import hf_hub_url
        from huggingface_hub.errors import HfHubHTTPError, HTTPError  # type: ignore[attr-defined]
        from huggingface_hub.file_download import http_get
        from huggingface_hub.utils import build_hf_headers  # type: ignore[attr-defined]

        url = hf_hub_url(self._place.name, file.name, revision=self._commit, endpoint=self._place.endpoint)
        with _Part(self._part(file), file, self._count) as part:
            self._meter.has(file.name, part.size)
            tries = TRIES
            while part.size < file.size:
                before = part.size
                try:
                    http_get(
                        url,
                        cast(BinaryIO, part),
                        resume_size=part.size,
                        headers=build_hf_headers(),
                        expected_size=file.size,
                        tqdm_class=_silent_bar(),
                    )
                except HfHubHTTPError as error:
                    if error.response.status_code != 416:
                        raise
                    return False  # what is here is longer than what the hub has
                except HTTPError:  # the connection has ended, in a way that the library does not go on from
                    tries = TRIES if part.size > before else tries - 1
                    if not tries:
                        raise
                    time.sleep(1)
                except OSError as error:
                    if error.errno is not None:  # the file system's
                        raise
                    return False  # another size than the listing says
            return part.checksum() == file.checksum

    def _count(self, file: HubFile, size: int) -> None:
        """Count bytes that are about to be written. Raises ModelFailed where the disk has no room for the rest."""
        self._go_on()
        if time.monotonic() - self._looked_at > LOOK_S:
            self._looked_at = time.monotonic()
            if self._meter.left > (free := free_bytes(self._cache)):
                raise no_room(self._place.source, self._meter.left, free)
        self._meter.got(file.name, size)

    def _go_on(self) -> None:
        if self._stop.is_set():
            raise ModelFailed("another file of the repository could not be fetched")


class _Part:
    """A file that is not whole yet, as the library writes it: what is here of it stays, and is hashed as it grows."""

    def __init__(self, path: Path, file: HubFile, count: Callable[[HubFile, int], None]) -> None:
        self._file, self._count = file, count
        self._out = open(path, "a+b", buffering=0)  # noqa: SIM115 - unbuffered: a kill loses nothing that was written
        self.size = self._out.seek(0, os.SEEK_END)
        if self.size > file.size:
            self.size = self._out.truncate(0)
        self._digest = file.digest()
        self._out.seek(0)
        while piece := self._out.read(PIECE_BYTES):
            self._digest.update(piece)

    def __enter__(self) -> "_Part":
        return self

    def __exit__(self, *_: object) -> None:
        self._out.close()

    def checksum(self) -> str:
        """The checksum of what is here."""
        return str(self._digest.hexdigest())

    def write(self, data: bytes) -> int:
        """Append a piece."""
        self._count(self._file, len(data))
        view = memoryview(data)
        while view:  # a disk that fills takes a part
            view = view[self._out.write(view) :]
        self._digest.update(data)
        self.size += len(data)
        return len(data)

    def tell(self) -> int:
        """How much is here, in bytes."""
        return self.size

    def seek(self, place: int, whence: int = 0) -> int:
        """Go to the beginning: a server that ignores ranges sends all anew."""
        return self._out.seek(place, whence)

    def truncate(self, size: int | None = None) -> int:
        """Forget what is here."""
        self._out.truncate(0)
        self._count(self._file, -self.size)
        self.size, self._digest = 0, self._file.digest()
        return 0


def _silent_bar() -> Any:
    """A class of progress bars that draw nothing: what is told goes through the meter."""
    from huggingface_hub.utils.tqdm import tqdm

    class Bar(tqdm):
        """A bar that is never drawn."""

        def display(self, *args: Any, **kwargs: Any) -> None:
            pass

    return Bar


def meaning(place: Repository, error: Exception) -> HeadraceError:
    """What an error of the library means. Unknown ones are a failure of this try."""
    from huggingface_hub import errors, get_token

    if isinstance(error, errors.HFValidationError):
        return InvalidRequest(f"'{place.source}' names no repository", param="model_path")
    if isinstance(error, errors.HfHubHTTPError):
        answer, gated = error.response, isinstance(error, errors.GatedRepoError)
        missing = isinstance(error, errors.RepositoryNotFoundError | errors.RevisionNotFoundError) and not gated
        token = get_token() is not None
        status = 404 if missing and answer.status_code != 401 else answer.status_code
        after = answer.headers.get("Retry-After", "")
        return failures.refused(
            place, status, token=token, gated=gated, retry_after=int(after) if after.isdigit() else None
        )
    if is_full(error):
        return failures.has_filled(place)
    if isinstance(error, errors.HTTPError | ConnectionError | TimeoutError):  # type: ignore[attr-defined]
        return failures.unreachable(place)
    return ModelFailed(f"cannot fetch '{place.source}' ({type(error).__name__})")
