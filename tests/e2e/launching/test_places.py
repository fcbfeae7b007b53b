"""Replicas of one model, each on the device that its launch names, also after a restart."""

import httpx
import psutil
import pytest

from tests.e2e.stack import Stack
from tests.e2e.test_gpus import Start, refusal, start, until_asked
from tests.support.nvml import FakeNvml, rtx_4090

__all__ = ["start"]

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


def seen_by(stack: Stack, uid: str) -> dict[int, str]:
    """The GPUs that each replica sees, by its number."""
    return {
        int(one["replica_index"]): psutil.Process(one["pid"]).environ()["CUDA_VISIBLE_DEVICES"]
        for one in stack.client.replicas(uid)
    }


def test_each_replica_is_where_its_launch_says(fake_nvml: FakeNvml, start: Start) -> None:
    fake_nvml.gpus = [rtx_4090(0), rtx_4090(1), rtx_4090(2)]
    first, second, third = (gpu.uuid for gpu in fake_nvml.gpus)
    stack = start()
    devices = until_asked(stack, "echo", 4)
    node = devices["cpu"]["node"]
    on_second = {"devices": [{"worker_ip": node, "gpu_idx": 1}]}
    on_cpu = {"devices": [{"worker_ip": node, "n_gpu": "None"}]}
    on_two = {"devices": [{"worker_ip": node, "gpu_idx": [0, 2]}]}
    config = [on_second, on_cpu, on_two, on_second]
    stack.launch_echo("spread", replica=4, replica_config=config)
    wanted = {0: second, 1: "", 2: f"{first},{third}", 3: second}
    assert seen_by(stack, "spread") == wanted
    kept = httpx.get(f"{stack.url}/v1/autostart/models").json()["models"][0]["launch"]["replica_config"]
    assert [[one["gpu_idx"] for one in each["devices"]] for each in kept] == [[[1]], [None], [[0, 2]], [[1]]]

    there = {"devices": [{"worker_ip": node, "gpu_idx": 7}]}
    status, param, message = refusal(stack, model_uid="x", replica=2, replica_config=[on_cpu, there])
    assert (status, param) == (400, "replica_config[1]")
    assert "no node has GPU 7" in message
    elsewhere = {"devices": [{"worker_ip": "elsewhere"}]}
    status, param, message = refusal(stack, model_uid="x", replica=2, replica_config=[{}, elsewhere])
    assert (status, param) == (400, "replica_config[1]")
    assert "there is no node 'elsewhere'" in message

    stack.kill_all()
    stack.start()
    stack.client.wait_ready("spread")
    assert seen_by(stack, "spread") == wanted
