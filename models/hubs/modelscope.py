"""Fetching from ModelScope, with its library: it goes on at the last byte, locks files and compares checksums.

What it does not do is done here: to look for room before the first byte and while it runs, to tell how far it is in
bytes, and to say what its errors mean.
"""

import contextlib
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx

from models.errors import HeadraceError, InvalidRequest, ModelFailed
from models.hubs import failures
from models.hubs.disk import free_bytes, no_room, refuse_full
from models.hubs.failures import Repository, is_full
from models.hubs.matching import Which, matching
from models.hubs.progress import ByteMeter, Tell

LOOK_S = 1.0
"""How often the disk's room is looked at."""
REACH_S = 3.0
"""How long a hub may take to accept a connection."""
AGAIN_S = 0.5
LISTING_TRIES = 2
"""How often the library asks for a listing again: without network its own number takes half a minute."""


def fetch(place: Repository, revision: str | None, file: str, cache: Path, which: Which, tell: Tell) -> Path:
    """See ``download.download``. Raises InvalidRequest, ModelFailed, and what the library raises."""
    _refuse_away(place)
    room: list[ModelFailed] = []
    listed = _listing(place, revision)
    _keep(listed, _folder(place, revision, cache))
    sizes = {one: listed[one] for one in matching(listed, which)}
    if file and file not in sizes:
        raise InvalidRequest(f"'{place.name}' holds no '{file}'", param="model_path")
    meter = ByteMeter(sizes, tell)
    for one, size in sizes.items():
        if _size(_folder(place, revision, cache) / one) == size:
            meter.has(one, size)
    refuse_full(cache, meter.left, place.source)
    try:
        with meter.telling():
            return _snapshot(place, revision, cache, which, progress_callbacks=[_counter(place, cache, meter, room)])
    except Exception as error:
        if room:
            raise room[0] from error
        raise


def _refuse_away(place: Repository) -> None:
    """Raise ConnectionError for a hub that accepts no connection: the library asks one for a listing for ten seconds.

    Nothing is sent that is secret, so its certificate is left to the library, which may be told to trust another.
    """
    for last in (False, True):
        try:
            httpx.head(place.endpoint, timeout=REACH_S, verify=False)  # noqa: S501
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            if last:
                raise ConnectionError("no connection") from error
            time.sleep(AGAIN_S)
        except (httpx.HTTPError, httpx.InvalidURL):
            return  # the library finds out
        else:
            return


def _folder(place: Repository, revision: str | None, cache: Path) -> Path:
    """Where the library keeps a snapshot."""
    return cache / "models" / place.name.replace("/", "--") / "snapshots" / (revision or "master")


def _size(path: Path) -> int | None:
    with contextlib.suppress(OSError):
        return path.stat().st_size
    return None


def _listing(place: Repository, revision: str | None) -> dict[str, int]:
    """The files of the repository, with their sizes in bytes."""
    from modelscope.hub.api import HubApi

    api = HubApi(endpoint=place.endpoint, max_retries=LISTING_TRIES)
    listed = api.get_model_files(place.name, revision=revision, recursive=True)
    return {str(one["Path"]): int(one.get("Size") or 0) for one in listed if one.get("Type") != "tree"}


def _record(folder: Path) -> Path:
    """Where a snapshot's listing is kept, so that what is here can be told to be whole without asking."""
    return folder.with_name(f"{folder.name}.listing.json")


def _keep(listed: dict[str, int], folder: Path) -> None:
    record = _record(folder)
    record.parent.mkdir(parents=True, exist_ok=True)
    new = record.with_suffix(f".{os.getpid()}")
    new.write_text(json.dumps(listed))
    os.replace(new, record)


def _snapshot(place: Repository, revision: str | None, cache: Path, which: Which, **more: Any) -> Path:
    from modelscope.hub.snapshot_download import snapshot_download

    wanted, unwanted = which
    return Path(
        snapshot_download(
            place.name,
            revision=revision,
            cache_dir=cache,
            allow_patterns=wanted,
            ignore_patterns=unwanted,
            endpoint=place.endpoint,
            **more,
        )
    )


def cached(place: Repository, revision: str | None, cache: Path, which: Which) -> Path:
    """The snapshot that is in the cache, whole. Raises InvalidRequest. Asks nobody."""
    folder = _folder(place, revision, cache)
    with contextlib.suppress(OSError, ValueError):
        listed = json.loads(_record(folder).read_text())
        wanted = matching(listed, which)
        if wanted and all(_size(folder / name) == listed[name] for name in wanted):
            return folder
    raise failures.not_cached(place)


def _counter(place: Repository, cache: Path, meter: ByteMeter, room: list[ModelFailed]) -> type:
    """A class of callbacks of the library. One that finds no room for the rest leaves its error in ``room``."""
    from modelscope.hub.callback import ProgressCallback

    looked_at = [0.0]

    class Counter(ProgressCallback):  # type: ignore[misc]
        """Counts the bytes of one file, anew at each try."""

        def __init__(self, filename: str, file_size: int) -> None:
            super().__init__(filename, file_size)
            meter.has(filename, 0)

        def update(self, size: int) -> None:
            """Count bytes; fewer than 0: so many come anew."""
            if time.monotonic() - looked_at[0] > LOOK_S:
                looked_at[0] = time.monotonic()
                if meter.left > (free := free_bytes(cache)):
                    room.append(no_room(place.source, meter.left, free))
            if room:
                raise OSError(28, os.strerror(28))  # the library tries anew after any other error
            meter.got(self.filename, size)

    return Counter


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """An error, what caused it, and of a snapshot what its files failed with."""
    while error is not None:
        yield error
        for one in getattr(error, "failed_files", {}).values():
            yield from _causes(one)
        error = error.__cause__


def meaning(place: Repository, error: Exception) -> HeadraceError:
    """What an error of the library means. Unknown ones are a failure of this try."""
    if type(error) is ConnectionError:  # ours; the library takes seconds to be imported
        return failures.unreachable(place)
    from modelscope.hub.errors import FileIntegrityError, NetworkError

    causes = list(_causes(error))
    token = bool(os.environ.get(place.token))
    for one in causes:
        if is_full(one):
            return failures.has_filled(place)
        if isinstance(one, FileIntegrityError):
            files = [name for each in causes for name in getattr(each, "failed_files", {})]
            return failures.damaged(place, files[0] if files else "a file")
        status = getattr(one, "status_code", None)
        if isinstance(status, int):
            after = getattr(one, "retry_after", None)
            return failures.refused(place, status, token=token, retry_after=int(after) if after else None)
    if any(isinstance(one, NetworkError | ConnectionError | TimeoutError) for one in causes):
        return failures.unreachable(place)
    return ModelFailed(f"cannot fetch '{place.source}' ({type(error).__name__})")
