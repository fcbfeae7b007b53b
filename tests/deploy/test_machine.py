"""What is seen of a machine's drivers, through a library in C and files that stand for theirs."""

import platform
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from deploy import machine
from deploy.machine import Gpu, Nvidia, examine, nvidia, version
from tests.support.nvml import FakeNvml, rtx_4090

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="NVIDIA's and AMD's drivers are Linux's")

FILES = {
    "module": ("sys/module/nvidia/version", "580.95.05\n"),
    "proc": (
        "proc/driver/nvidia/version",
        "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.95.05  Release\n",
    ),
}


@pytest.fixture(scope="session")
def nvml(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The library, under its own name."""
    compiler = shutil.which("cc")
    assert compiler, "a C compiler is needed"
    library = tmp_path_factory.mktemp("nvml") / "libnvidia-ml.so.1"
    source = Path(__file__).parent / "nvml.c"
    subprocess.run([compiler, "-shared", "-fPIC", "-o", library, source], check=True)
    return library


def put(root: Path, path: str, text: str) -> None:
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(text)


def test_nvml_tells_driver_and_devices(nvml: Path, tmp_path: Path) -> None:
    assert nvidia(tmp_path, str(nvml)) == Nvidia("570.124.06", (12, 8), (Gpu("Tesla T4", (7, 5)),), silent=1)


def test_a_name_that_is_no_text_is_shown_as_far_as_it_is(
    fake_nvml: FakeNvml, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_nvml.gpus, fake_nvml.driver = [rtx_4090(0)], "580\udcff"
    fake_nvml.gpus[0].name = "NVIDIA \udcff4090"
    fake_nvml.write()
    for name, value in fake_nvml.environment.items():
        monkeypatch.setenv(name, value)
    library = Path(fake_nvml.environment["LD_LIBRARY_PATH"].partition(":")[0], "libnvidia-ml.so.1")
    seen = nvidia(tmp_path, str(library))
    assert (seen.driver, [gpu.name for gpu in seen.gpus]) == ("580\ufffd", ["NVIDIA \ufffd4090"])


@pytest.mark.parametrize("file", FILES)
def test_of_a_driver_that_does_not_match_the_kernels_part_counts(
    nvml: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str
) -> None:
    put(tmp_path, *FILES[file])
    monkeypatch.setenv("NVML_INIT", "18")
    assert nvidia(tmp_path, str(nvml)) == Nvidia("580.95.05", trouble="Driver/library version mismatch")


def test_a_driver_without_its_library_is_seen(tmp_path: Path) -> None:
    put(tmp_path, *FILES["module"])
    seen = nvidia(tmp_path, "libno-such-library.so.1")
    assert (seen.driver, seen.gpus) == ("580.95.05", ())
    assert "libno-such-library.so.1" in seen.trouble


def test_a_library_older_than_our_questions_ends_nothing(tmp_path: Path) -> None:
    put(tmp_path, *FILES["module"])
    seen = nvidia(tmp_path, "libc.so.6")
    assert (seen.driver, seen.gpus) == ("580.95.05", ())
    assert "nvmlInit_v2" in seen.trouble


def test_a_library_without_a_driver_says_so(nvml: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NVML_INIT", "9")
    assert nvidia(tmp_path, str(nvml)) == Nvidia(trouble="Driver Not Loaded")


@pytest.mark.parametrize(
    ("fault", "words"),
    [("hang", "says nothing for 2 s"), ("crash", "crashes: the process that asked it ended with code -6")],
)
def test_a_library_that_hangs_or_crashes_is_trouble_of_its_own(
    nvml: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: str, words: str
) -> None:
    put(tmp_path, *FILES["module"])
    monkeypatch.setenv("NVML_INIT", fault)
    monkeypatch.setattr(machine, "ANSWER_S", 2.0)
    assert nvidia(tmp_path, str(nvml)) == Nvidia("580.95.05", trouble=f"{nvml} {words}")


@pytest.mark.parametrize(
    ("vendor", "kind", "trouble"),
    [("0x10de", "0x030000", "no driver of NVIDIA's is loaded"), ("0x10de", "0x040300", ""), ("0x8086", "0x030000", "")],
)
def test_a_gpu_without_a_driver_is_seen(tmp_path: Path, vendor: str, kind: str, trouble: str) -> None:
    put(tmp_path, "sys/bus/pci/devices/0000:01:00.0/vendor", f"{vendor}\n")
    put(tmp_path, "sys/bus/pci/devices/0000:01:00.0/class", f"{kind}\n")
    assert nvidia(tmp_path, "libno-such-library.so.1") == Nvidia(trouble=trouble)


def test_an_amd_gpu_is_a_node_with_simd_units(tmp_path: Path) -> None:
    nodes = "sys/class/kfd/kfd/topology/nodes"
    put(tmp_path, f"{nodes}/0/properties", "cpu_cores_count 16\nsimd_count 0\n")
    assert not examine(tmp_path, "libno-such-library.so.1").amd
    put(tmp_path, f"{nodes}/1/properties", "cpu_cores_count 0\nsimd_count 192\n")
    put(tmp_path, "opt/rocm/.info/version", "7.2.0-43\n")
    seen = examine(tmp_path, "libno-such-library.so.1")
    assert (seen.amd, seen.rocm) == (True, "7.2.0-43")


def test_this_machine() -> None:
    seen = examine()
    assert (seen.system, seen.architecture) == (platform.system(), platform.machine())
    assert seen.python == sys.version_info[:2]
    assert seen.libc > (2,)


@pytest.mark.parametrize(("text", "numbers"), [("570.124.06", (570, 124, 6)), ("14.5", (14, 5)), ("", ())])
def test_versions_are_numbers(text: str, numbers: tuple[int, ...]) -> None:
    assert version(text) == numbers
