"""What a load on a GPU does so that a missing library is missed by the load, not by each request."""

import importlib.util
import subprocess
import sys
from pathlib import Path
from typing import Any

import faster_whisper
import pytest

from models.errors import EngineFailure, InvalidRequest
from tests.support import sounds
from workers.engines import engine_class
from workers.engines.base import EngineSite
from workers.engines.faster_whisper import cublas
from workers.engines.faster_whisper.engine import hear_silence


class Whisper:
    """A model whose computation ends in this error, when it is read."""

    def __init__(self, error: str) -> None:
        self.error = error

    def transcribe(self, *_: Any, **__: Any) -> Any:
        def segments() -> Any:
            raise RuntimeError(self.error)
            yield

        return segments(), None


def test_a_missing_library_is_named_with_what_brings_it() -> None:
    with pytest.raises(InvalidRequest, match=r"libcublas\.so\.12 is not found.* nvidia-cublas-cu12") as caught:
        hear_silence(Whisper("Library libcublas.so.12 is not found or cannot be loaded"))
    assert caught.value.param == "device"


def test_another_error_is_worth_another_try() -> None:
    with pytest.raises(EngineFailure, match="out of memory"):
        hear_silence(Whisper("CUDA failed with error out of memory"))


@pytest.mark.weights
def test_a_real_model_hears_silence() -> None:
    path = sounds.whisper_tiny()
    assert path is not None
    hear_silence(faster_whisper.WhisperModel(str(path), device="cpu", compute_type="int8", local_files_only=True))


@pytest.mark.weights
def test_a_load_on_a_gpu_proves_that_it_computes_and_one_on_a_cpu_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    path = sounds.whisper_tiny()
    whole, made, heard = faster_whisper.WhisperModel, list[dict[str, Any]](), list[int]()

    class Counting(whole):  # type: ignore[misc,valid-type]  # the library is not typed
        def __init__(self, path: str, **how: Any) -> None:
            made.append(dict(how))
            super().__init__(path, **how | {"device": "cpu", "compute_type": "int8"})

        def transcribe(self, audio: Any, *arguments: Any, **how: Any) -> Any:
            heard.append(len(audio))
            return super().transcribe(audio, *arguments, **how)

    monkeypatch.setattr(faster_whisper, "WhisperModel", Counting)
    monkeypatch.setattr(cublas, "preload", lambda: made.append({"device": "cublas", "compute_type": ""}))
    for device in ("cpu", "cuda:0"):
        engine_class("faster_whisper").load(EngineSite(str(path), device, {}), lambda *_: None)

    assert [(how["device"], how["compute_type"]) for how in made] == [
        *(("cpu", "int8"), ("cublas", ""), ("cuda", "float16"))
    ]
    assert heard == [16_000]


def test_cublas_of_the_package_is_found_by_its_name(tmp_path: Path) -> None:
    """Libraries of these names are built, since the real ones take 600 MB."""
    folder = tmp_path / "nvidia" / "cublas" / "lib"
    folder.mkdir(parents=True)
    for name in ("libcublasLt.so.12", "libcublas.so.12"):
        command = ["cc", "-shared", "-o", str(folder / name), f"-Wl,-soname,{name}", "-x", "c", "-"]
        subprocess.run(command, input=b"int made_for_a_test(void) { return 12; }", check=True)
    script = """
import ctypes
from workers.engines.faster_whisper import cublas
try:
    ctypes.CDLL("libcublas.so.12").made_for_a_test
except (OSError, AttributeError):
    cublas.preload()
    print(ctypes.CDLL("libcublas.so.12").made_for_a_test())
"""
    paths = [str(tmp_path), *sys.path]
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path[:0] = {paths!r}\n{script}"], stdout=subprocess.PIPE, check=True
    )

    assert done.stdout.strip() == b"12"


def test_without_the_package_nothing_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    cublas.preload()
