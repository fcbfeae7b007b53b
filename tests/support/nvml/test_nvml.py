"""What ``pynvml``, unchanged, sees through the stub of NVML, and sees change."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.nvml import MIB, FakeInstance, FakeNvml, InitFault, gb10, h100, rtx_4090, t4

ASKED = """
import json, sys
from pynvml import *
handles = {}
for line in sys.stdin:
    try:
        answer = eval(line)
    except NVMLError as error:
        answer = f"{type(error).__name__}: {error}"
    print(json.dumps(answer, default=lambda made: [getattr(made, field[0]) for field in made._fields_]), flush=True)
"""


class Asked:
    """A process with ``pynvml`` that answers expressions in JSON; a struct is the list of its fields."""

    def __init__(self, environment: dict[str, str]) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", ASKED],
            env=os.environ | environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
        )

    def __call__(self, expression: str) -> Any:
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(expression + "\n")
        return json.loads(self.process.stdout.readline())


@pytest.fixture
def ask(fake_nvml: FakeNvml) -> Iterator[Asked]:
    asked = Asked(fake_nvml.environment)
    yield asked
    asked.process.communicate(timeout=60)


def handle(index: int) -> str:
    return f"nvmlDeviceGetHandleByIndex({index})"


def test_the_machine(fake_nvml: FakeNvml, ask: Asked) -> None:
    fake_nvml.gpus = [rtx_4090(0), t4(1)]
    fake_nvml.driver, fake_nvml.cuda = "570.133.20", 12080
    fake_nvml.write()
    assert ask("nvmlDeviceGetCount()") == "NVMLError_Uninitialized: Uninitialized"
    assert ask("nvmlInit()") is None
    assert ask("nvmlSystemGetDriverVersion()") == "570.133.20"
    assert ask("nvmlSystemGetCudaDriverVersion_v2()") == ask("nvmlSystemGetCudaDriverVersion()") == 12080
    assert ask("nvmlDeviceGetCount()") == 2
    assert ask("nvmlShutdown()") is None
    assert ask("nvmlDeviceGetCount()") == "NVMLError_Uninitialized: Uninitialized"


def test_a_card(fake_nvml: FakeNvml, ask: Asked) -> None:
    gpu = rtx_4090(1)
    gpu.display, gpu.numa, gpu.cpus, gpu.utilization = True, 1, (0, 2, 63), (37, 5)
    fake_nvml.gpus = [t4(0), gpu]
    fake_nvml.write()
    ask("nvmlInit()")
    card = handle(1)
    assert ask(f"nvmlDeviceGetName({card})") == "NVIDIA GeForce RTX 4090"
    assert ask(f"nvmlDeviceGetUUID({card})") == gpu.uuid
    assert ask(f"nvmlDeviceGetIndex(nvmlDeviceGetHandleByUUID({gpu.uuid!r}))") == 1
    assert ask("nvmlDeviceGetHandleByUUID('GPU-no')") == "NVMLError_NotFound: Not Found"
    assert ask("nvmlDeviceGetHandleByIndex(2)") == "NVMLError_InvalidArgument: Invalid Argument"
    assert ask(f"nvmlDeviceGetCudaComputeCapability({card})") == [8, 9]
    assert ask(f"nvmlDeviceGetCudaComputeCapability({handle(0)})") == [7, 5]
    assert ask(f"nvmlDeviceGetDisplayActive({card})") == 1
    assert ask(f"nvmlDeviceGetNumaNodeId({card})") == 1
    assert ask(f"list(nvmlDeviceGetCpuAffinity({card}, 2))") == [1 | 1 << 2 | 1 << 63, 0]
    assert ask(f"nvmlDeviceGetCpuAffinity({handle(0)}, 2)") == "NVMLError_NotSupported: Not Supported"
    assert ask(f"nvmlDeviceGetUtilizationRates({card})") == [37, 5]
    assert ask(f"nvmlDeviceGetPciInfo({card}).busId") == "00000000:02:00.0"
    assert ask(f"nvmlDeviceGetMigMode({card})") == "NVMLError_NotSupported: Not Supported"
    assert ask(f"nvmlDeviceGetMaxMigDeviceCount({card})") == 0


def test_memory_changes_while_a_process_runs(fake_nvml: FakeNvml, ask: Asked) -> None:
    gpu = rtx_4090()
    fake_nvml.gpus = [gpu]
    fake_nvml.write()
    ask("nvmlInit()")
    ask(f"handles.update(it={handle(0)})")
    for used in (360, 20_000):
        gpu.used_mib = used
        fake_nvml.write()
        free = 24564 - used - 400
        total = 24564 * MIB
        of_version_1 = [total, free * MIB, (used + 400) * MIB]
        assert ask("nvmlDeviceGetMemoryInfo(handles['it'])") == of_version_1
        of_version_2 = [total, 400 * MIB, free * MIB, used * MIB]
        assert ask("nvmlDeviceGetMemoryInfo(handles['it'], nvmlMemory_v2)")[1:] == of_version_2


@pytest.mark.parametrize("version", ["", "_v2", "_v3"])
def test_processes(fake_nvml: FakeNvml, ask: Asked, version: str) -> None:
    gpu = rtx_4090()
    gpu.processes, gpu.drawing = {11: 7 * MIB, 12: None}, {13: 5}
    fake_nvml.gpus = [gpu, t4(1)]
    fake_nvml.write()
    ask("nvmlInit()")

    def processes(kind: str, index: int) -> Any:
        listed = f"nvmlDeviceGet{kind}RunningProcesses{version}({handle(index)})"
        return ask(f"[[each.pid, each.usedGpuMemory] for each in {listed}]")

    assert processes("Compute", 0) == [[11, 7 * MIB], [12, None]]
    assert processes("Graphics", 0) == [[13, 5]]
    assert processes("Compute", 1) == processes("Graphics", 1) == []
    gpu.processes = {pid: pid for pid in range(40)}
    fake_nvml.write()
    assert processes("Compute", 0) == [[pid, pid] for pid in range(40)]


def test_a_card_is_lost_and_comes_back(fake_nvml: FakeNvml, ask: Asked) -> None:
    lost = rtx_4090(1)
    fake_nvml.gpus = [rtx_4090(0), lost]
    fake_nvml.write()
    ask("nvmlInit()")
    ask(f"handles.update(it={handle(1)})")
    name = "nvmlDeviceGetName(handles['it'])"
    assert ask(name) == "NVIDIA GeForce RTX 4090"
    lost.fault = "lost"
    fake_nvml.write()
    assert ask(name) == ask(handle(1)) == "NVMLError_GpuIsLost: GPU is lost"
    assert ask(f"nvmlDeviceGetHandleByUUID({lost.uuid!r})") == "NVMLError_GpuIsLost: GPU is lost"
    assert ask(f"nvmlDeviceGetName({handle(0)})") == "NVIDIA GeForce RTX 4090"
    assert ask("nvmlDeviceGetCount()") == 2
    lost.fault = None
    fake_nvml.write()
    assert ask(name) == "NVIDIA GeForce RTX 4090"


def test_a_forbidden_card_and_one_without_memory(fake_nvml: FakeNvml, ask: Asked) -> None:
    forbidden = t4(0)
    forbidden.fault = "forbidden"
    fake_nvml.gpus = [forbidden, gb10(1)]
    fake_nvml.write()
    ask("nvmlInit()")
    assert ask(handle(0)) == "NVMLError_NoPermission: Insufficient Permissions"
    assert ask(f"nvmlDeviceGetName({handle(1)})") == "NVIDIA GB10"
    for version in ("None", "nvmlMemory_v2"):
        assert ask(f"nvmlDeviceGetMemoryInfo({handle(1)}, {version})") == "NVMLError_NotSupported: Not Supported"


def test_mig_instances(fake_nvml: FakeNvml, ask: Asked) -> None:
    small = FakeInstance("1g.10gb", 9856, 12, processes={21: MIB})
    large = FakeInstance("3g.40gb", 40320, 30_000)
    fake_nvml.gpus = [rtx_4090(0), h100(1, [small, large]), h100(2)]
    fake_nvml.write()
    ask("nvmlInit()")
    assert ask(f"nvmlDeviceGetMigMode({handle(1)})") == [1, 1]
    assert ask(f"nvmlDeviceGetMigMode({handle(2)})") == [0, 0]
    assert ask(f"nvmlDeviceGetMaxMigDeviceCount({handle(1)})") == 7
    mig = [f"nvmlDeviceGetMigDeviceHandleByIndex({handle(1)}, {index})" for index in range(3)]
    assert ask(f"nvmlDeviceGetName({mig[0]})") == "NVIDIA H100 80GB HBM3 MIG 1g.10gb"
    assert ask(f"nvmlDeviceGetUUID({mig[1]})") == large.uuid
    assert ask(mig[2]) == "NVMLError_NotFound: Not Found"
    assert ask(f"nvmlDeviceGetMigDeviceHandleByIndex({handle(2)}, 0)") == "NVMLError_NotFound: Not Found"
    assert ask(f"nvmlDeviceGetMemoryInfo({mig[1]})") == [40320 * MIB, 10320 * MIB, 30_000 * MIB]
    assert ask(f"nvmlDeviceGetIndex(nvmlDeviceGetHandleByUUID({large.uuid!r}))") == 1
    assert ask(f"nvmlDeviceGetIndex(nvmlDeviceGetDeviceHandleFromMigDeviceHandle({mig[1]}))") == 1
    assert [ask(f"nvmlDeviceGetGpuInstanceId({each})") for each in mig[:2]] == [1, 2]
    listed = "[each.pid for each in nvmlDeviceGetComputeRunningProcesses({})]"
    assert [ask(listed.format(each)) for each in (mig[0], mig[1], handle(1))] == [[21], [], [21]]
    assert ask(f"nvmlDeviceGetUtilizationRates({mig[0]})") == "NVMLError_NotSupported: Not Supported"


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("forbidden", "NVMLError_NoPermission: Insufficient Permissions"),
        ("no driver", "NVMLError_DriverNotLoaded: Driver Not Loaded"),
        ("mismatch", "NVMLError_LibRmVersionMismatch: RM has detected an NVML/RM version mismatch."),
    ],
)
def test_nvml_cannot_be_used(fake_nvml: FakeNvml, ask: Asked, fault: InitFault, error: str) -> None:
    fake_nvml.init = fault
    fake_nvml.write()
    assert ask("nvmlInit()") == error
    fake_nvml.init = None
    fake_nvml.write()
    assert ask("nvmlInit()") is None
