"""The devices of a machine, as NVML and the environment describe them; each test asks in a process of its own."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import psutil
import pytest

from models.errors import InvalidRequest
from models.launching import devices
from models.launching.devices import Device
from tests.support.nvml import FakeInstance, FakeNvml, gb10, h100, rtx_4090, t4

SCRIPT = """
import sys, msgspec
from models.errors import InvalidRequest
from models.launching import devices
try:
    found = devices.survey() if len(sys.argv) == 1 else devices.parse(sys.argv[1])
except InvalidRequest as error:
    sys.exit(error.message)
sys.stdout.buffer.write(msgspec.json.encode(found))
"""


IMPATIENT = f"from models.launching import nvml\nnvml.ANSWER_S = 2.0\n{SCRIPT}"


def ask(fake: FakeNvml, *arguments: str, **env: str) -> "subprocess.CompletedProcess[bytes]":
    """Survey the machine, or parse a name, where NVML answers so."""
    fake.write()
    clean = {name: value for name, value in os.environ.items() if name != "CUDA_VISIBLE_DEVICES"}
    command = [sys.executable, "-c", SCRIPT, *arguments]
    return subprocess.run(command, env=clean | fake.environment | env, capture_output=True, check=False)


def survey(fake: FakeNvml, **env: str) -> tuple[list[Device], list[str]]:
    """The GPUs that are found, and the notes. The CPU is always the last device."""
    done = ask(fake, **env)
    assert done.returncode == 0, done.stderr.decode()
    found, notes = msgspec.json.decode(done.stdout, type=tuple[list[Device], list[str]])
    assert found[-1].name == "cpu"
    return found[:-1], notes


def test_every_gpu_is_a_device_and_so_is_the_cpu(fake_nvml: FakeNvml) -> None:
    fake_nvml.gpus = [rtx_4090(0), t4(1)]
    first, second = survey(fake_nvml)[0]

    assert first == Device(
        name="cuda:0",
        kind="cuda",
        label="NVIDIA GeForce RTX 4090",
        total_bytes=24564 << 20,
        uuid=fake_nvml.gpus[0].uuid,
        capability="8.9",
        driver="580.95.05",
        cuda="13.0",
    )
    assert (second.name, second.label, second.capability) == ("cuda:1", "Tesla T4", "7.5")


def test_a_driver_that_hangs_is_named_and_the_cpu_goes_on(fake_nvml: FakeNvml) -> None:
    """NVML is asked by a process of its own: else this test would hang."""
    fake_nvml.gpus, fake_nvml.hangs = [rtx_4090(0)], True
    fake_nvml.write()
    env = os.environ | fake_nvml.environment
    done = subprocess.run([sys.executable, "-c", IMPATIENT], env=env, capture_output=True, check=True)
    found, [note] = msgspec.json.decode(done.stdout, type=tuple[list[Device], list[str]])
    assert [one.name for one in found] == ["cpu"]
    assert note == "NVIDIA's driver does not answer: nothing came within 2 s (see what nvidia-smi says)"


def test_a_library_that_crashes_ends_only_what_asks_it(fake_nvml: FakeNvml, tmp_path: Path) -> None:
    (tmp_path / "pynvml.py").write_text("import os\nos.abort()")
    fake_nvml.gpus = [rtx_4090(0)]
    path = f"{tmp_path}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"
    found, [note] = survey(fake_nvml, PYTHONPATH=path)
    assert found == []
    assert note == "NVIDIA's driver cannot be used: the process that asked it ended with code -6"


def test_without_a_gpu_the_device_is_the_cpu(fake_nvml: FakeNvml) -> None:
    fake_nvml.init = "no library"
    assert survey(fake_nvml) == ([], [])
    cpu = devices.parse("cpu")
    assert (cpu.name, cpu.kind, cpu.driver) == ("cpu", "cpu", "")
    assert 0 < cpu.total_bytes <= psutil.virtual_memory().total
    assert cpu.label


@pytest.mark.parametrize(
    ("fault", "words", "remedy"),
    [
        ("mismatch", "version", "restart the machine, as after every update of the driver"),
        ("no driver", "Driver Not Loaded", "sudo modprobe nvidia"),
        ("forbidden", "Permission", "/dev/nvidia*"),
    ],
)
def test_a_driver_that_cannot_be_used_is_told(fake_nvml: FakeNvml, fault: Any, words: str, remedy: str) -> None:
    fake_nvml.gpus, fake_nvml.init = [rtx_4090(0)], fault
    found, [note] = survey(fake_nvml)

    assert found == []
    assert note.startswith("NVIDIA's driver cannot be used: ")
    assert words.lower() in note.lower()
    assert remedy in note


@pytest.mark.parametrize(
    ("fault", "words"),
    [("lost", "lost (GPU is lost): restart the machine"), ("forbidden", "read and write /dev/nvidia*")],
)
def test_a_gpu_that_cannot_be_used_is_left_out(fake_nvml: FakeNvml, fault: Any, words: str) -> None:
    fake_nvml.gpus = [rtx_4090(0), rtx_4090(1)]
    fake_nvml.gpus[0].fault = fault
    [left], [note] = survey(fake_nvml)

    assert left.name == "cuda:1"
    assert note.startswith("GPU 0 is left out: ")
    assert words in note


def test_a_gpu_without_memory_of_its_own_has_the_machines(fake_nvml: FakeNvml) -> None:
    fake_nvml.gpus = [gb10()]
    [gpu], notes = survey(fake_nvml)

    assert notes == []
    assert gpu.shares_memory
    assert gpu.total_bytes == devices.parse("cpu").total_bytes


def test_a_name_that_is_no_text_is_shown_as_far_as_it_is(fake_nvml: FakeNvml) -> None:
    fake_nvml.gpus = [rtx_4090(0)]
    fake_nvml.gpus[0].name = "NVIDIA \udcff4090"
    [gpu], notes = survey(fake_nvml)

    assert (gpu.label, notes) == ("NVIDIA \ufffd4090", [])


def test_mig_instances_are_devices(fake_nvml: FakeNvml) -> None:
    parts = [FakeInstance("1g.10gb", 9728), FakeInstance("2g.20gb", 19968)]
    fake_nvml.gpus = [h100(0), h100(1, mig=parts)]
    found, notes = survey(fake_nvml)

    assert notes == []
    assert [(one.name, one.total_bytes >> 20, one.capability) for one in found] == [
        ("cuda:0", 81559, "9.0"),
        ("cuda:1.0", 9728, "9.0"),
        ("cuda:1.1", 19968, "9.0"),
    ]
    assert [one.uuid for one in found[1:]] == [part.uuid for part in parts]
    assert b"cuda:1.1" in ask(fake_nvml, "cuda:1.1").stdout
    assert [one.name for one in survey(fake_nvml, CUDA_VISIBLE_DEVICES=parts[1].uuid)[0]] == ["cuda:1.1"]


def test_a_card_in_mig_mode_without_instances_is_told(fake_nvml: FakeNvml) -> None:
    fake_nvml.gpus = [h100(0)]
    fake_nvml.gpus[0].mig_mode = True
    found, [note] = survey(fake_nvml)

    assert found == []
    assert note.startswith("GPU 0 is in MIG mode and has no instances: it is left out. Make some (sudo nvidia-smi mig")


@pytest.mark.parametrize(
    ("visible", "names"),
    [
        ("1", ["cuda:1"]),
        ("GPU-00000000", ["cuda:0"]),
        ("0, 1", ["cuda:0", "cuda:1"]),
        ("1,7", ["cuda:1"]),
        ("", []),
        ("-1", []),
        ("-1,0", []),
        ("1,-1,0", ["cuda:1"]),
        ("1,7,0", ["cuda:1"]),
        ("1,0", ["cuda:0", "cuda:1"]),
        ("1,0,-1", ["cuda:0", "cuda:1"]),
    ],
)
def test_only_visible_gpus_count(fake_nvml: FakeNvml, visible: str, names: list[str]) -> None:
    fake_nvml.gpus = [rtx_4090(0), rtx_4090(1)]
    assert [one.name for one in survey(fake_nvml, CUDA_VISIBLE_DEVICES=visible)[0]] == names


@pytest.mark.parametrize(
    ("visible", "said"),
    [
        ("0", ["GPU 1 is hidden by CUDA_VISIBLE_DEVICES=0"]),
        (
            "0,7",
            [
                "GPU 1 is hidden by CUDA_VISIBLE_DEVICES=0,7",
                "7 in CUDA_VISIBLE_DEVICES=0,7 names no GPU: it ends the list",
            ],
        ),
        ("-1", ["GPUs 0 and 1 are hidden by CUDA_VISIBLE_DEVICES=-1"]),
        ("", ["GPUs 0 and 1 are hidden by CUDA_VISIBLE_DEVICES=''"]),
        ("0,1", []),
        ("0,1,2", []),
    ],
)
def test_what_the_variable_hides_is_said(fake_nvml: FakeNvml, visible: str, said: list[str]) -> None:
    fake_nvml.gpus = [rtx_4090(0), rtx_4090(1), rtx_4090(2)]
    fake_nvml.gpus[2].fault = "lost"
    lost, *notes = survey(fake_nvml, CUDA_VISIBLE_DEVICES=visible)[1]

    assert lost.startswith("GPU 2 is left out: lost")
    assert notes == said


@pytest.mark.parametrize("visible", ["7", "GPU-ffffffff", "MIG-1", "one", "GPU-"])
def test_a_variable_that_names_no_gpu_is_an_error(fake_nvml: FakeNvml, visible: str) -> None:
    fake_nvml.gpus = [rtx_4090(0), rtx_4090(1)]
    done = ask(fake_nvml, CUDA_VISIBLE_DEVICES=visible)

    assert done.returncode == 1
    assert (
        f"CUDA_VISIBLE_DEVICES={visible} is none of the GPUs 0 ({fake_nvml.gpus[0].uuid}), 1 (" in done.stderr.decode()
    )


@pytest.mark.parametrize(
    ("visible", "said"),
    [
        ("3,0", "CUDA_VISIBLE_DEVICES=3,0: 3 is none of the GPUs 0 ("),
        ("0,0", "CUDA_VISIBLE_DEVICES=0,0 names a GPU twice: CUDA uses none then"),
        ("0,GPU-00000000", "CUDA_VISIBLE_DEVICES=0,GPU-00000000 names a GPU twice"),
    ],
)
def test_a_variable_with_which_cuda_uses_no_gpu_is_an_error(fake_nvml: FakeNvml, visible: str, said: str) -> None:
    fake_nvml.gpus = [rtx_4090(0), rtx_4090(1)]
    done = ask(fake_nvml, CUDA_VISIBLE_DEVICES=visible)

    assert done.returncode == 1
    assert said in done.stderr.decode()


@pytest.mark.parametrize(
    ("visible", "names"),
    [
        ("1", []),
        ("GPU-00000001", []),
        ("1,0", ["cuda:0"]),
        ("GPU-00000001,GPU-00000000", ["cuda:0"]),
        ("1,7", []),
    ],
)
def test_a_gpu_that_is_lost_may_be_named(fake_nvml: FakeNvml, visible: str, names: list[str]) -> None:
    fake_nvml.gpus = [rtx_4090(0), rtx_4090(1)]
    fake_nvml.gpus[1].fault = "lost"
    found, [lost, *_] = survey(fake_nvml, CUDA_VISIBLE_DEVICES=visible)

    assert [one.name for one in found] == names
    assert lost.startswith("GPU 1 is left out: lost")


def test_a_device_that_is_not_there_is_refused_with_those_that_are(fake_nvml: FakeNvml) -> None:
    fake_nvml.gpus = [rtx_4090(0), rtx_4090(1), rtx_4090(2)]
    fake_nvml.gpus[2].fault = "lost"
    message = ask(fake_nvml, "cuda:2").stderr.decode()

    assert "this machine has no cuda:2 (NVML sees cuda:0, cuda:1; GPU 2 is left out: " in message


@pytest.mark.parametrize(
    "name",
    ["", "gpu", "cuda", "cuda:", "cuda:-1", "cuda:00", "CUDA:0", "cpu:x", "cpu:00", "cuda:0 ", "cuda:1000", "cuda:0.x"],
)
def test_nonsense_is_no_device(name: str) -> None:
    with pytest.raises(InvalidRequest, match="is not a device"):
        devices.parse(name)


def test_a_cpu_may_have_a_budget() -> None:
    part = devices.parse("cpu:1=1.5GiB")
    assert (part.name, part.kind, part.total_bytes, part.budget) == ("cpu:1", "cpu", 3 << 29, True)
    assert devices.parse(part.argument) == part
    assert devices.parse("cpu=512MiB").argument == f"cpu={512 << 20}"
    assert devices.parse("cpu").argument == "cpu"


@pytest.mark.parametrize(
    ("text", "size"),
    [("4GiB", 4 << 30), ("2g", 2 << 30), ("1.5 MB", 1_500_000), ("7", 7), ("512MiB", 1 << 29), ("1TiB", 1 << 40)],
)
def test_sizes_are_read(text: str, size: int) -> None:
    assert devices.parse_size(text) == size


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("cpu:0", "cpu:0 needs a budget"),
        ("cpu:0=", "'' is no size"),
        ("cpu:0=many", "'many' is no size"),
        ("cpu:0=0", "'0' is no size"),
        ("cpu=-1GiB", "'-1GiB' is no size"),
        ("cpu:0=9999TiB", "and this machine has"),
        ("cuda:0=4GiB", "is not a device"),
    ],
)
def test_a_budget_that_cannot_be_is_refused(name: str, why: str) -> None:
    with pytest.raises(InvalidRequest, match=re.escape(why)):
        devices.parse(name)
