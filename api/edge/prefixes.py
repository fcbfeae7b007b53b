"""Paths under a prefix, as a proxy sends them that was given one and does not take it off."""

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

ROOTS = frozenset(
    ["ui", "v1", "v2", "docs", "openapi.json", "sdapi", "fal", "anthropic", "healthz", "readyz", "metrics"]
)
"""First words of our own paths by which they are known. Single words that mean much elsewhere are not among them."""

DEEPEST = 8
"""Most folders of a prefix."""


class Prefixes:
    """ASGI middleware that takes off what stands before a path of ours: ``/a/b/v1/models`` is ``/v1/models``.

    It must be the outermost of those that ask for the path, so that all rules are asked about what is served.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        count = depth(scope["path"]) if scope["type"] == "http" else 0
        if not count and scope["type"] == "http" and _opens_root(scope):
            scope = {**scope, "path": "/", "raw_path": b"/"}
        if count:
            raw = scope.get("raw_path") or scope["path"].encode()
            taken = b"/" + raw.split(b"/", count + 1)[count + 1]
            scope = {**scope, "path": "/" + scope["path"].split("/", count + 1)[count + 1], "raw_path": taken}
        await self._app(scope, receive, send)


def _opens_root(scope: Scope) -> bool:
    """Whether a browser opens a prefix itself: ``/`` has no word by which it is known. Programs are told of a typo."""
    accepted = Headers(scope=scope).get("accept", "")
    return scope["method"] in ("GET", "HEAD") and "text/html" in accepted and is_prefix(scope["path"])


def is_prefix(path: str) -> bool:
    """Whether a path may be a proxy's prefix with its last slash, and none of ours. Pure."""
    words = path.split("/")[1:-1]
    return (
        path.endswith("/")
        and 0 < len(words) <= DEEPEST
        and not any(word in ROOTS or word in ("", ".", "..") for word in words)
    )


def depth(path: str) -> int:
    """How many folders stand before the first word of ``ROOTS``; 0 where a path has none. Pure."""
    for count, word in enumerate(path.split("/", DEEPEST + 2)[1 : DEEPEST + 2]):
        if word in ROOTS:
            return count
        if word in ("", ".", ".."):  # no proxy's prefix has these
            break
    return 0
