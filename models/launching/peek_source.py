"""A look at the weights that a launch names: on this machine, in an installed package or on a hub.

For a repository on a hub, its listing and a few small files are requested.
"""

import logging
import os
import time
from contextlib import suppress
from pathlib import Path

import httpx

from models.errors import InvalidRequest
from models.hubs.asking import LISTING_BYTES, addresses, ask, why_not
from models.hubs.failures import HubName
from models.launching import hub
from models.launching.hub import Source
from models.launching.peek import DOCUMENT_BYTES, MOST_FILES, Peek, documents_of, peek_at, with_details

log = logging.getLogger(__name__)

_FAILURES = (OSError, httpx.HTTPError, httpx.InvalidURL, ValueError, LookupError, TypeError)
"""What comes of a place that cannot be read, or answers something else."""


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
    except (InvalidRequest, *_FAILURES) as error:
        log.info("cannot look at the weights of %s: %s", source.name, error)
        return None


def peek_or_why(source: Source, within_s: float) -> Peek | None:
    """A look at the weights on a hub, or in another place as ``peek_here`` takes it. Blocks.

    Raises HeadraceError, which says why they cannot be seen.
    """
    if source.kind not in ("huggingface", "modelscope"):
        return peek_here(source)
    try:
        return _on_hub(source, time.monotonic() + within_s)
    except _FAILURES as error:
        log.info("cannot look at the weights of %s: %s", source.name, error)
        raise why_not(source.kind, source.name, error) from error


def peek_here(source: Source) -> Peek | None:
    """A look at weights that are on this machine, if anywhere. Blocks.

    None where another account may see more. Raises InvalidRequest where there are none, or what is there is no file.
    """
    path = hub.in_package(source) if source.kind == "package" else Path(source.name)
    try:
        if not os.path.lexists(path):
            raise InvalidRequest(f"there is nothing at {path}", param="model_path")
        return None if not os.access(path, os.R_OK) else peek_at(path)
    except ValueError as error:  # a name that no file system takes
        raise InvalidRequest(f"there is nothing at {path}", param="model_path") from error


def _on_hub(source: Source, over: float) -> Peek:
    place = f"{'hf' if source.kind == 'huggingface' else source.kind}:{source.name}"
    if source.file:  # its suffix says what it is, so that nothing must be asked
        return Peek(f"{place}/{source.file}", (source.file,), single=True, remote=True)
    hub_name: HubName = "huggingface" if source.kind == "huggingface" else "modelscope"
    repository = addresses(hub_name, source.name, source.revision)
    with httpx.Client(follow_redirects=True, headers=repository.headers) as client:
        listing, _ = ask(client, repository.listing, LISTING_BYTES, over)
        files = tuple(sorted(repository.sizes(listing))[:MOST_FILES])

        def read(name: str) -> bytes:
            return ask(client, repository.file(name), DOCUMENT_BYTES + 1, over)[0]

        seen = Peek(place, files, documents=documents_of(files, read), remote=True)
        with suppress(httpx.HTTPError):  # what is known already is enough to launch it
            return with_details(seen, read)
    return seen
