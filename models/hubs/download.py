"""The one door to both hubs: fetch the files of a repository that are wanted, once."""

from contextlib import suppress
from pathlib import Path
from types import ModuleType

from models.errors import HeadraceError, InvalidRequest
from models.hubs import huggingface, modelscope, settings
from models.hubs.failures import HubName
from models.hubs.matching import Which
from models.hubs.progress import DownloadProgress, Tell

_HUBS: dict[HubName, ModuleType] = {"huggingface": huggingface, "modelscope": modelscope}


def silent(progress: DownloadProgress) -> None:
    """Take a report, and tell nobody."""


def download(
    hub: HubName,
    name: str,
    cache: Path,
    which: Which,
    *,
    revision: str | None = None,
    file: str = "",
    tell: Tell = silent,
) -> Path:
    """The folder of a repository's snapshot, with what matches ``which``. Blocks.

    ``cache`` is our folder of caches, ``file`` one that must be in the repository. Whoever is killed amid it goes on at
    the byte the next time. Raises InvalidRequest for what only who launches can mend, ModelFailed for what may pass.
    """
    library, place = _HUBS[hub], settings.place(hub, name)
    folder = settings.cache_of(hub, name, cache)
    if settings.offline(hub):
        return Path(library.cached(place, revision, folder, which))
    try:
        return Path(library.fetch(place, revision, file, folder, which, tell))
    except HeadraceError:
        raise
    except Exception as error:  # of a network, a file system, or the library's own
        failure: HeadraceError = library.meaning(place, error)
        if isinstance(failure, InvalidRequest):
            raise failure from error
        with suppress(InvalidRequest):  # a hub that is away need not be asked for what is here
            return Path(library.cached(place, revision, folder, which))
        raise failure from error
