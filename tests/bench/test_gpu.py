"""The script for machines with a GPU, as far as it runs without one: its steps, its figures, its weights."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest

from bench.gpu import steps, weights
from bench.gpu.site import Figures, Site
from bench.gpu.steps import STEPS, Step
from bench.gpu.streams import shares_of
from tests.support.nvml import MIB, FakeNvml, h100

FACTS = Step("facts", "bench.gpu.facts", 60)


def run(folder: Path, *these: Step, whole_s: float = 120) -> tuple[Figures, list[str]]:
    """Run these steps on the CPU; what was found, which is also what is in the file, and what was shown."""
    shown: list[str] = []
    out = folder / "gpu.json"
    found = steps.run_all(these, Site("cpu", True, str(folder)), {"device": "cpu"}, out, shown.append, whole_s)
    assert json.loads(out.read_text(encoding="utf-8")) == found
    return found["steps"], shown


def script(out: Path, *arguments: str, **env: str) -> dict[str, Any]:
    """Run it as its users do; the figures."""
    command = [sys.executable, "-m", "bench.gpu", "--quick", "--out", str(out), *arguments]
    done = subprocess.run(command, env=os.environ | env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "Headrace on" in done.stdout
    return dict(json.loads(out.read_text(encoding="utf-8")))


def test_all_steps_together_take_nine_minutes_at_most() -> None:
    assert sum(step.limit_s for step in STEPS) <= steps.LIMIT_S == 540


def test_a_step_that_fails_costs_only_itself(tmp_path: Path) -> None:
    found, shown = run(tmp_path, Step("raising", "tests.bench.raising", 60), FACTS)
    assert found["raising"]["status"] == "failed"
    assert found["raising"]["figures"]["there"]["figure"] == 1.0
    assert found["raising"]["figures"]["missing"] == "failed: LookupError: the part failed"
    assert "the step failed" in found["raising"]["log"]
    assert found["facts"]["status"] == "skipped"
    assert shown[-1].startswith("facts: skipped after")


def test_a_step_that_hangs_costs_only_its_time(tmp_path: Path) -> None:
    found, _ = run(tmp_path, Step("hanging", "tests.bench.hanging", 20), FACTS, whole_s=80)
    assert found["hanging"]["status"] == "timed out"
    assert found["hanging"]["limit_s"] <= 20
    assert not psutil.pid_exists(found["hanging"]["figures"]["child"]["pid"])
    assert found["facts"]["status"] == "skipped"


def test_a_machine_without_a_gpu_says_what_it_lacks(tmp_path: Path) -> None:
    found = script(tmp_path / "gpu.json", "--device", "cpu", "--only", "facts,echo")
    assert found["about"]["device"] == "cpu"
    assert set(found["steps"]) == {"facts", "echo"}
    assert set(found["steps"]["facts"]["figures"].values()) == {"skipped: no NVML for a CPU", "skipped: no CUDA"}
    echo = found["steps"]["echo"]
    assert (echo["status"], len(echo["figures"])) == ("done", 2)
    for part in echo["figures"].values():
        assert 0 < part["tokens_s"] <= part["asked_tokens_s"]
        assert {"api.app", "workers.device", "workers.runner"} <= part["cpu_us_a_token"].keys()


def test_the_card_is_described_by_nvml(fake_nvml: FakeNvml, tmp_path: Path) -> None:
    fake_nvml.gpus = [h100(0)]
    fake_nvml.gpus[0].used_mib = 5000
    fake_nvml.write()
    found = script(tmp_path / "gpu.json", "--device", "cuda:0", "--only", "facts", **fake_nvml.environment)
    figures = found["steps"]["facts"]["figures"]
    assert figures["card"]["label"] == "NVIDIA H100 80GB HBM3"
    assert figures["card"]["total_bytes"] == fake_nvml.gpus[0].total_mib * MIB
    assert 0 < figures["card"]["free_bytes"] <= figures["card"]["total_bytes"] - 5000 * MIB
    assert figures["pytorch"] == figures["context"] == "skipped: no CUDA"


@pytest.mark.parametrize("shard_bytes", [1 << 30, 1])
def test_made_weights_are_whole(shard_bytes: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    transformers = pytest.importorskip("transformers")
    monkeypatch.setattr(weights, "SHARD_BYTES", shard_bytes)
    weights.llama(tmp_path / "llama", "llama-1b", quick=True, device="cpu")
    _, said = transformers.AutoModelForCausalLM.from_pretrained(tmp_path / "llama", output_loading_info=True)
    assert not said["missing_keys"]
    assert not said["unexpected_keys"]
    tokenizer = transformers.AutoTokenizer.from_pretrained(tmp_path / "llama")
    assert tokenizer.decode(tokenizer.encode("the mill, turning")) == "the mill, turning"


def test_profiles_are_added_up_by_innermost_function() -> None:
    assert shares_of("main;step;forward 3\nother;forward 1\nmain;wait 4\n") == {"forward": 0.5, "wait": 0.5}
