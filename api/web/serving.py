"""The web interface: its built files, under ``/ui/``; ``make ui`` builds them from ``api/ui``.

It works under any prefix that a proxy puts before our paths, stripped or not, since every address in it is relative:
the page's base is counted from the path that was asked for, so the browser adds the prefix by itself. The technique of
precompressed files with names that hold their hash is that of most static servers.
"""

from collections.abc import Mapping
from http import HTTPStatus
from mimetypes import guess_type
from pathlib import Path

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse, RedirectResponse
from starlette.responses import Response

from api.gateway.gateway import gateway_of
from api.shapes.encodings import takes
from models.errors import NotFound, StorageUnavailable
from models.process.machine import RELEASE

router = APIRouter(include_in_schema=False)

BUILT = Path(__file__).parent.parent / "ui" / "dist"
"""What ``make ui`` builds."""


def policy(bucket: str | None) -> str:
    """The Content-Security-Policy (https://www.w3.org/TR/CSP3/): nothing inline, and nothing from elsewhere.

    ``bucket``: the origin at which artifacts are served, where that is not the gateway. Pure.
    """
    artifacts = f" {bucket}" if bucket else ""
    return "; ".join(
        [
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            f"img-src 'self' data: blob:{artifacts}",
            f"media-src 'self' blob:{artifacts}",
            "font-src 'self'",
            f"connect-src 'self'{artifacts}",
            "worker-src 'self'",
            "manifest-src 'self'",
            "form-action 'self'",
            "base-uri 'self'",
            "frame-ancestors 'none'",
        ]
    )


HEADERS = {
    "Content-Security-Policy": policy(None),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(self)",
}
"""What every answer of the interface says."""

_KEPT = {"Cache-Control": "public, max-age=31536000, immutable"}
_ASKED_AGAIN = {"Cache-Control": "no-cache"}
_ENCODINGS = (("br", ".br"), ("gzip", ".gz"))
_MISSING = """<!doctype html><html lang="en"><head><title>Headrace</title></head><body>
<h1>Headrace</h1>
<p>The server runs, but its web interface has not been built. Run <code>make ui</code>, and load this page again.</p>
<p>The API is served all the same: <a href="{up}docs">its documentation</a>.</p></body></html>
"""


@router.get("/")
async def root(request: Request) -> Response:
    """Send browsers to the interface, and tell programs what this is."""
    if _wants_page(request.headers):
        return RedirectResponse("ui/", HTTPStatus.TEMPORARY_REDIRECT)
    return JSONResponse({"name": "headrace", "version": RELEASE, "ui": "ui/", "docs": "docs"})


@router.get("/ui")
async def without_slash() -> Response:
    """Send the browser to where the interface's relative addresses are right."""
    return RedirectResponse("ui/", HTTPStatus.TEMPORARY_REDIRECT)


@router.get("/ui/{path:path}")
def served(request: Request, path: str) -> Response:
    """A file of the interface, or for every other address that a browser opens, its page. Raises NotFound."""
    file = _built(path)
    if file:
        return _file(file, request.headers.get("accept-encoding", ""), kept=path.startswith("assets/"))
    if not (BUILT / "index.html").exists() and not _wants_page(request.headers):
        raise NotFound("the web interface has not been built: `make ui` builds it; the API is served all the same")
    if path.startswith("assets/") or not _wants_page(request.headers):
        raise NotFound(f"the web interface has no file '{path[:100]}'")
    raw = request.scope.get("raw_path") or request.scope["path"].encode()
    return _page(raw.partition(b"/ui/")[2].count(b"/"), _policy_of(request))


def _built(path: str) -> Path | None:
    """The built file at a path; None where there is none, or where it is the page."""
    if path in ("", "index.html") or "\0" in path:
        return None
    try:
        file = (BUILT / path).resolve()
        return file if file.is_relative_to(BUILT) and file.is_file() else None
    except OSError:  # a name that is too long for a file
        return None


def _policy_of(request: Request) -> str:
    """The policy of this server's page. A bucket that cannot be asked shows no pictures either."""
    try:
        return policy(gateway_of(request).store.origin())
    except StorageUnavailable:
        return policy(None)


def _page(depth: int, rules: str) -> Response:
    """The page, for an address so many folders below ``/ui/``, with its Content-Security-Policy."""
    headers = HEADERS | _ASKED_AGAIN | {"Content-Security-Policy": rules}
    try:
        text = (BUILT / "index.html").read_text(encoding="utf-8")
    except FileNotFoundError:
        missing = _MISSING.format(up="../" * (depth + 1))
        return HTMLResponse(missing, HTTPStatus.SERVICE_UNAVAILABLE, headers)
    base = "../" * depth or "./"
    return HTMLResponse(text.replace("<head>", f'<head><base href="{base}">', 1), headers=headers)


def _file(file: Path, accepted: str, *, kept: bool) -> Response:
    """A file, compressed as it was at the build where the browser takes that."""
    headers = HEADERS | (_KEPT if kept else _ASKED_AGAIN) | {"Vary": "Accept-Encoding"}
    media_type, _ = guess_type(file.name)  # as its packed form has another name
    for encoding, ending in _ENCODINGS:
        packed = file.with_name(file.name + ending)
        if takes(accepted, encoding) and packed.is_file():
            return FileResponse(packed, headers=headers | {"Content-Encoding": encoding}, media_type=media_type)
    return FileResponse(file, headers=headers)


def _wants_page(headers: Mapping[str, str]) -> bool:
    """Whether a browser opens an address, rather than a script or a program that asks for a file."""
    return "text/html" in headers.get("accept", "")
