"""A look at what a launch would load: its peek, and the headers of its files. Blocks."""

import logging

import httpx

from models.errors import InvalidRequest, Unavailable
from models.hubs.asking import why_not
from models.launching import hub
from models.launching.peek import Peek
from models.ledger import headers
from models.ledger.headers import Headers
from models.ledger.tensors import UnknownNumbers
from models.rows.instances import NewInstance

_log = logging.getLogger(__name__)

_FAILURES = (OSError, httpx.HTTPError, httpx.InvalidURL, ValueError)
"""What comes of files that cannot be reached, and UnknownNumbers."""


def headers_of(new: NewInstance, seen: Peek, *, half: bool, within_s: float) -> Headers:
    """The headers of the files that the launch loads; of a hub, within about this many seconds.

    ``half``: half precision is preferred. Raises InvalidRequest where a header is not as it should be, or has numbers
    that are not known here, and what says why the files cannot be reached.
    """
    source = hub.parse(new.source)
    try:
        return _read(new, seen, half=half, within_s=within_s)
    except UnknownNumbers as error:
        raise InvalidRequest(f"{seen.place} cannot be estimated: {error}", param="model_path") from error
    except _FAILURES as error:
        _log.info("cannot read the headers of %s: %s", seen.place, error)
        if source.kind in ("huggingface", "modelscope"):
            raise why_not(source.kind, source.name, error) from error
        raise Unavailable(f"the headers of {seen.place} cannot be read from here") from error


def headers_if_any(new: NewInstance, seen: Peek, *, half: bool, within_s: float) -> Headers | None:
    """The same; None where they cannot be reached, or have numbers that are not known here.

    Raises InvalidRequest where a header is not as it should be.
    """
    try:
        return _read(new, seen, half=half, within_s=within_s)
    except _FAILURES as error:
        _log.info("no estimate of %s: %s", seen.place, error)
        return None


def _read(new: NewInstance, seen: Peek, *, half: bool, within_s: float) -> Headers:
    mmproj = new.options.get("mmproj") != "none"
    return headers.read(new.engine, hub.parse(new.source), seen, half=half, mmproj=mmproj, within_s=within_s)
