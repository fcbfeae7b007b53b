"""A look at the weights that a launch names: on this machine, in an installed package or on a hub.

For a repository on a hub, its listing and a few small files are requested.
"""

import json
import logging
import os
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx

from models.errors import InvalidRequest
from models.hubs import settings
from models.launching import hub
from models.launching.hub import Source
from models.launching.peek import DOCUMENT_BYTES, MOST_FILES, Peek, documents_of, peek_at, with_details

log = logging.getLogger(__name__)

LISTING_BYTES = 32 << 20


def peek(source: Source, within_s: float) -> Peek | None:
    """A look at the weights; None where this machine cannot see them. Blocks; for a hub, at most ``within_s``."""
    try:
        match source.kind:
            case "path":
                return peek_at(Path(source.name))
            case "package":
                return peek_at(hub.in_package(source))
            case _:
                return _on_hub(source, time.monotonic() + within_s)
    except (InvalidRequest, OSError, httpx.HTTPError, httpx.InvalidURL, ValueError, LookupError, TypeError) as error:
        log.info("cannot look at the weights of %s: %s", source.name, error)
        return None


@dataclass(frozen=True, slots=True)
class _Repository:
    """How to ask for a repository: the URL of its listing, the URL of each file, and how to read a listing's names."""

    listing: str
    address: Callable[[str], str]
    names: Callable[[Any], list[str]]
    headers: dict[str, str] = field(default_factory=dict)


def _on_hub(source: Source, over: float) -> Peek:
    place = f"{'hf' if source.kind == 'huggingface' else source.kind}:{source.name}"
    if source.file:  # its suffix says what it is, so that nothing must be asked
        return Peek(f"{place}/{source.file}", (source.file,), single=True, remote=True)
    repository = _on_huggingface(source) if source.kind == "huggingface" else _on_modelscope(source)
    with httpx.Client(follow_redirects=True, headers=repository.headers) as client:
        names = repository.names(json.loads(_ask(client, repository.listing, LISTING_BYTES, over)))
        files = tuple(sorted(names)[:MOST_FILES])

        def read(name: str) -> bytes:
            return _ask(client, repository.address(name), DOCUMENT_BYTES + 1, over)

        seen = Peek(place, files, documents=documents_of(files, read), remote=True)
        with suppress(httpx.HTTPError):  # what is known already is enough to launch it
            return with_details(seen, read)
    return seen


def _ask(client: httpx.Client, url: str, most: int, over: float) -> bytes:
    """The first bytes of an answer. Raises httpx.HTTPError, also once the clock is past ``over``."""
    data = b""
    with client.stream("GET", url, timeout=max(over - time.monotonic(), 0.001)) as answer:
        answer.raise_for_status()
        for chunk in answer.iter_bytes():
            data += chunk
            if len(data) >= most:
                break
            if time.monotonic() > over:  # the client's timeout bounds each read alone; a hub may send slowly for ever
                raise httpx.ReadTimeout(f"{url} takes too long")
    return data[:most]


def _on_huggingface(source: Source) -> _Repository:
    from huggingface_hub import get_token, hf_hub_url

    if settings.offline("huggingface"):
        raise ConnectionError("nothing may be asked")
    endpoint = settings.place("huggingface", source.name).endpoint
    revision = source.revision or "main"
    return _Repository(
        listing=f"{endpoint}/api/models/{source.name}/revision/{quote(revision, safe='')}",
        address=lambda name: str(hf_hub_url(source.name, name, revision=revision, endpoint=endpoint)),
        names=lambda listing: [one["rfilename"] for one in listing["siblings"]],
        headers=_authorization(get_token()),
    )


def _on_modelscope(source: Source) -> _Repository:
    """ModelScope's API, asked by plain HTTP: importing its library would block a gateway for seconds."""
    if settings.offline("modelscope"):
        raise ConnectionError("nothing may be asked")
    base = f"{settings.place('modelscope', source.name).endpoint}/api/v1/models/{source.name}/repo"
    revision = quote(source.revision or "master", safe="")
    return _Repository(
        listing=f"{base}/files?Revision={revision}&Recursive=True",
        address=lambda name: f"{base}?Revision={revision}&FilePath={quote(name, safe='')}",
        names=lambda listing: [one["Path"] for one in listing["Data"]["Files"]],
        headers=_authorization(os.environ.get("MODELSCOPE_API_TOKEN")),
    )


def _authorization(token: str | None) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"} if token else {}
