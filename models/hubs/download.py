"""The one door to both hubs: fetch the files of a repository that are wanted, once."""

from pathlib import Path

from models.hubs import huggingface, modelscope
from models.hubs.failures import HubName
from models.hubs.progress import DownloadProgress, Tell
from models.hubs.settings import cache_of


def silent(progress: DownloadProgress) -> None:
    """Take a report, and tell nobody."""


def download(
    hub: HubName,
    name: str,
    cache: Path,
    which: tuple[list[str], list[str]],
    *,
    revision: str | None = None,
    file: str = "",
    tell: Tell = silent,
) -> Path:
    """The folder of a repository's snapshot, with what matches ``which``: patterns to fetch, and to leave. Blocks.

    ``cache`` is our folder of caches, ``file`` one that must be in the repository. Whoever is killed amid it goes on at
    the byte the next time. Raises InvalidRequest for what only who launches can mend, ModelFailed for what may pass.
    """
    fetch = huggingface.fetch if hub == "huggingface" else modelscope.fetch
    return fetch(name, revision, file, cache_of(hub, name, cache), which, tell)
