"""What the environment says of hubs, for every process alike. The libraries' own variables count, too."""

import os
from pathlib import Path

from models.hubs.failures import HubName, Repository, place_of

_YES = ("1", "true", "yes", "on")


def offline(hub: HubName | None = None) -> bool:
    """Whether nothing may be asked of a hub: HEADRACE_OFFLINE for both, HF_HUB_OFFLINE for Hugging Face."""
    names = ["HEADRACE_OFFLINE", *(["HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"] if hub == "huggingface" else [])]
    return any(os.environ.get(name, "").lower() in _YES for name in names)


def preferred_hub() -> HubName | None:
    """The hub of HEADRACE_MODEL_SRC, if it names one."""
    hubs: dict[str, HubName] = {"huggingface": "huggingface", "modelscope": "modelscope"}
    return hubs.get(os.environ.get("HEADRACE_MODEL_SRC", ""))


def default_hub(asked: str | None) -> HubName:
    """The hub that is ``asked`` for, else that of HEADRACE_MODEL_SRC, else Hugging Face."""
    if asked in (None, "auto"):
        return preferred_hub() or "huggingface"
    return "modelscope" if asked == "modelscope" else "huggingface"


def place(hub: HubName, name: str) -> Repository:
    """A repository at the address at which its hub is asked: its own, or a mirror's."""
    if hub == "huggingface":
        return place_of(hub, name, os.environ.get("HF_ENDPOINT", "").rstrip("/") or "https://huggingface.co")
    server = os.environ.get("MODELSCOPE_ENDPOINT") or os.environ.get("MODELSCOPE_DOMAIN") or "https://modelscope.cn"
    server = server.rstrip("/") if "://" in server else f"https://{server.rstrip('/')}"
    return place_of(hub, name, server)


def cache_of(hub: HubName, name: str, own: Path) -> Path:
    """The folder in which a repository is cached: ours, under ``own``, or other programs' where there is one.

    Other programs share Hugging Face's alone. What ours has already stays there.
    """
    if hub == "modelscope" or (own / hub / f"models--{name.replace('/', '--')}").is_dir():
        return own / hub
    return shared() or own / hub


def shared() -> Path | None:
    """The folder where other programs keep what they fetched from Hugging Face; None: there is none."""
    home = os.environ.get("HF_HOME") or os.path.join(
        os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "huggingface"
    )
    folder = Path(os.path.expandvars(os.environ.get("HF_HUB_CACHE") or os.path.join(home, "hub"))).expanduser()
    return folder if folder.is_dir() and os.access(folder, os.W_OK) else None
