"""Links to artifacts that are valid for a while and need no API key, because the URL itself is signed."""

import hashlib
import hmac
import re
import time
from urllib.parse import quote, urlencode

from models.errors import BadSignature, UrlExpired
from models.storage.artifacts import Store, checked

PURPOSE = "artifact-urls"
"""For ``models.storage.secrets.derived``."""

_MEDIA_TYPE = re.compile(r"[A-Za-z0-9.+-]{1,60}/[A-Za-z0-9.+-]{1,60}(; ?charset=[A-Za-z0-9-]{1,20})?")


def link(
    store: Store, key: str, *, secret: bytes, base_url: str, expires_s: int, media_type: str, filename: str
) -> str:
    """A URL that serves the artifact for so many seconds: the bucket's own where it can have one, else the gateway's.

    A bucket serves it with the media type that it was stored with, under the last segment of its key, for a week at
    most. May block, see ``Store.presigned``. Raises InvalidRequest if the key is not valid; whether the artifact exists
    is not checked.
    """
    direct = store.presigned(key, expires_s)
    if direct is not None:
        return direct
    expires = str(int(time.time()) + expires_s)
    media_type = media_type if _MEDIA_TYPE.fullmatch(media_type) else "application/octet-stream"
    signature = _sign(secret, key, expires, media_type, filename)
    query = urlencode({"expires": expires, "type": media_type, "name": filename, "signature": signature})
    return f"{base_url.rstrip('/')}/v1/artifacts/{quote(checked(key))}?{query}"


def verify(key: str, *, secret: bytes, expires: str, media_type: str, filename: str, signature: str) -> int:
    """The seconds for which this link is still valid. Raises BadSignature, or UrlExpired if it was valid before."""
    expected = _sign(secret, key, expires, media_type, filename)
    if not hmac.compare_digest(expected.encode(), signature.encode(errors="replace")):
        raise BadSignature
    left = int(expires) - int(time.time())
    if left <= 0:
        raise UrlExpired
    return left


def _sign(secret: bytes, *parts: str) -> str:
    """The signature of the parts. Their lengths are signed too, so that no two lists of parts have the same one."""
    message = b"".join(b"%d:%s" % (len(one), one) for one in (part.encode(errors="replace") for part in parts))
    return hmac.new(secret, message, hashlib.sha256).hexdigest()
