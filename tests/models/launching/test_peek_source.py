"""A look at repositories on a hub of our own: what is asked for, and what cannot be seen."""

import contextlib
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from api.local.embedded import free_port
from models.errors import InvalidRequest, ModelFailed, Unavailable
from models.hubs.asking import Addresses
from models.launching import hub
from models.launching.peek_source import peek, peek_or_why
from tests.support.hubs import Hub

REPOSITORIES = {
    "org/pipeline": {
        "model_index.json": b'{"_class_name": "FluxPipeline"}',
        "unet/config.json": b"{}",
        "unet/diffusion_pytorch_model.safetensors": b"weights",
        "flux.safetensors": b"weights",
    },
    "org/chat": {"config.json": b'{"architectures": ["Qwen3ForCausalLM"]}', "model.safetensors": b"weights"},
    "org/whisper": {"config.json": b'{"lang_ids": [1], "suppress_ids": []}', "model.bin": b"weights"},
    "org/embedder": {
        "config.json": b'{"architectures": ["Qwen3ForCausalLM"]}',
        "modules.json": b"[]",
        "model.safetensors": b"weights",
    },
    "org/reranker": {
        "config.json": b'{"architectures": ["XLMRobertaForSequenceClassification"]}',
        "model.safetensors": b"weights",
    },
    "org/quantised": {"a-Q4.gguf": b"GGUF", "a-Q8.gguf": b"GGUF", "config.json": b"{}"},
}


@pytest.fixture(scope="module")
def served() -> Iterator[Hub]:
    with Hub(REPOSITORIES) as made:
        yield made


_SCRIPT = """
import json, sys
from api.local.embedded import free_port
from models.launching import hub
from models.launching.engine_choice import choose
from models.errors import InvalidRequest
from models.launching.peek_source import peek
said = {}
for source in sys.argv[1:]:
    seen = peek(hub.parse(source), 10)
    try:
        fit = choose(source, seen, None, None)
        said[source] = [seen is not None, fit.engine.name, fit.model_type]
    except InvalidRequest as error:
        said[source] = [seen is not None, error.param, error.message]
print(json.dumps(said))
"""


def look(*sources: str, **environment: str) -> Any:
    """Look at each in one process of its own: huggingface_hub reads the environment when it is imported."""
    done = subprocess.run(
        [sys.executable, "-c", _SCRIPT, *sources],
        env=os.environ | {"HF_HUB_OFFLINE": "0"} | environment,
        stdout=subprocess.PIPE,
        check=True,
    )
    return json.loads(done.stdout)


@pytest.mark.parametrize("scheme", ["hf", "modelscope"])
def test_a_repository_is_known_by_its_listing_and_small_files(served: Hub, scheme: str) -> None:
    served.forget()
    names = ("pipeline", "chat", "whisper", "embedder", "reranker")

    said = look(*(f"{scheme}:org/{name}" for name in names), HF_ENDPOINT=served.url, MODELSCOPE_ENDPOINT=served.url)

    assert [said[f"{scheme}:org/{name}"] for name in names] == [
        [True, "diffusers", "image"],
        [True, "transformers", "LLM"],
        [True, "faster_whisper", "audio"],
        [True, "sentence_transformers", "embedding"],
        [True, "sentence_transformers", "rerank"],
    ]
    assert len(served.asked) == 2 * len(names) + 2, (
        served.asked
    )  # a listing and one small file of each, the modules of one, and the network of the pipeline


def test_a_listing_that_is_nested_without_end_is_none() -> None:
    with pytest.raises(ValueError, match="something else than a listing"):
        Addresses("", str, dict).sizes(b"[" * 100_000)


def test_of_a_repository_of_gguf_files_one_must_be_named(served: Hub) -> None:
    served.forget()
    whole, one = "hf:org/quantised", "hf:org/quantised/a-Q4.gguf"

    said = look(whole, one, HF_ENDPOINT=served.url)

    assert said[whole][:2] == [True, "model_path"]
    assert "a-Q4.gguf, a-Q8.gguf" in said[whole][2]
    assert "name one: hf:org/quantised/a-Q4.gguf" in said[whole][2]
    assert said[one] == [True, "llama_cpp", "LLM"]
    assert not any("a-Q4" in path for path in served.asked)


def test_a_hub_that_cannot_be_asked_leaves_the_choice_to_the_launch(served: Hub) -> None:
    nowhere = f"http://127.0.0.1:{free_port()}"

    assert look("hf:org/none", HF_ENDPOINT=served.url) == {"hf:org/none": [False, "transformers", "LLM"]}
    assert look("hf:org/chat", HF_ENDPOINT=nowhere)["hf:org/chat"][0] is False
    assert look("modelscope:org/chat", MODELSCOPE_ENDPOINT=nowhere)["modelscope:org/chat"][0] is False
    served.forget()
    assert look("hf:org/chat", HF_ENDPOINT=served.url, HF_HUB_OFFLINE="1")["hf:org/chat"][0] is False
    assert served.asked == []


def test_a_mute_hub_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:  # connections are made, and nothing is ever answered
        monkeypatch.setenv("MODELSCOPE_ENDPOINT", f"http://127.0.0.1:{mute.getsockname()[1]}")

        assert peek(hub.parse("modelscope:org/chat"), 0.2) is None


def test_a_hub_that_is_never_done_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    def drip(server: socket.socket) -> None:
        connection, _ = server.accept()
        with connection, contextlib.suppress(OSError):
            connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            while True:
                connection.sendall(b" ")
                time.sleep(0.01)

    with socket.create_server(("127.0.0.1", 0)) as server:
        monkeypatch.setenv("MODELSCOPE_ENDPOINT", f"http://127.0.0.1:{server.getsockname()[1]}")
        slow = threading.Thread(target=drip, args=(server,))
        slow.start()

        assert peek(hub.parse("modelscope:org/chat"), 1) is None
        slow.join()


def test_why_a_hub_cannot_be_seen_is_said(served: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODELSCOPE_ENDPOINT", served.url)
    with pytest.raises(InvalidRequest, match="has no repository 'org/nothing'"):
        peek_or_why(hub.parse("modelscope:org/nothing"), 10)
    monkeypatch.setenv("MODELSCOPE_ENDPOINT", f"http://127.0.0.1:{free_port()}")
    with pytest.raises(ModelFailed, match="cannot be reached"):
        peek_or_why(hub.parse("modelscope:org/chat"), 10)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("MODELSCOPE_ENDPOINT", f"http://127.0.0.1:{silent.getsockname()[1]}")
        with pytest.raises(Unavailable, match="does not answer in time"):
            peek_or_why(hub.parse("modelscope:org/chat"), 0.3)
    monkeypatch.setenv("HEADRACE_OFFLINE", "1")
    with pytest.raises(Unavailable, match="nothing is asked of hubs offline"):
        peek_or_why(hub.parse("modelscope:org/chat"), 10)
