"""Models by name: launched from a hub of our own, refused with what there is instead, and listed."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.conftest import StackFactory
from tests.e2e.stack import Stack, headrace
from tests.e2e.talk import chat
from tests.support.hubs import Hub
from tests.support.sounds import decoded, encoded, spoken, whisper_tiny
from tests.support.weights import smollm2_gguf

pytestmark = pytest.mark.e2e

GGUF = "Qwen/Qwen2.5-0.5B-Instruct-GGUF"
WHISPER = "Systran/faster-whisper-tiny"


def folder(path: Path) -> dict[str, bytes]:
    """The files of a folder, as a repository has them."""
    return {one.relative_to(path).as_posix(): one.read_bytes() for one in path.rglob("*") if one.is_file()}


@pytest.mark.weights
@pytest.mark.timeout(300)
def test_a_name_and_a_size_are_enough(new_stack: StackFactory) -> None:
    weights, whisper = smollm2_gguf(), whisper_tiny()
    assert weights is not None
    assert whisper is not None
    # What the listing says counts: the template promises small letters, and here the file has large ones.
    files = {"Qwen2.5-0.5B-Instruct-Q4_K_M.gguf": weights.read_bytes(), "Qwen2.5-0.5B-Instruct-Q8_0.gguf": b"GGUF"}
    with Hub({GGUF: files, WHISPER: folder(whisper)}) as hub:
        stack = new_stack(HF_ENDPOINT=hub.url, HF_HUB_OFFLINE="0")

        done = headrace(stack, "launch", "-n", "qwen2.5-instruct", "-s", "0.5", "--n_ctx", "512")
        assert done.returncode == 0, done.stderr
        assert done.stdout.strip() == "qwen2.5-instruct"
        assert "qwen2.5-instruct, 0.5B, ggufv2, q4_k_m on llama_cpp: llama_cpp runs it" in done.stderr
        assert f"hf:{GGUF}/Qwen2.5-0.5B-Instruct-Q4_K_M.gguf" in done.stderr
        said = httpx.post(f"{stack.url}/v1/chat/completions", json=chat("qwen2.5-instruct", max_tokens=4), timeout=120)
        assert said.json()["choices"][0]["message"]["content"]
        told = httpx.get(f"{stack.url}/v1/models/qwen2.5-instruct").json()
        assert (told["model_format"], told["quantization"], told["model_size_in_billions"], told["model_hub"]) == (
            *("ggufv2", "q4_k_m", "0_5", "huggingface"),
        )

        body = {"model_name": "whisper-tiny", "model_uid": "ears", "download_hub": "huggingface"}
        answer = httpx.post(f"{stack.url}/v1/models", json=body, timeout=120)
        assert answer.status_code == 200, answer.text
        assert answer.json() == {
            "model_uid": "ears",
            "model_engine": "faster_whisper",
            "model_name": "whisper-tiny",
            "model_type": "audio",
            "model_format": "ct2",
            "quantization": "float16",
            "model_size_in_billions": None,
            "model_path": f"hf:{WHISPER}",
            "reason": answer.json()["reason"],
        }
        assert answer.json()["reason"].startswith("whisper-tiny, ct2, float16 on faster_whisper: ")
        sound = encoded(decoded(spoken("en", "quick_brown_fox").path), "mp3", "libmp3lame")
        heard = httpx.post(
            f"{stack.url}/v1/audio/transcriptions",
            data={"model": "ears"},
            files={"file": ("a.mp3", sound)},
            timeout=120,
        )
        assert "fox" in heard.json()["text"].lower()


@pytest.mark.parametrize(
    ("body", "status", "param", "said"),
    [
        ({"model_name": "qwen2.5-instrukt"}, 404, "model_name", "the nearest are qwen2.5-instruct"),
        (
            {"model_name": "qwen2.5-instruct", "model_size_in_billions": "5"},
            *(400, "model_size_in_billions", "nearest are 3 or 7"),
        ),
        ({"model_name": "qwen2.5-instruct", "model_format": "mlx"}, 400, "model_format", "it comes as pytorch or gptq"),
        ({"model_name": "ChatTTS"}, 400, "model_name", "no engine here runs it"),
        (
            {"model_name": "llama3.2"},
            503,
            "model_name",
            "What its file of Q4_K_M is called only its listing says: once the hub can be reached",
        ),
        (
            {"model_name": "nomic-embed-text", "trust_remote_code": True},
            *(400, "trust_remote_code", "runs code of hf:nomic-ai/nomic-embed-text-v1.5"),
        ),
        ({"model_name": "deepseek-r1"}, 503, "model_path", "deepseek-r1 needs 378"),
        ({"model_name": "bge-m3", "model_type": "rerank"}, 404, "model_name", "of type rerank"),
    ],
)
def test_what_there_is_not_is_refused(stack: Stack, body: dict[str, Any], status: int, param: str, said: str) -> None:
    answer = httpx.post(f"{stack.url}/v1/models", json=body, timeout=60)
    error = answer.json()["error"]
    assert (answer.status_code, error["param"]) == (status, param)
    assert said in error["message"]


def test_what_is_known_and_was_not_launched_says_how(stack: Stack) -> None:
    said = httpx.get(f"{stack.url}/v1/models/bge-m3").json()["error"]["message"]
    assert said.startswith("the model 'bge-m3' does not exist: it is in the catalogue")
    assert said.endswith("(headrace launch -n bge-m3)")
    nobody = httpx.get(f"{stack.url}/v1/models/nobody").json()["error"]["message"]
    assert nobody == "the model 'nobody' does not exist"


def test_models_are_listed_in_xinferences_shape(stack: Stack) -> None:
    url = f"{stack.url}/v1/model_registrations"
    short = httpx.get(f"{url}/embedding").json()
    assert {"model_name": "bge-m3", "is_builtin": True} in short
    assert {"model_name": "minilm", "is_builtin": True} in short
    detailed = {one["model_name"]: one for one in httpx.get(f"{url}/LLM", params={"detailed": "true"}).json()}
    qwen = detailed["qwen2.5-instruct"]
    assert qwen["model_ability"] == ["chat", "tools"]
    [gptq] = [one for one in qwen["model_specs"] if (one["model_format"], one["model_size_in_billions"]) == ("gptq", 7)]
    assert (gptq["quantizations"], gptq["engines"]) == (["Int4", "Int8"], ["vllm"])
    assert gptq["model_src"]["huggingface"]["model_id"] == "Qwen/Qwen2.5-7B-Instruct-GPTQ-{quantization}"
    assert len(json.dumps(detailed)) > 1_000_000
    assert [one["model_name"] for one in httpx.get(f"{url}/llm").json()] == [*detailed]


def test_one_model_is_shown_by_any_of_its_names(stack: Stack) -> None:
    url = f"{stack.url}/v1/model_registrations"
    one = httpx.get(f"{url}/embedding/BAAI/bge-m3").json()
    assert (one["model_name"], one["dimensions"], one["max_tokens"]) == ("bge-m3", 1024, 8192)
    assert httpx.get(f"{url}/audio/ChatTTS").json()["unserved"]
    assert httpx.get(f"{url}/image/glyphs").json()["engines"] == ["diffusers"]
    missing = httpx.get(f"{url}/embedding/bge-m33")
    assert (missing.status_code, missing.json()["error"]["param"]) == (404, "name")
    assert "bge-m3" in missing.json()["error"]["message"]
    assert (
        httpx.get(f"{url}/flexible").json()["error"]["message"].startswith("there is no type 'flexible'; there are LLM")
    )


def test_the_command_line_lists_what_there_is(stack: Stack) -> None:
    listed = headrace(stack, "registrations", "--type", "embedding")
    assert listed.returncode == 0, listed.stderr
    lines = listed.stdout.splitlines()
    assert lines[0].split() == ["type", "name", "abilities", "billions", "formats", "engines"]
    [found] = [one.split() for one in lines if " bge-m3 " in one]
    assert found == ["embedding", "bge-m3", "embed", "0.568", "pytorch,ggufv2", "sentence_transformers,llama_cpp"]
    assert not any(" qwen2.5-instruct " in one for one in lines)
    assert any(" qwen2.5-instruct " in one for one in headrace(stack, "registrations").stdout.splitlines())
