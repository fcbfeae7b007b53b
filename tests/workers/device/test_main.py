"""How a worker ends that cannot begin."""

import os
import subprocess
import sys

import pytest

from models.launching.devices import DEVICE_GONE
from tests.support.nvml import FakeNvml, rtx_4090


@pytest.mark.parametrize(
    ("name", "code", "words"),
    [("cuda:1", DEVICE_GONE, "GPU 1 is left out"), ("cuda:7", DEVICE_GONE, "no cuda:7"), ("gpu", 1, "not a device")],
)
def test_a_device_that_is_not_there_has_its_own_exit_code(
    fake_nvml: FakeNvml, name: str, code: int, words: str
) -> None:
    fake_nvml.gpus = [rtx_4090(0), rtx_4090(1)]
    fake_nvml.gpus[1].fault = "lost"
    fake_nvml.write()
    clean = {key: value for key, value in os.environ.items() if key != "CUDA_VISIBLE_DEVICES"}
    command = [sys.executable, "-m", "workers.device", "--device", name]
    done = subprocess.run(command, env=clean | fake_nvml.environment, capture_output=True, text=True, check=False)
    assert done.returncode == code
    assert words in done.stderr.splitlines()[-1]
