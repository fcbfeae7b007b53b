"""The request of a job, as it is shown again: what was asked, without what is large or secret."""

import re
from contextlib import suppress
from typing import Any, Literal
from urllib.parse import urlsplit

from api.gateway.gateway import Gateway
from api.jobs.results import link_to
from api.shapes.jobs import AskedFile, AskedJob, LeftOut
from models.errors import NotFound
from models.inline_data import is_data_url, may_be_base64
from models.modalities import KINDS
from models.rows.records import JobRow

MOST_DATA = 1024
"""Characters of data in a text, as a picture in base64, that are shown."""
MOST_TEXT = 1 << 16
"""Characters of any other text."""

_SECRET = re.compile(
    r"(proxy[-_])?authorization|cookie|(x[-_])?api[-_]?key|passw(or)?d|(.*[-_])?secret|(access|auth|bearer)[-_]?token",
    re.IGNORECASE,
)
_BEGINNINGS = ((b"\x89PNG\r\n\x1a\n", "image/png"), (b"\xff\xd8\xff", "image/jpeg"), (b"GIF8", "image/gif"))
_LONGEST = 12
_UNKNOWN = "application/octet-stream"
_OURS = ("earlier",)
"""What the platform itself has put into a request."""


def asked(gateway: Gateway, row: JobRow, base_url: str) -> AskedJob:
    """The request of a job, its files at signed URLs; those that are not kept any more are missing. May block."""
    kind = KINDS[row.kind]
    body = {name: value for name, value in row.request.items() if name not in kind.fixed and name not in _OURS}
    files: dict[str, AskedFile] = {}
    for name, key in row.files.items():
        with suppress(NotFound):
            files[name] = _file(gateway, name, key, base_url)
    given, left_out = without(body)
    return {
        "id": row.id,
        "object": "job.request",
        "kind": row.kind,
        "path": f"/v1/{kind.path}",
        "input": given,
        "files": files,
        "left_out": left_out,
    }


def without(value: Any, place: str = "") -> tuple[Any, list[LeftOut]]:
    """A value of JSON without what is large or secret in it, for which null stands, and what that was."""
    out: list[LeftOut] = []

    def shown(one: Any, at: str, name: str) -> Any:
        if isinstance(one, dict):
            return {key: shown(each, f"{at}.{key}" if at else key, key) for key, each in one.items()}
        if isinstance(one, list):
            return [shown(each, f"{at}[{index}]", name) for index, each in enumerate(one)]
        reason = reason_for(name, one) if isinstance(one, str) else None
        if reason is None:
            return one
        out.append({"param": at, "reason": reason, "length": len(one)})
        return None

    return shown(value, place, ""), out


def reason_for(name: str, text: str) -> Literal["large", "secret"] | None:
    """Why a text under this name is not shown; None: it is. A URL with a password in it is a secret."""
    if _SECRET.fullmatch(name):
        return "secret"
    if text[:8].lower().startswith(("http://", "https://")) and "@" in text:
        with suppress(ValueError):
            if urlsplit(text).password is not None:
                return "secret"
    is_data = is_data_url(text) or may_be_base64(text)
    return "large" if len(text) > (MOST_DATA if is_data else MOST_TEXT) else None


def _file(gateway: Gateway, name: str, key: str, base_url: str) -> AskedFile:
    info = gateway.store.head(key)
    media_type = info.media_type or type_of(gateway.store.beginning(key, _LONGEST))
    url = link_to(gateway, key, name, media_type, base_url)
    return {"url": url, "bytes": info.size, "media_type": media_type}


def type_of(beginning: bytes) -> str:
    """The media type of a picture that begins with these bytes; that of anything where they are no known picture's."""
    if beginning.startswith(b"RIFF") and beginning[8:12] == b"WEBP":
        return "image/webp"
    return next((kind for mark, kind in _BEGINNINGS if beginning.startswith(mark)), _UNKNOWN)
