"""A look at what a launch would load: its peek, and the headers of its files. Blocks."""

import logging

import httpx

from models.errors import InvalidRequest, Unavailable
from models.launching import hub
from models.launching.peek import Peek
from models.ledger import headers
from models.ledger.headers import Headers
from models.rows.instances import NewInstance

_log = logging.getLogger(__name__)


def headers_of(new: NewInstance, seen: Peek, *, half: bool, within_s: float) -> Headers:
    """The headers of the files that the launch loads; of a hub, within about this many seconds.

    ``half``: half precision is preferred. Raises InvalidRequest where a header is not as it should be, Unavailable
    where the files cannot be reached.
    """
    mmproj = new.options.get("mmproj") != "none"
    try:
        source = hub.parse(new.source)
        return headers.read(new.engine, source, seen, half=half, mmproj=mmproj, within_s=within_s)
    except (OSError, httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        _log.info("cannot read the headers of %s: %s", seen.place, error)
        raise Unavailable(f"the headers of {seen.place} cannot be read from here") from error


def headers_if_any(new: NewInstance, seen: Peek, *, half: bool, within_s: float) -> Headers | None:
    """The same; None where they cannot be read, for whatever reason."""
    try:
        return headers_of(new, seen, half=half, within_s=within_s)
    except (InvalidRequest, Unavailable) as error:
        _log.info("no estimate of %s: %s", seen.place, error.message)
        return None
