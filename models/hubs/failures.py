"""What a hub's refusal means for who launches a model: what is wrong, and what to do. Pure."""

import errno
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

from models.errors import HeadraceError, HubUnreachable, InvalidRequest, ModelFailed

HubName = Literal["huggingface", "modelscope"]


@dataclass(frozen=True, slots=True)
class Repository:
    """A repository on a hub: ``scheme`` is that of its sources, ``token`` the variable that holds a user's token."""

    hub: HubName
    name: str
    endpoint: str
    scheme: str
    token: str
    mirror: str

    @property
    def source(self) -> str:
        """The repository as a launch names it."""
        return f"{self.scheme}:{self.name}"

    @property
    def host(self) -> str:
        """The hub's host, without what a URL may hold besides."""
        parts = urlsplit(self.endpoint)
        return parts.hostname or self.endpoint

    @property
    def page(self) -> str:
        """Where people read about the repository."""
        base = f"{urlsplit(self.endpoint).scheme or 'https'}://{urlsplit(self.endpoint).netloc.rpartition('@')[2]}"
        return f"{base}/models/{self.name}" if self.hub == "modelscope" else f"{base}/{self.name}"


def place_of(hub: HubName, name: str, endpoint: str) -> Repository:
    """A repository on a hub that is asked at this address."""
    if hub == "huggingface":
        return Repository(hub, name, endpoint, "hf", "HF_TOKEN", "HF_ENDPOINT")
    return Repository(hub, name, endpoint, "modelscope", "MODELSCOPE_API_TOKEN", "MODELSCOPE_ENDPOINT")


def refused(
    place: Repository, status: int, *, token: bool, gated: bool = False, retry_after: int | None = None
) -> HeadraceError:
    """The error for a status of HTTP. ``token``: one was presented; ``gated``: the hub says that a licence lacks."""
    if gated or status in (401, 403):
        return InvalidRequest(_closed(place, status, token=token, gated=gated), param="model_path")
    if status == 404:
        hint = "" if token else f"; if it is private, give a token of an account that may read it ({place.token})"
        return InvalidRequest(
            f"{place.host} has no repository '{place.name}', or not this revision or file: check the name{hint}",
            param="model_path",
        )
    if status == 429:
        wait = f"; it asks to wait for {retry_after} s" if retry_after else ""
        advice = "" if token else f". With a token ({place.token}) it allows more"
        return ModelFailed(
            f"{place.host} has had too many requests from here{wait}{advice}. What is fetched is kept",
            retry_after=retry_after,
        )
    if status >= 500:
        return ModelFailed(f"{place.host} fails now (HTTP {status}); what is fetched is kept, try again later")
    return ModelFailed(f"{place.host} refuses '{place.source}' (HTTP {status})")


def _closed(place: Repository, status: int, *, token: bool, gated: bool) -> str:
    """Why a repository is not open to whoever asked, and how it is opened."""
    give = f"set {place.token} in the environment of the workers (or 'headrace up'), and launch it again"
    if gated and not token:
        return (
            f"'{place.source}' is gated: accept its licence at {place.page} with your account, make a token of that "
            f"account, {give}"
        )
    if gated or (status == 403 and token):
        return (
            f"the account of {place.token} may not read '{place.source}': accept its licence at {place.page} with that "
            f"account (some are granted by hand, later) and launch it again, or give another account's token"
        )
    if token:
        return f"{place.host} does not know the token in {place.token} (wrong, or expired): make a new one, {give}"
    return (
        f"{place.host} has no '{place.source}' for everybody: check the name. If it is private or gated, accept its "
        f"licence at {place.page} with your account, make a token of that account, {give}"
    )


def unreachable(place: Repository) -> HubUnreachable:
    """The error where no answer comes from the hub."""
    return HubUnreachable(
        f"{place.host} cannot be reached, and '{place.source}' is not whole in the cache: check the network and its "
        f"proxy (HTTPS_PROXY), or name a mirror ({place.mirror})"
    )


def not_cached(place: Repository) -> InvalidRequest:
    """The error where nothing may be asked, and the cache lacks what is wanted."""
    return InvalidRequest(
        f"'{place.source}' is not whole in the cache, and nothing is fetched offline (HEADRACE_OFFLINE, "
        "HF_HUB_OFFLINE): launch it once online, or copy its files here and give their folder as model_path",
        param="model_path",
    )


def damaged(place: Repository, file: str) -> ModelFailed:
    """The error where a file arrived twice with another checksum than the hub lists."""
    return ModelFailed(
        f"'{file}' of '{place.source}' arrives again and again with another size or checksum than {place.host} lists: "
        f"the hub or a proxy between is at fault. Nothing of it was kept; try again later, or "
        f"another mirror ({place.mirror})"
    )


def has_filled(place: Repository) -> ModelFailed:
    """The error of a disk that took no more."""
    return ModelFailed(f"the disk of the model cache has filled while '{place.source}' was fetched: free some of it")


def is_full(error: BaseException) -> bool:
    """Whether an error says that the disk, or one's share of it, is full."""
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)
