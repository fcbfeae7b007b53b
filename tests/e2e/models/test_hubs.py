"""Launches of real weights from hubs of our own, through their own libraries: progress, cancel, refusals, the cache."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.stack import Stack, headrace
from tests.support.hubs import Hub
from tests.support.servers import wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.weights, pytest.mark.timeout(300)]

FOLDER = Path(__file__).parents[3] / "models" / "catalogue" / "glyph-vlm"
FILES = {path.name: path.read_bytes() for path in FOLDER.iterdir()}
WEIGHTS = FILES["model.safetensors"]


@pytest.fixture(scope="module")
def hub() -> Iterator[Hub]:
    with Hub({"org/glyph-vlm": FILES, "org/gated": FILES}) as made:
        made.troubles.gated.add("org/gated")
        yield made


@pytest.fixture(scope="module")
def stack(hub: Hub, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    made = Stack(
        tmp_path_factory.mktemp("hubs") / "home",
        HF_ENDPOINT=hub.url,
        MODELSCOPE_ENDPOINT=hub.url,
        HF_HUB_OFFLINE="0",
    )
    try:
        yield made.start()
    finally:
        made.close()


def launch(stack: Stack, path: str, **more: Any) -> None:
    stack.client.launch({"model_name": "m", "model_uid": "m", "model_path": path, "n_gpu": None, **more})


def download_of(stack: Stack) -> dict[str, Any]:
    [replica] = httpx.get(f"{stack.url}/v1/models/m/progress").json()["replicas"] or [{}]
    return replica.get("download") or {}


def answers(stack: Stack) -> bool:
    body = {"model": "m", "messages": [{"role": "user", "content": "What is this?"}], "max_tokens": 2}
    return httpx.post(f"{stack.url}/v1/chat/completions", json=body, timeout=60).status_code == 200


@pytest.mark.parametrize("scheme", ["hf", "modelscope"])
def test_a_download_is_followed_cancelled_and_gone_on_with(stack: Stack, hub: Hub, scheme: str) -> None:
    hub.forget()
    hub.troubles.held["model.safetensors"] = 2_000_000
    hub.troubles.go.clear()
    launch(stack, f"{scheme}:org/glyph-vlm")
    wait_for(lambda: any(one["bytes"] > 1_000_000 for one in download_of(stack).get("files", ())), 60, stack.logs)

    said = download_of(stack)
    [file] = said["files"]
    assert (file["name"], file["total_bytes"]) == ("model.safetensors", len(WEIGHTS))
    assert said["total_bytes"] > len(WEIGHTS)
    assert {"bytes", "bytes_per_s", "eta_s"} <= said.keys() & file.keys()
    shown = stack.client.progress("m").download
    assert re.match(r"(1\.\d|2\.0) MB of 3\.3 MB", shown)

    stack.client.terminate("m")  # the download is cancelled, and what is here of it stays
    hub.troubles.go.set()
    launch(stack, f"{scheme}:org/glyph-vlm")
    stack.client.wait_ready("m")

    assert answers(stack)
    assert hub.downloads("model.safetensors")[0] == 0
    assert hub.downloads("model.safetensors")[-1] > file["bytes"] - 65536  # what a library had not written yet
    assert download_of(stack) == {}
    stack.client.terminate("m")


def test_a_gated_repository_is_refused_at_its_launch(stack: Stack) -> None:
    body = {"model_name": "gated", "model_path": "hf:org/gated", "model_engine": "transformers"}

    answer = httpx.post(f"{stack.url}/v1/models", json=body, timeout=120)

    assert answer.status_code == 400, answer.text
    assert "accept its licence at" in answer.json()["error"]["message"]
    assert "HF_TOKEN" in answer.json()["error"]["message"]


def test_what_was_fetched_is_listed_and_removed_unless_it_is_used(stack: Stack, hub: Hub) -> None:
    """From the command line, and over HTTP in Xinference's shapes."""
    hub.troubles.held.clear()
    launch(stack, "hf:org/glyph-vlm")
    stack.client.wait_ready("m")

    shown = headrace(stack, "cached")
    assert shown.returncode == 0, shown.stderr
    assert re.search(r"^hf:org/glyph-vlm +3\.3 MB +\d+ +whole ", shown.stdout, re.MULTILINE)
    [listed] = httpx.get(f"{stack.url}/v1/cache/models", params={"model_name": "glyph-vlm"}).json()["list"][:1]
    assert {"model_name", "model_version", "path", "real_path", "actor_ip_address"} <= listed.keys()
    assert listed["size_bytes"] > len(WEIGHTS)
    assert (listed["used_by"], listed["read_ts"]) == (["m"], None)
    assert httpx.get(f"{stack.url}/v1/cache/models").json()["free_bytes"] > 1 << 20

    used = headrace(stack, "remove-cache", "--model-version", "hf:org/glyph-vlm", "--check")
    assert used.returncode == 1
    assert "is used by m: terminate it first" in used.stderr
    stack.client.terminate("m")

    asked = headrace(stack, "remove-cache", "--model-version", "hf:org/glyph-vlm")
    assert asked.returncode == 1
    assert "model.safetensors" in asked.stdout
    assert "nothing was removed" in asked.stderr
    done = headrace(stack, "remove-cache", "--model-version", "hf:org/glyph-vlm", "--check")
    assert (done.returncode, done.stdout) == (0, "removed hf:org/glyph-vlm, 3.3 MB\n"), done.stderr
    assert "hf:org/glyph-vlm" not in headrace(stack, "cached").stdout


@pytest.mark.parametrize(
    ("query", "status", "param"),
    [
        ("model_version=hf:org/none", 404, "model_version"),
        ("model_version=../../etc", 400, "model_version"),
        ("model_version=hf:org/name&worker_ip=10.0.0.9", 400, "worker_ip"),
        ("", 400, "model_version"),
    ],
)
def test_nonsense_about_the_cache_is_refused(stack: Stack, query: str, status: int, param: str) -> None:
    answer = httpx.delete(f"{stack.url}/v1/cache/models?{query}")

    assert (answer.status_code, answer.json()["error"]["param"]) == (status, param), answer.text
