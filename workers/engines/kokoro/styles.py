"""The voices of a folder: a voice is a table of styles, one for each length of a sentence. Nothing is unpickled.

They come as a file a voice under ``voices/`` (``.bin``: plain float32; ``.npy``; ``.pt``: a tensor that PyTorch saved),
or all in one archive of numpy (``voices*.npz``, also called ``voices*.bin``).
"""

import io
import re
import zipfile
from pathlib import Path

import numpy as np
import numpy.typing as npt

from models.errors import InvalidRequest

Styles = npt.NDArray[np.float32]
"""Shape (lengths, 256)."""

WIDTH = 256
MOST_BYTES = 8 << 20
"""Most bytes of one voice; real ones have half a megabyte."""
MOST_VOICES = 1000
_NAME = re.compile(r"[\w.+-]{1,80}")
_STORED = re.compile(r"/data/\d+$")
"""The names of tensors in an archive of PyTorch."""
_ENDINGS = (".bin", ".npy", ".pt")


def voices_in(folder: Path) -> dict[str, Styles]:
    """The voices by name, sorted. Raises InvalidRequest for a file that holds none."""
    archives = [one for one in sorted(folder.glob("voices*")) if one.is_file() and one.suffix in (".npz", ".bin")]
    files = [one for one in sorted((folder / "voices").glob("*")) if one.suffix in _ENDINGS and one.is_file()]
    found: dict[str, Styles] = {}
    for path in archives:
        found |= _archive(path)
    for path in files[:MOST_VOICES]:
        found[path.stem] = _table(path.name, _values(path))
    return {name: found[name] for name in sorted(found) if _NAME.fullmatch(name)}


def _archive(path: Path) -> dict[str, Styles]:
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as held:
            return {name: _table(f"{path.name}, {name}", held[name]) for name in held.files[:MOST_VOICES]}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, AttributeError) as error:
        raise InvalidRequest(f"{path.name} is not an archive of voices", param="model_path") from error


def _values(path: Path) -> npt.NDArray[np.generic]:
    if path.stat().st_size > MOST_BYTES:
        raise InvalidRequest(f"{path.name} is too large for a voice", param="model_path")
    data = path.read_bytes()
    try:
        if path.suffix == ".npy":
            values: npt.NDArray[np.generic] = np.load(io.BytesIO(data), allow_pickle=False)
            return values
        return np.frombuffer(_tensor(data) if path.suffix == ".pt" else data, "<f4")
    except (ValueError, EOFError, KeyError, zipfile.BadZipFile) as error:
        raise InvalidRequest(f"{path.name} holds no voice", param="model_path") from error


def _tensor(data: bytes) -> bytes:
    """The numbers of the one tensor in an archive of PyTorch, which lie there as they are. Raises KeyError."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        inside = [one for one in archive.infolist() if _STORED.search(one.filename)]
        if len(inside) != 1 or inside[0].file_size > MOST_BYTES:
            raise KeyError("it holds one tensor")
        return archive.read(inside[0])


def _table(name: str, values: npt.NDArray[np.generic]) -> Styles:
    """The styles of one voice. Raises InvalidRequest for numbers that are none."""
    if values.size == 0 or values.size % WIDTH or values.dtype.kind != "f":
        raise InvalidRequest(f"{name} holds no voice: it has no rows of {WIDTH} numbers", param="model_path")
    table = np.ascontiguousarray(values, np.float32).reshape(-1, WIDTH)
    if not np.isfinite(table).all():
        raise InvalidRequest(f"{name} holds no voice: some of its numbers are not finite", param="model_path")
    return table
