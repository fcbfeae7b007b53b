"""Reads the headers of the files that an engine would load: a few kilobytes each, on this machine or from a hub."""

import itertools
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from models.errors import InvalidRequest
from models.hubs.matching import matching
from models.launching import hub
from models.launching.engine_choice import pickles
from models.launching.hub import Source
from models.launching.peek import Peek
from models.launching.variants import superfluous
from models.ledger import tensors
from models.ledger.remote import RemoteRepository
from models.ledger.tensors import Tensor

MOST_FILES = 1000
"""Most files of weights of one model."""
_AT_ONCE = 8
NETWORKS = ("model.onnx", "kokoro-v1.0.onnx", "model_quantized.onnx")
"""The networks that Kokoro's engine takes first where a folder has several: the exact one, then the small one."""
_MAIN = re.compile(r"model(?:-\d{5}-of-\d{5})?\.safetensors")
_SPLIT = re.compile(r"-00001-of-(\d{5})\.gguf$")


@dataclass(frozen=True, slots=True)
class Headers:
    """What is known of weights without loading them.

    ``tensors``: of each file that would be loaded; ``sizes``: the bytes of each such file. ``facts``: what a GGUF file
    says of its model. ``download``: bytes to fetch from a hub; 0 where nothing must be fetched, None where a hub does
    not say it.
    """

    seen: Peek
    tensors: Mapping[str, tuple[Tensor, ...]]
    sizes: Mapping[str, int]
    facts: Mapping[str, Any] = field(default_factory=dict)
    download: int | None = 0

    @property
    def all(self) -> list[Tensor]:
        """The tensors of all files."""
        return [one for found in self.tensors.values() for one in found]

    @property
    def config(self) -> Mapping[str, Any]:
        """The model's ``config.json``."""
        return self.seen.documents.get("config.json", {})


Open = Callable[[str], tuple[IO[bytes], int]]
"""Opens a file of the weights by its name: what it holds, and how many bytes that are. Raises OSError."""


def files_of(engine: str, seen: Peek, *, half: bool, mmproj: bool = True) -> list[str]:
    """The files of weights that an engine loads, of those that were seen. ``half``: half precision is preferred."""
    files = seen.files
    if seen.single:
        return list(files)
    if engine == "diffusers":
        index = seen.documents.get("model_index.json", {})
        parts = {name for name, what in index.items() if isinstance(what, list) and what[:1] != [None]}
        unwanted = set(superfluous(files, half=half))
        inner = (name for name in files if name.endswith(".safetensors") and name.partition("/")[0] in parts)
        return [name for name in inner if name not in unwanted]
    if engine == "llama_cpp" or (seen.ggufs and not any(name.endswith(".safetensors") for name in files)):
        beside = [name for name in files if name.startswith("mmproj") and name.endswith(".gguf")][:1]
        return [*seen.ggufs, *(beside if mmproj and engine == "llama_cpp" else [])]
    if engine == "faster_whisper" and "model.bin" in files:
        return ["model.bin"]
    if engine == "kokoro":
        return _speaking(files)
    if engine in ("hibari", "piper"):
        return [name for name in files if name.endswith(".onnx") and "/" not in name]
    root = [name for name in files if name.endswith(".safetensors") and "/" not in name and ".fp32" not in name]
    found = [name for name in root if _MAIN.fullmatch(name)] or root
    found = [name for name in found if name == "model.safetensors"] or found
    if engine == "sentence_transformers":
        found += [name for name in files if re.fullmatch(r"\d+_\w+/model\.safetensors", name)]
    return found or pickles(files)


def _speaking(files: Sequence[str]) -> list[str]:
    """Kokoro's network, the one that its engine takes of several, and its voices."""
    networks = [one for one in files if one.endswith(".onnx") and one.rpartition("/")[0] in ("", "onnx")]
    usual = [one for name in NETWORKS for one in sorted(networks) if one.rpartition("/")[2] == name]
    return [*(usual or sorted(networks))[:1], *(one for one in files if one.startswith("voices"))]


def _parts(folder: Path) -> list[str]:
    """The parts of Kokoro's network in the packages beside the one that the folder belongs to, from that folder on."""
    package = folder.parent
    found = (f"{package.name}_model_{number}" for number in range(1, 100))
    there = itertools.takewhile(lambda name: (package.with_name(name) / "part.bin").is_file(), found)
    return [f"../../{name}/part.bin" for name in there]


def read(engine: str, source: Source, seen: Peek, *, half: bool, mmproj: bool = True, within_s: float = 10) -> Headers:
    """The headers of the files that the engine would load. Blocks; for a hub, at most about ``within_s``.

    Raises InvalidRequest where a header contradicts its file or is larger than what is read, UnknownNumbers where a
    tensor's type is not known here, OSError where a file cannot be reached.
    """
    names = files_of(engine, seen, half=half, mmproj=mmproj)
    if len(names) > MOST_FILES:
        raise InvalidRequest(f"{seen.place} has {len(names)} files of weights", param="model_path")
    if source.kind in ("huggingface", "modelscope"):
        with RemoteRepository(source, within_s) as repository:
            names = _with_parts(names, repository.sizes)
            found = _all(names, repository.open, seen.place)
            return _headers(seen, found, _download(engine, source, seen, repository.sizes, half=half))
    root = Path(source.name) if source.kind == "path" else hub.in_package(source)
    folder = root if root.is_dir() else root.parent
    names = _with_parts(names, {one.name: 0 for one in folder.glob("*.gguf")})
    if engine == "kokoro" and not any(one.endswith(".onnx") for one in names):
        names += _parts(folder)

    def opened(name: str) -> tuple[IO[bytes], int]:
        path = folder / name
        if not path.is_file():
            raise FileNotFoundError(f"there is no file {name}")
        return path.open("rb"), path.stat().st_size

    return _headers(seen, _all(names, opened, seen.place), 0)


def _with_parts(names: Collection[str], there: Mapping[str, int]) -> list[str]:
    """The names, with the other parts of a model that is split."""
    whole = []
    for name in names:
        split = _SPLIT.search(name)
        begin = name[: split.start()] if split else ""
        ending = f"-of-{split[1]}.gguf" if split else ""
        others = [one for one in there if split and one.startswith(begin + "-") and one.endswith(ending)]
        whole += sorted(others) or [name]
    return list(dict.fromkeys(whole))


_Found = dict[str, tuple[tuple[Tensor, ...], int, Mapping[str, Any]]]


def _all(names: Collection[str], opened: Open, place: str) -> _Found:
    """The tensors, the bytes and the facts of each file."""

    def one(name: str) -> tuple[tuple[Tensor, ...], int, Mapping[str, Any]]:
        file, size = opened(name)
        with file:
            try:
                return _read(name, file, size)
            except tensors.UnknownNumbers:
                raise
            except ValueError as error:
                raise InvalidRequest(
                    f"cannot read the header of {place}, {name}: {error}", param="model_path"
                ) from error

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return dict(zip(names, pool.map(one, names), strict=True))


def _read(name: str, file: IO[bytes], size: int) -> tuple[tuple[Tensor, ...], int, Mapping[str, Any]]:
    if name.endswith(".safetensors"):
        return tuple(tensors.of_safetensors(file, size)), size, {}
    if name.endswith(".gguf"):
        found, facts = tensors.of_gguf(file, size)
        return tuple(found), size, facts
    if name == "model.bin":
        return tuple(tensors.of_ct2(file, size)), size, {}
    return (), size, {}


def _headers(seen: Peek, found: _Found, download: int | None) -> Headers:
    models = (facts for name, (_, _, facts) in found.items() if not name.startswith("mmproj") and facts)
    return Headers(
        seen,
        {name: one for name, (one, _, _) in found.items()},
        {name: size for name, (_, size, _) in found.items()},
        next(models, {}),
        download,
    )


def _download(engine: str, source: Source, seen: Peek, sizes: Mapping[str, int], *, half: bool) -> int | None:
    """How many bytes a launch would fetch; None where the hub does not say how large files are."""
    pickled = [] if any(name.endswith(".safetensors") for name in seen.files) else pickles(seen.files)
    which = hub.patterns(source, engine=engine, files=list(sizes), half=half, pickled=pickled)
    taken = [sizes[name] for name in matching(sizes, which)]
    return sum(taken) if taken and all(size >= 0 for size in taken) else None
