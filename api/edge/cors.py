"""The headers by which browsers let pages of other origins read our answers (CORS)."""

from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp

from api.edge.pages import Pages


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
