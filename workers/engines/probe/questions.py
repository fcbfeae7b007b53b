"""What each library is asked. A question raises ``Unusable`` with the reason, or whatever the library raises."""

import ctypes
import os
import shutil
import sys
import sysconfig
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from workers.engines.faster_whisper.cublas import preload
from workers.engines.probe import advice
from workers.engines.probe.advice import Driver

CUBLAS = "libcublas.so.12"
"""What CTranslate2 opens by name when it computes its first product."""


class Unusable(Exception):
    """The engine does not work on the device. The message is one sentence that says why, and what would help."""


@dataclass(frozen=True, slots=True)
class Site:
    """The device as a runner sees it, ``cuda:0`` or ``metal``, its kind, its driver, and the installed versions."""

    device: str
    kind: str
    driver: Driver
    versions: dict[str, str]


def llama_cpp(site: Site) -> None:
    """llama.cpp lists the devices that its build can use; it offers no product to be computed."""
    try:
        import xllamacpp
    except ImportError as error:
        raise Unusable(f"xllamacpp cannot be loaded ({advice.first_line(error)}): {_remedy(site)}") from error
    kinds = [str(info["type"].name) for info in xllamacpp.get_device_info()]
    if any(kind.endswith(("_GPU", "_IGPU")) for kind in kinds):
        return
    version = site.versions["xllamacpp"]
    if not _maps("libcuda"):
        raise Unusable(advice.without_gpus("xllamacpp", version, site.kind, site.driver))
    raise Unusable(f"xllamacpp ({version}) is built for CUDA and finds no GPU; {site.driver}: {_remedy(site)}")


def torch(site: Site) -> None:
    """PyTorch opens the device, and computes a product right."""
    _product(site)


def vllm(site: Site) -> None:
    """PyTorch of vLLM's environment computes, vLLM takes the device for its own, and Triton can compile."""
    version = site.versions["vllm"]
    if site.kind != "cuda":
        raise Unusable("vLLM has no builds for macOS: llama_cpp and transformers serve the same models")
    if "cpu" in version:
        raise Unusable(f"this build of vLLM ({version}) is for CPUs: {advice.for_vllm(site.driver)}")
    compiler = os.environ.get("CC") or any(shutil.which(name) for name in ("cc", "gcc", "clang"))
    if not compiler or not Path(sysconfig.get_path("include"), "Python.h").is_file():
        raise Unusable(f"vLLM compiles as it starts, and lacks a compiler or Python's headers: {advice.APT}")
    _product(site)
    from vllm.platforms import current_platform

    if current_platform.device_type != site.kind:
        runs_on = current_platform.device_type or "nothing here"
        raise Unusable(f"vLLM ({version}) runs on {runs_on}: {advice.for_vllm(site.driver)}")


def faster_whisper(site: Site) -> None:
    """CTranslate2 sees the device, and finds the library that computes its products."""
    if site.kind != "cuda":
        raise Unusable(f"CTranslate2 does not run on {site.kind}, only on CPUs and on NVIDIA's GPUs")
    import ctranslate2

    version = site.versions["ctranslate2"]
    try:
        ctranslate2.get_supported_compute_types("cuda")
    except (RuntimeError, ValueError) as error:
        reason = advice.first_line(error)
        raise Unusable(
            f"CTranslate2 ({version}) cannot use the GPU ({reason}); {site.driver}: {_remedy(site)}"
        ) from error
    if not ctranslate2.get_cuda_device_count():
        raise Unusable(f"CTranslate2 ({version}) finds no GPU; {site.driver}")
    try:
        open_cublas()
    except OSError as error:
        raise Unusable(f"CTranslate2 ({version}) needs {CUBLAS}, which is not here: {_remedy(site)}") from error


QUESTIONS: dict[str, Callable[[Site], None]] = {
    "llama_cpp": llama_cpp,
    "transformers": torch,
    "sentence_transformers": torch,
    "diffusers": torch,
    "faster_whisper": faster_whisper,
    "vllm": vllm,
}
"""By engine; one that is not in it works where its libraries are installed."""


def open_cublas() -> None:
    """Open CUDA 12's cuBLAS as the engine does: that of its package, else the system's. Raises OSError without one."""
    preload()
    ctypes.CDLL(CUBLAS, ctypes.RTLD_GLOBAL)


@cache
def _opened(kind: str, driver: Driver) -> Any:
    """PyTorch, which sees a device of this kind. Raises Unusable."""
    import torch

    version = str(torch.__version__)
    if kind == "cuda":
        if not torch.version.cuda and not getattr(torch.version, "hip", None):
            raise Unusable(advice.without_gpus("torch", version, kind, driver))
        if torch.version.cuda and (reason := advice.too_new(f"torch ({version})", torch.version.cuda, driver)):
            raise Unusable(reason)
        try:
            torch.cuda.current_device()  # initialises CUDA, which says why it cannot be
        except (AssertionError, RuntimeError) as error:
            raise Unusable(f"torch ({version}) cannot open the GPU ({advice.first_line(error)}); {driver}") from error
    elif not torch.backends.mps.is_available():
        raise Unusable(f"torch ({version}) cannot use Metal here: {advice.remedy(kind, driver)}")
    return torch


def _product(site: Site) -> None:
    """Compute a product of small whole numbers, which both precisions give exactly. Raises Unusable."""
    torch = _opened(site.kind, site.driver)
    place = site.device if site.kind == "cuda" else "mps"
    numbers = torch.arange(64 * 64).reshape(64, 64) % 4
    expected = numbers @ numbers
    for precision in (torch.float16, torch.float32):
        try:
            there = numbers.to(place, precision)
            product = (there @ there).cpu().to(expected.dtype)
        except RuntimeError as error:  # such as: no kernel image is available for execution on the device
            reason = advice.first_line(error)
            raise Unusable(
                f"torch ({torch.__version__}) cannot compute on the device ({reason}): {_remedy(site)}"
            ) from error
        if not torch.equal(product, expected):
            raise Unusable(f"torch ({torch.__version__}) computes wrong products in {precision} on the device")


def _remedy(site: Site) -> str:
    return advice.remedy(site.kind, site.driver)


def _maps(library: str) -> bool:
    """Whether a library whose file's name begins so is loaded into this process; False where nothing tells."""
    if sys.platform != "linux":
        return False
    lines = Path("/proc/self/maps").read_text(encoding="utf-8", errors="replace").splitlines()
    return any(Path(line.rpartition(" ")[2]).name.startswith(library) for line in lines)
