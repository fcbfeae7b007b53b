"""Data that stands in a text: base64 as libraries write it, and data URLs (RFC 2397). Pure functions."""

import base64
import re
from urllib.parse import unquote_to_bytes

_TO_STANDARD = bytes.maketrans(b"-_", b"+/")
_BLANKS = b" \t\r\n\v\f"
_MEDIA_TYPE = re.compile(r"[\w.+-]+/[\w.+-]+", re.ASCII)
_BARE = re.compile(r"[A-Za-z0-9+/_-]{64}")
"""How base64 begins. What is shorter is no picture and no recording."""


def from_base64(text: str) -> bytes:
    """The data: the alphabet may be that of URLs, padding may lack, and blanks and percent signs may stand in it.

    Raises ValueError, with what is to be said of the text.
    """
    try:
        raw = unquote_to_bytes(text) if "%" in text else text.encode("ascii")
        bare = raw.translate(_TO_STANDARD, _BLANKS).rstrip(b"=")
        return base64.b64decode(bare + b"=" * (-len(bare) % 4), validate=True)
    except ValueError as error:  # binascii.Error and UnicodeEncodeError are ValueErrors
        raise ValueError("is not valid base64") from error


def is_data_url(text: str) -> bool:
    """Whether it is meant as a data URL."""
    return text[:20].lstrip()[:5].lower() == "data:"


def from_data_url(url: str) -> tuple[str, bytes]:
    """The media type, in lower case and maybe empty, and the data. Raises ValueError as ``from_base64``."""
    head, comma, body = url.partition(",")
    media_type, *parameters = head.strip()[len("data:") :].lower().split(";")
    known = media_type.strip() if _MEDIA_TYPE.fullmatch(media_type.strip()) else ""
    if comma and parameters and parameters[-1].strip() == "base64":
        return known, from_base64(body)
    if "%" not in body:  # what is not encoded at all is more likely base64 of which this was forgotten
        raise ValueError("is a data URL without ';base64,'")
    return known, unquote_to_bytes(body)


def may_be_base64(text: str) -> bool:
    """Whether a text that should have been a URL begins as base64 does."""
    return _BARE.match(text.lstrip()[:64]) is not None
