"""What was fetched from hubs and lies on this machine: listed, and removed by name."""

import os
import re
import shutil
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

from models.errors import Conflict, InvalidRequest, ModelNotFound
from models.hubs import settings
from models.hubs.failures import HubName

_NAMED = re.compile(r"(?:(hf|huggingface|modelscope):)?([\w.-]+/[\w.-]+)")


@dataclass(frozen=True, slots=True)
class CachedRepository:
    """A repository in a cache. ``size`` in bytes, with what is not whole yet; times are Unix times in seconds.

    ``read``: when a file of it was last read, which many file systems note once a day at most; None: not since it came.

    ``whole``: no file of it was cut off. ``shared``: it lies where other programs look for it, too.
    """

    hub: HubName
    name: str
    path: Path
    size: int
    files: int
    modified: float
    read: float | None
    whole: bool
    shared: bool

    @property
    def source(self) -> str:
        """The repository as a launch names it, and as it is removed."""
        return f"{'hf' if self.hub == 'huggingface' else self.hub}:{self.name}"


def cached(own: Path) -> list[CachedRepository]:
    """All repositories that were fetched: those under ``own``, our folder of caches, and those of other programs."""
    found = list(_models(own / "huggingface", "huggingface", "models--"))
    found += _models(own / "modelscope" / "models", "modelscope", "")
    if shared := settings.shared():
        found += _models(shared, "huggingface", "models--", shared=True)
    return sorted(found, key=lambda one: (one.name, one.hub, one.shared))


WRITING_S = 60.0
"""A file that was read within this time of its last change was read by what fetched it."""

MOST_NAMES = 100
"""So many repositories are told of at most."""


def newest(own: Path) -> list[str]:
    """The names of the repositories that were fetched last, wholly or in part, as ``source`` has them. Cheap."""
    folders: list[tuple[Path, str, str]] = [
        (own / "huggingface", "hf:", "models--"),
        (own / "modelscope" / "models", "modelscope:", ""),
    ]
    if shared := settings.shared():
        folders.append((shared, "hf:", "models--"))
    found: dict[str, float] = {}
    for folder, scheme, prefix in folders:
        with suppress(OSError), os.scandir(folder) as there:
            for one in there:
                owner, _, name = one.name.removeprefix(prefix).partition("--")
                if one.name.startswith(prefix) and name:
                    found[f"{scheme}{owner}/{name}"] = one.stat().st_mtime
    return sorted(found, key=lambda name: (-found[name], name))[:MOST_NAMES]


def named(own: Path, text: str) -> list[CachedRepository]:
    """The repositories that ``text`` names: ``hf:org/name``, ``modelscope:org/name``, or ``org/name`` of either hub.

    Raises InvalidRequest where it names no repository, ModelNotFound where there is none of the name.
    """
    parts = _NAMED.fullmatch(text)
    if parts is None or ".." in text:
        raise InvalidRequest(
            f"'{text}' names no repository: it must be hf:org/name, modelscope:org/name or org/name",
            param="model_version",
        )
    hub = {"hf": "huggingface"}.get(parts[1], parts[1])
    found = [one for one in cached(own) if one.name == parts[2] and hub in (None, one.hub)]
    if not found:
        raise ModelNotFound(f"'{text}' is not in the cache", param="model_version")
    return found


def remove(repository: CachedRepository) -> None:
    """Delete a repository, with what is not whole of it; of one that is a link, the link alone.

    Raises Conflict where a process fetches it at this moment.
    """
    from filelock import FileLock, Timeout

    locks = repository.path.parent / ".locks" / repository.path.name
    with ExitStack() as held:
        for lock in sorted(locks.glob("*.lock")) if repository.hub == "huggingface" else ():
            try:
                held.enter_context(FileLock(lock).acquire(timeout=0))
            except Timeout as error:
                raise Conflict(f"'{repository.source}' is being fetched at this moment") from error
        if repository.path.is_symlink():
            repository.path.unlink()
        else:
            shutil.rmtree(repository.path)
        shutil.rmtree(locks, ignore_errors=True)


def paths_of(repository: CachedRepository) -> list[Path]:
    """The files that go when a repository is removed."""
    return sorted(path for path, _ in _files(repository.path))


def _models(folder: Path, hub: HubName, prefix: str, *, shared: bool = False) -> Iterator[CachedRepository]:
    """The repositories in a folder of a hub's cache."""
    try:
        names = sorted(os.listdir(folder))
    except OSError:
        return
    for one in names:
        owner, _, name = one.removeprefix(prefix).partition("--")
        path = folder / one
        if not one.startswith(prefix) or not name or not path.is_dir():
            continue
        files = list(_files(path))
        yield CachedRepository(
            hub,
            f"{owner}/{name}",
            path,
            sum(size for _, size in files),
            sum(len(file.relative_to(path).parts) > 2 and "snapshots" in file.parts for file, _ in files),
            max((file.lstat().st_mtime for file, _ in files if file.exists()), default=path.stat().st_mtime),
            _last_read(file for file, _ in files),
            not any(file.suffix in (".incomplete", ".parallel_tmp") for file, _ in files),
            shared,
        )


def _last_read(files: Iterable[Path]) -> float | None:
    """When one of these was last read after it was written, in Unix seconds."""
    found = None
    for file in files:
        with suppress(OSError):  # another program may remove it just now
            known = file.lstat()
            # What writes a file anew leaves both times within moments of each other.
            if not file.is_symlink() and known.st_atime > known.st_mtime + WRITING_S:
                found = max(found or 0.0, known.st_atime)
    return found


def _files(folder: Path) -> Iterator[tuple[Path, int]]:
    """The files in a folder, with their sizes in bytes; a link has none."""
    for where, _, names in os.walk(folder):
        for name in names:
            path = Path(where) / name
            if path.is_symlink():
                yield path, 0
            elif path.is_file():
                yield path, path.stat().st_size
