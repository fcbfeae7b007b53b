"""A look at weights before they are loaded: the names of their files, and the contents of small ones.

This module only reads, and on this machine alone; ``peek_source`` also asks hubs. ``engine_choice`` decides from what
was read. Nothing is unpickled or run.
"""

import json
import os
import re
import stat
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any

from models.errors import InvalidRequest
from models.launching import gguf

DOCUMENTS = ("model_index.json", "config.json", "config_sentence_transformers.json", "adapter_config.json")
"""The files that are read, if they are there, and without which an engine cannot be chosen."""

_DETAILS = re.compile(
    r"(?:tokenizer_config|chat_template|sentence_bert_config|modules)\.json|\d+_(?:Pooling|Dense)/config\.json|"
    r"[^/]+\.onnx\.json"
    r"|(?:unet|transformer|vae)/config\.json|scheduler/scheduler_config\.json"
)
"""More files that are read: what they say is of interest, but no launch fails for them."""
_MOST_DETAILS = 8
_TEMPLATE = "chat_template.jinja"
_ARCHITECTURE = b"general.architecture"

DOCUMENT_BYTES = 4 << 20
HEAD_BYTES = 256
HEADER_BYTES = 64 << 20
"""Most bytes of the header of a safetensors file."""
MOST_FILES = 10_000


@dataclass(frozen=True, slots=True)
class Peek:
    """What a look at weights showed.

    ``place`` is what messages call them. ``files`` are the files in the folder and in its direct subfolders, or, with
    ``single``, the one file that the weights consist of. ``heads`` are the first bytes of those files whose kind shows
    in them, as far as they could be read; ``documents`` the JSON objects among ``DOCUMENTS``, and what more was read.
    ``modules`` are the classes of a model of sentence-transformers, ``header`` what the GGUF file says of itself.
    ``tensors`` are the names of what a single safetensors file holds. ``fault``: why the GGUF file cannot be one; "" as
    a rule.
    ``template`` is the chat template; "": there is none, None: it was not looked for. ``remote``: the weights are on a
    hub, still to be fetched.
    """

    place: str
    files: tuple[str, ...]
    heads: Mapping[str, bytes] = field(default_factory=dict)
    documents: Mapping[str, dict[str, Any]] = field(default_factory=dict)
    single: bool = False
    remote: bool = False
    modules: tuple[str, ...] = ()
    header: Mapping[str, Any] = field(default_factory=dict)
    template: str | None = None
    tensors: frozenset[str] = frozenset()
    fault: str = ""

    @property
    def ggufs(self) -> list[str]:
        """The GGUF models in a folder, without ``mmproj`` files, which are parts of another model."""
        models = (name for name in self.files if name.endswith(".gguf") and "/" not in name)
        return [name for name in models if not name.startswith("mmproj")]

    @property
    def gguf_architecture(self) -> str:
        """``general.architecture``, where it is the first entry of a GGUF file; else "".

        Before its value are the magic number and a version (4 bytes each), two counts (8 each), the length of its key
        (8) and the key, its type (4) and its length (8).
        """
        names = self.files if self.single else self.ggufs
        head = self.heads.get(names[0], b"") if names else b""
        key = 32 + len(_ARCHITECTURE)
        if head[32:key] != _ARCHITECTURE:
            return ""
        length = int.from_bytes(head[key + 4 : key + 12], "little")
        return head[key + 12 : key + 12 + length].decode("latin-1")

    @property
    def is_adapter(self) -> bool:
        """Whether this is an adapter by itself, as PEFT saves it; a model may have one beside its own files."""
        return "adapter_config.json" in self.files and "config.json" not in self.files


def peek_at(path: Path) -> Peek:
    """A look at weights on this machine. Raises InvalidRequest where they cannot be read."""
    try:
        return _look(path)
    except OSError as error:
        raise InvalidRequest(f"cannot read {path}: {error.strerror or error}", param="model_path") from error


def refuse_fault(seen: Peek) -> None:
    """Raise InvalidRequest for a GGUF file that cannot be one: no library is to read it."""
    if seen.fault:
        raise InvalidRequest(f"{seen.place} holds no GGUF file that can be read: {seen.fault}", param="model_path")


def _look(path: Path) -> Peek:
    if not path.is_dir():
        seen = Peek(str(path), (path.name,), {path.name: _head(path)}, single=True)
        return replace(seen, tensors=_tensors(path)) if path.suffix == ".safetensors" else _with_header(seen, path)
    files = tuple(sorted(islice(_within(path), MOST_FILES)))
    known_by_head = [name for name in files if name == "model.bin" or name.endswith(".gguf")]
    heads = {name: _head(path / name) for name in known_by_head if (path / name).is_file()}

    def read(name: str) -> bytes:
        return _start(path / name, DOCUMENT_BYTES + 1)

    seen = with_details(Peek(str(path), files, heads, documents_of(files, read)), read)
    ggufs = [name for name in seen.ggufs if heads.get(name, b"").startswith(b"GGUF")]
    return _with_header(seen, path / ggufs[0]) if ggufs else seen


def _with_header(seen: Peek, path: Path) -> Peek:
    """The same, with what a GGUF file says of itself; a chat template that lies beside it is kept."""
    try:
        with path.open("rb") as file:
            facts = gguf.header(file, templates=True) if file.read(4) == b"GGUF" and not file.seek(0) else {}
    except ValueError as error:
        return replace(seen, fault=str(error))
    templates = [text for name, text in facts.items() if name.startswith("tokenizer.") and isinstance(text, str)]
    return replace(seen, header=facts, template=seen.template or "\n".join(templates)) if facts else seen


def _tensors(path: Path) -> frozenset[str]:
    """The names in a safetensors file: its header is its length in 8 bytes, and JSON. Empty for what is none."""
    start = _start(path, 8)
    length = int.from_bytes(start, "little")
    if len(start) < 8 or not 2 <= length <= HEADER_BYTES:
        return frozenset()
    with suppress(ValueError, RecursionError):
        header = json.loads(_start(path, 8 + length)[8:])
        return frozenset(header) - {"__metadata__"} if isinstance(header, dict) else frozenset()
    return frozenset()


def _within(folder: Path) -> Iterator[str]:
    """The files of a folder and of those directly in it."""
    for entry in folder.iterdir():
        if entry.is_dir():
            with suppress(PermissionError):
                yield from (f"{entry.name}/{inner.name}" for inner in entry.iterdir() if not _is_folder(inner))
        elif not _is_folder(entry):
            yield entry.name


def _is_folder(path: Path) -> bool:
    """Whether this is a folder, not a file. Raises OSError for what is neither: a library would wait for a pipe."""
    try:
        mode = os.stat(path).st_mode
    except OSError:  # a link to nothing
        return False
    if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
        raise FileNotFoundError(f"{path.name} in it is a pipe or a device, not a file")
    return stat.S_ISDIR(mode)


def _head(path: Path) -> bytes:
    return _start(path, HEAD_BYTES)


def _start(path: Path, most: int) -> bytes:
    """The first bytes of a file. Raises OSError, also for what is no regular file: reading a pipe could block."""
    if not path.is_file():
        raise FileNotFoundError("it is a pipe or a device" if path.exists() else "there is no such file")
    with path.open("rb") as file:
        return file.read(most)


def documents_of(files: tuple[str, ...], read: Callable[[str], bytes]) -> dict[str, dict[str, Any]]:
    """The ``DOCUMENTS`` that are there and are JSON objects of a reasonable size."""
    found = {name: _json(read(name)) for name in DOCUMENTS if name in files}
    return {name: document for name, document in found.items() if isinstance(document, dict)}


def with_details(seen: Peek, read: Callable[[str], bytes]) -> Peek:
    """The same, with the chat template and other files that say more of the model."""
    details = {name: _json(read(name)) for name in list(filter(_DETAILS.fullmatch, seen.files))[:_MOST_DETAILS]}
    documents = dict(seen.documents) | {name: one for name, one in details.items() if isinstance(one, dict)}
    modules = details.get("modules.json")
    classes = [str(one.get("type")) for one in modules if isinstance(one, dict)] if isinstance(modules, list) else []
    text = read(_TEMPLATE)[:DOCUMENT_BYTES].decode(errors="replace") if _TEMPLATE in seen.files else ""
    named = [documents.get(name, {}).get("chat_template") for name in ("chat_template.json", "tokenizer_config.json")]
    template = text or "\n".join(one for given in named for one in _templates(given))
    return replace(seen, documents=documents, modules=tuple(classes), template=template)


def _templates(given: Any) -> list[str]:
    """The templates of a tokenizer's configuration: one, or several by name."""
    if isinstance(given, list):
        return [str(one.get("template")) for one in given if isinstance(one, dict)]
    return [given] if isinstance(given, str) else []


def _json(data: bytes) -> Any:
    """What a small file holds; None where it is no JSON, or not small."""
    with suppress(ValueError, RecursionError):
        return json.loads(data) if len(data) <= DOCUMENT_BYTES else None
    return None
