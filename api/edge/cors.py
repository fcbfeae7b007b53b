"""The headers by which browsers let pages of other origins read our answers (CORS)."""

from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp

from api.edge.pages import Pages


def readable_by(pages: Pages, origin: str) -> list[bytes]:
    """The header lines by which a page of this origin may read an answer that comes from below the application."""
    if pages.allowed is None:
        return [b"access-control-allow-origin: *"]
    if not origin or not pages.allows(origin):
        return []
    return [b"access-control-allow-origin: " + origin.encode("latin-1"), b"vary: origin"]


def readable(app: ASGIApp, pages: Pages) -> ASGIApp:
    """The application, whose answers pages of the allowed origins may read. It must be the outermost.

    So preflights, which browsers send without a key, are answered, and what was refused carries the headers as well.
    Every request header is allowed, and every response header exposed. Cookies are not: nothing here reads any, but
    what stands before this server may.
    """
    return CORSMiddleware(
        app,
        allow_origins=("*",) if pages.allowed is None else (),
        allow_origin_regex=pages.allowed.pattern if pages.allowed else None,
        allow_methods=("*",),
        allow_headers=("*",),
        expose_headers=("*",),
        allow_private_network=True,
    )
