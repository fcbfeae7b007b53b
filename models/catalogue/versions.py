"""Which catalogue is in use: the shipped one, or a newer one, which was checked whole before it was taken.

It lies in the home folder, so that all processes of a home see it at once, and so does the one before it. Blocks.
"""

import fcntl
import os
import ssl
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import msgspec

from models.catalogue import is_shipped
from models.catalogue.checking import fault
from models.catalogue.entries import Family, families, newer, read
from models.catalogue.registering.families import check_name
from models.engines import MODEL_TYPES
from models.errors import InvalidRequest, Unavailable
from models.hubs.settings import offline

MOST_BYTES = 32 << 20
_TIMEOUT_S = 60.0
_REDIRECTS = 5
FETCH_S = 120.0
"""Longest that all of a catalogue may take to come, however slowly it does."""


@dataclass(frozen=True, slots=True)
class Changes:
    """The names of the families that differ between two catalogues, in order."""

    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[str, ...]


def changes(before: Sequence[Family], after: Sequence[Family]) -> Changes:
    """What one catalogue has that another has not. Pure."""
    old, new = ({(one.name, one.type): one for one in some} for some in (before, after))
    return Changes(
        tuple(sorted(key[0] for key in new.keys() - old.keys())),
        tuple(sorted(key[0] for key in old.keys() - new.keys())),
        tuple(sorted(key[0] for key in old.keys() & new.keys() if old[key] != new[key])),
    )


@dataclass(frozen=True, slots=True)
class InUse:
    """``path``: the newer catalogue that is in use, None: the shipped one. ``count``: how many families it has.

    ``former``: whether there is one to go back to, or forward. ``place``: where the last newer one was taken from, ""
    where none was, without what may be secret in an address.
    """

    path: Path | None
    count: int
    former: bool
    place: str = ""


def in_use(home: Path) -> InUse:
    """The catalogue that is in use, as the processes of this home see it."""
    path = newer()
    former = (_folder(home) / "former.jsonl").exists() or path is not None
    place = ""
    with suppress(OSError, UnicodeDecodeError):
        place = (_folder(home) / "place").read_text(encoding="utf-8")
    return InUse(path, len(families()), former, place)


def update(home: Path, place: str) -> InUse:
    """Take the catalogue at a path, or an https URL.

    Raises InvalidRequest where anything in it is wrong, Unavailable, OSError; then the one in use stays.
    """
    return take(home, read_at(place), place)


def read_at(place: str) -> bytes:
    """What is at a path, of a folder all its ``*.jsonl``, or at an https URL; not checked yet. Blocks, for some minutes
    at most.

    Raises InvalidRequest where it is too large, or no address to fetch from, Unavailable, OSError.
    """
    if "://" in place:
        return _fetched(place)
    path, data = Path(place), b""
    for one in sorted(path.glob("*.jsonl")) if path.is_dir() else [path]:
        data = _bounded(iter((data, b"\n" if data else b"", _of_file(one))))
    return data


def take(home: Path, data: bytes, place: str) -> InUse:
    """Take a catalogue that was read at a place. Raises InvalidRequest where anything in it is wrong, OSError."""
    check(data)
    with _alone(home) as folder:
        current, former, fresh = (folder / f"{name}.jsonl" for name in ("current", "former", "fresh"))
        with fresh.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        former.unlink(missing_ok=True)
        with suppress(FileNotFoundError):  # no newer one is in use: to go back is to go to the shipped one
            os.link(current, former)
        os.replace(fresh, current)
        (folder / "place").write_text(_without_secrets(place), encoding="utf-8")
    return in_use(home)


def _without_secrets(place: str) -> str:
    """An address without its user, password, query and fragment; a path as it is."""
    if "://" not in place:
        return place
    parts = urlsplit(place)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl()


def go_back(home: Path) -> InUse:
    """Take the catalogue that was in use before; the next time, the one after it again. Raises InvalidRequest."""
    with _alone(home) as folder:
        current, former, fresh = (folder / f"{name}.jsonl" for name in ("current", "former", "fresh"))
        if not current.exists() and not former.exists():
            raise InvalidRequest("the shipped catalogue is in use, and there is no other")
        for old, new in ((former, fresh), (current, former), (fresh, current)):
            with suppress(FileNotFoundError):
                os.replace(old, new)
    return in_use(home)


def check(data: bytes) -> None:
    """Raise InvalidRequest, with the line at fault, where data are no whole catalogue."""
    found: list[Family] = []
    for number, line in enumerate(data.splitlines(), 1):
        try:
            made = read(line)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise InvalidRequest(f"line {number} is no entry: {error}") from error
        for family in made:
            if said := _refused(family):
                raise InvalidRequest(f"line {number}, {family.name[:100]!a}: {said}")
        found += made
    if missing := [name for name in MODEL_TYPES if not any(one.type == name for one in found)]:
        raise InvalidRequest(f"it has no models of type {', '.join(missing)}")
    if doubled := _doubled(found):
        raise InvalidRequest(f"the name '{doubled}' is there twice")


def _refused(family: Family) -> str:
    """Why an entry is not taken from elsewhere; "": it is."""
    for name in (family.name, *family.aliases):
        try:
            check_name(name, "name")
        except InvalidRequest as error:
            return error.message
    if is_shipped(family.name):
        return "this comes with Headrace"
    if any(one.uri for one in family.specs):
        return "weights of a catalogue are on hubs, and have no uri"
    return fault(family)


def _doubled(found: Sequence[Family]) -> str:
    """A name that two families of a type have, or an alias; "": there is none."""
    names = Counter((one.type, one.name) for one in found)
    aliases = Counter((one.type, alias) for one in found for alias in one.aliases)
    return next((name for words in (names, aliases) for (_, name), count in words.items() if count > 1), "")


def _of_file(path: Path) -> bytes:
    """What a file holds. Raises InvalidRequest where it is too large, OSError."""
    with path.open("rb") as file:
        return _bounded(iter(lambda: file.read(1 << 20), b""))


def _fetched(url: str) -> bytes:
    """What is at an address. Raises InvalidRequest where it is not https, or too large, Unavailable."""
    if offline():
        raise InvalidRequest("HEADRACE_OFFLINE is set, so that nothing is fetched: give a path")
    over = time.monotonic() + FETCH_S
    try:
        with httpx.Client(timeout=_TIMEOUT_S, verify=ssl.create_default_context()) as client:
            for _ in range(_REDIRECTS):
                if urlsplit(url).scheme != "https":
                    raise InvalidRequest(f"a catalogue is fetched by https alone, or read from a path: not {url[:200]}")
                with client.stream("GET", url) as answer:
                    if answer.next_request is not None:
                        url = str(answer.next_request.url)
                        continue
                    answer.raise_for_status()
                    return _bounded(_within(answer.iter_bytes(), over, url))
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        raise Unavailable(f"{url[:200]} cannot be fetched: {error}") from error
    raise Unavailable(f"{url[:200]} redirects more than {_REDIRECTS} times")


def _within(pieces: Iterator[bytes], over: float, url: str) -> Iterator[bytes]:
    """The pieces, as long as they come in time. Raises Unavailable."""
    for piece in pieces:
        if time.monotonic() > over:
            raise Unavailable(f"{url[:200]} did not come whole within {FETCH_S:g} s")
        yield piece


def _bounded(pieces: Iterator[bytes]) -> bytes:
    data = bytearray()
    for piece in pieces:
        data += piece
        if len(data) > MOST_BYTES:
            raise InvalidRequest(f"it is larger than {MOST_BYTES >> 20} MiB")
    return bytes(data)


def _folder(home: Path) -> Path:
    return home.expanduser() / "catalogue"


@contextmanager
def _alone(home: Path) -> Iterator[Path]:
    """The folder of catalogues, which nobody else changes meanwhile."""
    folder = _folder(home)
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield folder
