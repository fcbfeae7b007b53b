"""Models in the layout of Hugging Face, converted once into CTranslate2's, which the engine reads.

What was converted lies in a folder of the cache, named for the files that it was made of: other weights get another.
It is made beside its place and put there whole, under a lock: of several runners that want the same, one makes it.
"""

import fcntl
import hashlib
import importlib.util
import logging
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from models.errors import EngineFailure, InvalidRequest
from models.process.processes import spawn
from workers.engines.base import Report

log = logging.getLogger(__name__)

UNFIT = 3
"""The exit code of the process for a folder that cannot be converted."""
_MODULE = "workers.engines.faster_whisper.convert"
_NEEDED = ("torch", "transformers")
_SMALL = 1 << 20
"""Bytes of a file that is known by its contents; larger ones are known by name, size and time of change."""
_ALONE = {"CUDA_VISIBLE_DEVICES": "", "HIP_VISIBLE_DEVICES": "", "HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1"}


def converted(source: Path, cache: Path, report: Report) -> Path:
    """The model of this folder in CTranslate2's layout, in a folder of ``cache``. Blocks, for minutes at first.

    Raises InvalidRequest where it cannot be converted, EngineFailure where another try may succeed.
    """
    place = cache / key_of(source)
    if place.is_dir():
        return place
    if missing := [name for name in _NEEDED if importlib.util.find_spec(name) is None]:
        raise InvalidRequest(
            f"{source.name} is a model of Hugging Face, and to convert it {' and '.join(missing)} must be installed "
            "beside faster-whisper: install them, or launch a model that is converted already",
            param="model_path",
        )
    report("converting", 0.0)
    cache.mkdir(parents=True, exist_ok=True)
    with _locked(cache / f"{place.name}.lock"):
        if not place.is_dir():
            _make(source, place)
    return place


def key_of(source: Path) -> str:
    """A name that other weights do not have: 32 hexadecimal digits."""
    digest = hashlib.sha256(str(source.resolve()).encode())
    for path in sorted(source.iterdir()):
        if path.suffix in (".json", ".txt", ".safetensors"):
            there = path.stat()
            small = path.read_bytes() if there.st_size <= _SMALL else b""
            digest.update(f"\0{path.name}\0{there.st_size}\0{there.st_mtime_ns}\0".encode() + small)
    return digest.hexdigest()[:32]


def _make(source: Path, place: Path) -> None:
    fresh = place.with_name(f"{place.name}.part")
    shutil.rmtree(fresh, ignore_errors=True)  # of a runner that was killed: the lock is ours
    weights = sum(path.stat().st_size for path in source.glob("*.safetensors"))
    if (free := shutil.disk_usage(place.parent).free) < weights:
        raise EngineFailure(
            f"to convert {source.name} takes {weights / 1e9:.1f} GB beside it, and {free / 1e9:.1f} GB are free"
        )
    with tempfile.TemporaryFile() as said:
        process = spawn(
            [sys.executable, "-m", _MODULE, str(source), str(fresh)],
            env=os.environ | _ALONE,
            stderr=said,
            death_signal=signal.SIGKILL,
        )
        code = process.wait()
        said.seek(0)
        words = said.read().decode(errors="replace").strip()
    if code == 0:
        fresh.rename(place)
        return
    shutil.rmtree(fresh, ignore_errors=True)
    log.error("%s was not converted (exit code %s): %s", source, code, words)
    if code == UNFIT:
        why = words.splitlines()[-1][:300] if words else "its files do not fit together"
        raise InvalidRequest(f"{source.name} cannot be converted for faster-whisper: {why}", param="model_path")
    raise EngineFailure(f"the conversion of {source.name} ended with code {code}, for want of memory if that is -9")


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold the lock of this file, which is given back when the process ends, however it ends."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
