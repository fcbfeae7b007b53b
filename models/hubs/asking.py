"""Asks a hub for a repository's listing and for parts of its files by plain HTTP, within bounds of bytes and time.

For looks at weights before anything is fetched: ModelScope's library would block a gateway for seconds when imported.
"""

import json
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import httpx

from models.errors import HeadraceError, Unavailable
from models.hubs import settings
from models.hubs.failures import HubName, refused, unreachable

LISTING_BYTES = 32 << 20
"""Most bytes of a listing that are read."""


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where a repository is asked: the URL of its listing, the URL of each file, and the headers of every request."""

    listing: str
    file: Callable[[str], str]
    listed: Callable[[Any], dict[str, int]]
    headers: dict[str, str] = field(default_factory=dict)

    def sizes(self, listing: bytes) -> dict[str, int]:
        """The bytes of its files by their names; -1 where the listing does not say it. Raises ValueError."""
        try:
            return self.listed(json.loads(listing))
        except (LookupError, TypeError, AttributeError, RecursionError) as error:
            raise ValueError("the hub answers something else than a listing") from error


def addresses(hub: HubName, name: str, revision: str | None, *, sized: bool = False) -> Addresses:
    """Where a repository is asked; ``sized``: its listing is to have sizes. Raises ConnectionError where none is."""
    if settings.offline(hub):
        raise ConnectionError("nothing may be asked")
    endpoint = settings.place(hub, name).endpoint
    if hub == "modelscope":
        return _modelscope(endpoint, name, revision)  # whose listings always have them
    return _huggingface(endpoint, name, revision, sized=sized)


def ask(
    client: httpx.Client, url: str, most: int, over: float, headers: Mapping[str, str] | None = None
) -> tuple[bytes, httpx.Response]:
    """The first ``most`` bytes of an answer. Raises httpx.HTTPError, also once the clock is past ``over``."""
    data = bytearray()
    with client.stream("GET", url, headers=headers, timeout=max(over - time.monotonic(), 0.001)) as answer:
        answer.raise_for_status()
        for chunk in answer.iter_bytes():
            data += chunk
            if len(data) >= most:
                break
            if time.monotonic() > over:  # the client's timeout bounds each read alone; a hub may send slowly for ever
                raise httpx.ReadTimeout(f"{url} takes too long")
        return bytes(data[:most]), answer


def why_not(hub: HubName, name: str, error: Exception) -> HeadraceError:
    """What a failure to see a repository means for who asks for it: what is wrong, and what to do."""
    place = settings.place(hub, name)
    if settings.offline(hub):
        return Unavailable(
            f"'{place.source}' cannot be seen: nothing is asked of hubs offline (HEADRACE_OFFLINE, HF_HUB_OFFLINE)"
        )
    if isinstance(error, httpx.HTTPStatusError):
        gated = error.response.headers.get("x-error-code") == "GatedRepo"
        token = bool(error.request.headers.get("authorization"))
        return refused(place, error.response.status_code, token=token, gated=gated)
    if isinstance(error, httpx.TimeoutException):
        return Unavailable(f"{place.host} does not answer in time: try again, or name a mirror ({place.mirror})")
    if isinstance(error, OSError | httpx.TransportError | httpx.InvalidURL):
        return unreachable(place)
    return Unavailable(f"{place.host} does not answer as a hub does: check the address in {place.mirror}")


def _huggingface(endpoint: str, name: str, revision: str | None, *, sized: bool) -> Addresses:
    from huggingface_hub import get_token, hf_hub_url

    at = revision or "main"
    return Addresses(
        listing=f"{endpoint}/api/models/{name}/revision/{quote(at, safe='')}{'?blobs=true' * sized}",
        file=lambda file: str(hf_hub_url(name, file, revision=at, endpoint=endpoint)),
        listed=lambda listing: {str(one["rfilename"]): _size(one.get("size")) for one in listing["siblings"]},
        headers=_authorization(get_token()),
    )


def _modelscope(endpoint: str, name: str, revision: str | None) -> Addresses:
    base, at = f"{endpoint}/api/v1/models/{name}/repo", quote(revision or "master", safe="")
    return Addresses(
        listing=f"{base}/files?Revision={at}&Recursive=True",
        file=lambda file: f"{base}?Revision={at}&FilePath={quote(file, safe='')}",
        listed=lambda listing: {
            str(one["Path"]): _size(one.get("Size")) for one in listing["Data"]["Files"] if one.get("Type") != "tree"
        },
        headers=_authorization(os.environ.get("MODELSCOPE_API_TOKEN")),
    )


def _authorization(token: str | None) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"} if token else {}


def _size(given: Any) -> int:
    return given if isinstance(given, int) and given >= 0 else -1
