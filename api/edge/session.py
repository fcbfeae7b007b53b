"""Sessions of the web interface: a cookie that stands for an API key, so that no page has to keep the key.

The cookie holds the digest of the key and when it ends, under a signature (HMAC-SHA-256). It says nothing of what the
key may do: that is looked up at each request, so a key that is taken away ends its sessions. Any number of gateways can
read it, and none keeps anything.
"""

import hashlib
import hmac
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from functools import cached_property
from http.cookies import CookieError, SimpleCookie
from urllib.parse import urlsplit

from api.edge.pages import SAFE_METHODS
from models.errors import RateLimited
from models.settings import Settings
from models.storage.secrets import derived

PURPOSE = "sessions"
"""For ``models.storage.secrets.derived``."""

LASTS_S = 30 * 86_400
"""How long a session lasts."""

ATTEMPTS, WITHIN_S = 10, 60.0
"""So many wrong keys may come from one address within this time."""

_ADDRESSES = 10_000
"""Most addresses whose wrong keys are counted."""


class Sessions:
    """Makes and reads the cookies of one installation."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._own = urlsplit(settings.public_url.lower()).netloc

    @cached_property
    def _secret(self) -> bytes:
        return derived(self._settings, PURPOSE)

    @cached_property
    def name(self) -> str:
        """The name of the cookie. Ports share cookies, so it is another one for each installation."""
        return f"headrace_{hashlib.sha256(self._secret).hexdigest()[:8]}"

    def made(self, key: bytes, ends: int) -> str:
        """The cookie for the key with this digest. ``ends``: in seconds since 1970."""
        text = f"{key.hex()}.{ends}"
        return f"{text}.{self._sign(text)}"

    def owner_of(self, key: bytes) -> str:
        """The name under which a browser keeps what is made with the key of this digest, of which it tells nothing."""
        return hmac.new(self._secret, b"owner" + key, hashlib.sha256).hexdigest()[:16]

    def key_of(self, method: str, headers: Mapping[str, str]) -> tuple[bytes, int] | None:
        """The digest of the key for which a request's cookie stands, and when that ends; None: there is none.

        A cookie counts only where the request comes from a page of this server.
        """
        if "cookie" not in headers or not from_own_page(method, headers, self._own):
            return None
        text, _, signature = _cookie(headers["cookie"], self.name).rpartition(".")
        if not hmac.compare_digest(self._sign(text).encode(), signature.encode()):
            return None
        key, _, ends = text.partition(".")
        return (bytes.fromhex(key), int(ends)) if int(ends) > time.time() else None

    def _sign(self, text: str) -> str:
        return hmac.new(self._secret, text.encode(), hashlib.sha256).hexdigest()


def from_own_page(method: str, headers: Mapping[str, str], own: str) -> bool:
    """Whether a request comes from a page of this server, or from what its user typed. Pure.

    Browsers say so in ``Sec-Fetch-Site``, but not to servers that are reached over plain HTTP. There ``Origin`` tells,
    which comes with all that changes anything; what comes without it changes nothing, and other origins cannot read it.
    ``own``: host and port of the public URL.
    """
    site = headers.get("sec-fetch-site", "")
    if site:
        return site == "same-origin" or (site == "none" and method in SAFE_METHODS)
    origin = headers.get("origin", "").lower()
    if origin:
        return origin.partition("://")[2] in {headers.get("host", "").lower(), own} - {""}
    return method in SAFE_METHODS


class Attempts:
    """Counts wrong keys by the address that they come from. ``clock``: in seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failed: OrderedDict[str, list[float]] = OrderedDict()

    def check(self, address: str) -> None:
        """Raise RateLimited where too many wrong keys have come from this address."""
        recent = self._recent(address)
        if len(recent) >= ATTEMPTS:
            wait = int(recent[0] + WITHIN_S - self._clock()) + 1
            raise RateLimited(f"too many wrong keys: try again in {wait} s", retry_after=wait)

    def fail(self, address: str) -> None:
        """Count a wrong key."""
        self._failed[address] = [*self._recent(address), self._clock()]
        self._failed.move_to_end(address)
        while len(self._failed) > _ADDRESSES:
            self._failed.popitem(last=False)

    def _recent(self, address: str) -> list[float]:
        since = self._clock() - WITHIN_S
        return [when for when in self._failed.get(address, ()) if when > since]


def _cookie(header: str, name: str) -> str:
    """The value of the cookie of this name; empty where there is none."""
    try:
        found = SimpleCookie(header).get(name)
    except CookieError:
        return ""
    return found.value if found else ""
