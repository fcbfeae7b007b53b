"""Xinference's own clients, unpatched, live a whole life of models: ``calls/xinference_life_calls.py`` says which."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from tests.clients.conftest import KEY, MODELS
from tests.clients.programs import HERE, python, ran
from tests.e2e.stack import Stack
from tests.support.hubs import Hub
from tests.support.sounds import decoded, encoded, spoken
from tests.support.weights import smollm2_gguf

pytestmark = [pytest.mark.e2e, pytest.mark.weights, pytest.mark.timeout(400)]

REPOSITORY = "Qwen/Qwen2.5-0.5B-Instruct-GGUF"


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A server that fetches from a hub of ours; ``minilm`` and ``reranker`` are launched."""
    weights = smollm2_gguf()
    assert weights is not None
    folder = tmp_path_factory.mktemp("life")
    with Hub({REPOSITORY: {"qwen2.5-0.5b-instruct-q4_k_m.gguf": weights.read_bytes()}}) as hub:
        where = str(folder / "hub")
        stack = Stack(
            folder / "home", HEADRACE_API_KEY=KEY, HF_ENDPOINT=hub.url, HF_HUB_OFFLINE="0", HF_HUB_CACHE=where
        )
        try:
            stack.start()
            for model in MODELS[1:]:
                stack.client.launch(dict(model))
            for model in MODELS[1:]:
                stack.client.wait_ready(str(model["model_uid"]))
            yield stack
        finally:
            stack.close()


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_a_client_of_xinference_lives_a_whole_life(cluster: Stack, tmp_path: Path, kind: str) -> None:
    weights = {"model_format": "ggufv2", "model_size_in_billions": "0_1", "quantization": "Q4_1", "model_id": None}
    where = {"model_hub": "huggingface", "model_uri": f"file://{smollm2_gguf()}", "model_revision": None}
    spec = {
        "version": 2,
        "context_length": 2048,
        "model_name": "my-model",
        "model_lang": ["en"],
        "model_ability": ["generate"],
        "model_family": "other",
        "model_specs": [weights | where],
        "chat_template": None,
        "stop_token_ids": None,
        "stop": None,
        "virtualenv": {"packages": [], "inherit_pip_config": True},
    }
    (tmp_path / "spec.json").write_text(json.dumps(spec))
    Image.new("RGB", (64, 64), "red").save(tmp_path / "picture.png")
    sound = encoded(decoded(spoken("en", "quick_brown_fox").path), "mp3", "libmp3lame")
    (tmp_path / "sound.mp3").write_bytes(sound)

    ran(cluster, [python(), str(HERE / "calls" / "xinference_life_calls.py"), cluster.url, KEY, str(tmp_path), kind])
