"""What this machine has that decides about builds. Nothing is installed yet: libraries are asked through ctypes."""

import contextlib
import ctypes
import json
import platform
import re
import shutil
import ssl
import subprocess
import sys
import sysconfig
from dataclasses import asdict, dataclass, replace
from pathlib import Path

Version = tuple[int, ...]

ANSWER_S = 10.0
"""How long NVML may take to answer."""


@dataclass(frozen=True, slots=True)
class Gpu:
    """An NVIDIA GPU; ``capability`` is its compute capability, empty where the driver does not say."""

    name: str
    capability: Version = ()


@dataclass(frozen=True, slots=True)
class Nvidia:
    """What NVIDIA's driver says; ``trouble`` is why it does not, though there is a GPU or a driver; else empty.

    ``driver`` is empty where there is none, ``cuda`` the newest CUDA that it runs, empty where it does not say.
    ``silent`` is how many GPUs do not answer: lost, or forbidden.
    """

    driver: str = ""
    cuda: Version = ()
    gpus: tuple[Gpu, ...] = ()
    trouble: str = ""
    silent: int = 0

    @property
    def answers(self) -> bool:
        """Whether there is a driver, or GPUs whose driver does not say its version."""
        return bool(self.driver or self.gpus)


@dataclass(frozen=True, slots=True)
class Machine:
    """Platform and devices; ``libc`` is glibc's version on Linux, macOS' own on a Mac, empty where unknown.

    ``rocm`` is the version of ROCm's libraries, empty without; ``amd`` says that there is an AMD GPU for computing.
    ``compiler`` and ``headers``: Triton could compile here, as vLLM needs it to.
    """

    system: str
    architecture: str
    python: Version
    libc: Version = ()
    nvidia: Nvidia = Nvidia()
    amd: bool = False
    rocm: str = ""
    compiler: bool = True
    headers: bool = True


def version(text: str) -> Version:
    """The numbers of a version: ``"570.124.06"`` becomes (570, 124, 6)."""
    return tuple(int(number) for number in re.findall(r"\d+", text))


def examine(root: Path = Path("/"), nvml: str = "libnvidia-ml.so.1") -> Machine:
    """This machine. ``root`` holds the files of its drivers, ``nvml`` is the library of NVIDIA's."""
    mac = platform.mac_ver()[0]
    return Machine(
        system=platform.system(),
        architecture=platform.machine(),
        python=sys.version_info[:2],
        libc=version(mac or platform.libc_ver()[1]),
        nvidia=nvidia(root, nvml),
        amd=_has_amd_gpu(root),
        rocm=_text(root / "opt/rocm/.info/version"),
        compiler=any(shutil.which(name) for name in ("cc", "gcc", "clang")),
        headers=Path(sysconfig.get_path("include"), "Python.h").is_file(),
    )


def nvidia(root: Path, library: str) -> Nvidia:
    """What NVML says, or of a driver whose library does not answer what the kernel says of it."""
    loaded = _loaded_driver(root)
    try:
        ctypes.CDLL(library)
    except OSError as error:
        there = "no driver of NVIDIA's is loaded" if _has_nvidia_gpu(root) else ""
        return Nvidia(loaded, trouble=str(error) if loaded else there)
    said = _asked_apart(library)
    return replace(said, driver=said.driver or loaded)


def _asked_apart(library: str) -> Nvidia:
    """What NVML says, asked by a process of its own: a call may hang for as long as the driver likes."""
    process = subprocess.Popen([sys.executable, "-I", __file__, library], stdout=subprocess.PIPE)
    try:
        said, _ = process.communicate(timeout=ANSWER_S)
        return _decoded(said)
    except subprocess.TimeoutExpired:
        return Nvidia(trouble=f"{library} says nothing for {ANSWER_S:g} s")
    except ValueError:
        return Nvidia(trouble=f"{library} crashes: the process that asked it ended with code {process.returncode}")
    finally:
        process.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):  # it is stuck in the driver
            process.wait(1)
        if process.stdout:
            process.stdout.close()


def _decoded(said: bytes) -> Nvidia:
    found = json.loads(said)
    gpus = tuple(Gpu(gpu["name"], tuple(gpu["capability"])) for gpu in found["gpus"])
    return Nvidia(**found | {"cuda": tuple(found["cuda"]), "gpus": gpus})


def _asked(library: str) -> Nvidia:
    try:
        return _ask(ctypes.CDLL(library))
    except (OSError, AttributeError) as error:  # it fails, or is older than a function
        return Nvidia(trouble=str(error))


def _ask(nvml: ctypes.CDLL) -> Nvidia:
    code = nvml.nvmlInit_v2()
    if code:
        nvml.nvmlErrorString.restype = ctypes.c_char_p
        raise OSError(nvml.nvmlErrorString(code).decode(errors="replace"))
    try:
        gpus, silent = _gpus(nvml)
        return Nvidia(_driver(nvml), _cuda(nvml), gpus, silent=silent)
    finally:
        nvml.nvmlShutdown()


def _driver(nvml: ctypes.CDLL) -> str:
    text = ctypes.create_string_buffer(80)
    return "" if nvml.nvmlSystemGetDriverVersion(text, 80) else text.value.decode(errors="replace")


def _cuda(nvml: ctypes.CDLL) -> Version:
    number = ctypes.c_int()
    if nvml.nvmlSystemGetCudaDriverVersion_v2(ctypes.byref(number)):
        return ()
    return number.value // 1000, number.value % 1000 // 10  # 12080 is 12.8


def _gpus(nvml: ctypes.CDLL) -> tuple[tuple[Gpu, ...], int]:
    """Those that answer, and how many others there are: one that is lost or forbidden decides nothing."""
    count, listed = ctypes.c_uint(), []
    nvml.nvmlDeviceGetCount_v2(ctypes.byref(count))
    for index in range(count.value):
        handle, name = ctypes.c_void_p(), ctypes.create_string_buffer(96)
        major, minor = ctypes.c_int(), ctypes.c_int()
        if nvml.nvmlDeviceGetHandleByIndex_v2(index, ctypes.byref(handle)) or nvml.nvmlDeviceGetName(handle, name, 96):
            continue
        failed = nvml.nvmlDeviceGetCudaComputeCapability(handle, ctypes.byref(major), ctypes.byref(minor))
        listed.append(Gpu(name.value.decode(errors="replace"), () if failed else (major.value, minor.value)))
    return tuple(listed), count.value - len(listed)


def _loaded_driver(root: Path) -> str:
    """The version of the kernel's module: its own file says it, and a longer one beside it on older kernels."""
    module = _text(root / "sys/module/nvidia/version")
    described = re.search(r"Kernel Module.*?\s(\d+\.[\d.]+)\s", _text(root / "proc/driver/nvidia/version"))
    return module or (described[1] if described else "")


def _has_nvidia_gpu(root: Path) -> bool:
    """Whether a display device on the bus is NVIDIA's, with a driver or without."""
    devices = (root / "sys/bus/pci/devices").glob("*")
    return any(_text(one / "vendor") == "0x10de" and _text(one / "class").startswith("0x03") for one in devices)


def _has_amd_gpu(root: Path) -> bool:
    """Whether the kernel's compute driver lists a device with SIMD units: processors are listed too, without any."""
    nodes = (root / "sys/class/kfd/kfd/topology/nodes").glob("*/properties")
    return any(re.search(r"^simd_count [1-9]", _text(node), re.M) for node in nodes)


def _text(path: Path) -> str:
    with contextlib.suppress(OSError):
        return path.read_text(errors="replace").strip()
    return ""


if __name__ == "__main__":
    print(json.dumps(asdict(_asked(sys.argv[1]))))


def certificates() -> dict[str, str]:
    """The variables by which uv trusts what this system trusts, as pip does; none where the system trusts nobody.

    The second is that of older versions. Behind a company's proxy nothing can be fetched without.
    """
    paths = ssl.get_default_verify_paths()
    known = [paths.cafile, *(Path(paths.capath).glob("*") if paths.capath else ())]
    known += [place for place in map(Path, _BUNDLES) if place.exists()]
    return {"UV_SYSTEM_CERTS": "true", "UV_NATIVE_TLS": "true"} if any(known) or sys.platform == "darwin" else {}


_BUNDLES = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem")
"""Where Linux distributions keep what they trust."""
