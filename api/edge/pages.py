"""Which web pages may use this server, and under which names it may be called.

A browser sends requests for any page that its user looks at, and reaches servers that listen on this machine alone. Two
things keep a stranger's page from using this one. ``Host`` must be a name that nobody else can point here, where no key
is needed (DNS rebinding makes a stranger's name and ours one origin). And what a browser sends for a page of another
origin changes nothing unless CORS allows that origin: forms need no preflight, so CORS alone does not hold them back.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from models.errors import ForeignHost, ForeignPage, InvalidRequest
from models.settings import Settings

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods that change nothing."""

LOOPBACK_ORIGINS = tuple(
    f"{scheme}://{host}:*"
    for scheme in ("http", "https")
    for host in ("localhost", "*.localhost", "127.0.0.1", "[::1]")
)
"""Pages that this machine serves, at any port."""

CONTAINER_HOSTS = frozenset({"host.docker.internal", "host.containers.internal"})
"""The names by which containers on this machine call it."""

_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://(?:\*\.)?(?:[a-z0-9._-]+|\[[0-9a-f:.]+\])(?::(?:\d{1,5}|\*))?")
_PROGRAM = re.compile(r"(?!https?:)[a-z][a-z0-9+.-]*://\*?")
"""All pages of a kind of program, as ``app://*`` or ``file://``: what a website cannot be."""

_HOST = re.compile(r"([a-z0-9._-]+|\[[0-9a-f:.]+\])(?::\d*)?")
_LOOPBACK_HOST = re.compile(r"localhost|.+\.localhost|127(?:\.\d{1,3}){3}|::1")


@dataclass(frozen=True, slots=True)
class Pages:
    """The pages that may use this server, and its names.

    ``allowed``: the origins of these pages; None: all. ``hosts``: the names beside those of loopback; None: any name.
    ``own``: the origin of the public URL, without its scheme.
    """

    allowed: re.Pattern[str] | None
    hosts: frozenset[str] | None
    own: str

    def allows(self, origin: str) -> bool:
        """Whether CORS allows pages of this origin."""
        return self.allowed is None or self.allowed.fullmatch(origin) is not None

    def check(self, method: str, headers: Mapping[str, str]) -> None:
        """Raise ForeignHost or ForeignPage for a request that a stranger's page may have caused."""
        host = headers.get("host", "").lower()
        if not self._known(host):
            raise ForeignHost(
                f"this server is not known as '{host}': set HEADRACE_PUBLIC_URL to the URL under which it is called"
            )
        if method in SAFE_METHODS:
            return
        origin = headers.get("origin", "").lower()
        site = origin.partition("://")[2]
        if origin and not self.allows(origin) and not (site and site in (host, self.own)):
            raise ForeignPage(
                f"a web page of {origin} may change nothing here: add its origin to HEADRACE_CORS_ORIGINS"
            )
        if not origin and headers.get("sec-fetch-site", "") in ("cross-site", "same-site"):
            raise ForeignPage()

    def _known(self, host: str) -> bool:
        """Whether this server may be called so; programs that send no ``Host`` are no browsers."""
        if self.hosts is None or not host:
            return True
        name = host_name(host)
        return _LOOPBACK_HOST.fullmatch(name) is not None or name in self.hosts


def pages_of(settings: Settings) -> Pages:
    """What the settings say of pages. Raises InvalidRequest where they name no origins, or all without a key."""
    public = urlsplit(settings.public_url.lower())
    names = {host_name(f"[{settings.host}]" if ":" in settings.host else settings.host.lower()), public.hostname or ""}
    hosts = None if settings.keyed else frozenset(names - {""}) | CONTAINER_HOSTS
    return Pages(allowed_origins(settings.cors_origins, settings.keyed), hosts, public.netloc)


def allowed_origins(listed: str, keyed: bool) -> re.Pattern[str] | None:
    """The origins that a setting lists, as a pattern; None: all.

    An entry may have ``*`` for its port and for the first part of its host. Raises InvalidRequest.
    """
    entries = [_written(entry.strip().lower()) for entry in listed.split(",") if entry.strip()]
    if not keyed and {"*", "null"} & set(entries):
        raise InvalidRequest(
            "refusing to let every web page use this server without a key: set HEADRACE_API_KEY or HEADRACE_ADMIN_KEY,"
            " or list the origins of pages in HEADRACE_CORS_ORIGINS",
            param="cors_origins",
        )
    if "*" in entries:
        return None
    for entry in entries:
        if entry != "null" and not _ORIGIN.fullmatch(entry) and not _PROGRAM.fullmatch(entry):
            raise InvalidRequest(
                f"{entry!r} in HEADRACE_CORS_ORIGINS is no origin, as in https://app.example.com or http://localhost:*",
                param="cors_origins",
            )
    default = () if keyed else LOOPBACK_ORIGINS
    return re.compile("|".join(_pattern(entry) for entry in entries or default) or "(?!)")


def host_name(host: str) -> str:
    """The name in a ``Host`` header, without its port; empty where it is none."""
    match = _HOST.fullmatch(host)
    return match[1].strip("[]").rstrip(".") if match else ""


def _written(entry: str) -> str:
    """An entry as browsers write it, without the slash at the end of a URL."""
    return entry if entry.endswith("://") else entry.rstrip("/")


def _pattern(entry: str) -> str:
    """The regular expression of an entry."""
    bare = entry.removesuffix(":*")
    port = "" if bare == entry else r"(?::\d{1,5})?"
    return re.escape(bare).replace(r"\*", r"[^/:@]+") + port
