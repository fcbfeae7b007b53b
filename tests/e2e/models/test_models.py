"""Models over HTTP: their uids, what is said of them, and the programs that read it."""

from importlib.metadata import version
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.models.test_coming_back import broken
from tests.e2e.stack import Stack, headrace
from tests.e2e.talk import chat
from tests.models.launching.test_about import QWEN3, gguf_file
from tests.support.servers import wait_for
from tests.support.weights import RERANKER

pytestmark = pytest.mark.e2e


def body_of(url: str) -> Any:
    """The answer to a GET, which must succeed."""
    answer = httpx.get(url, timeout=30)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.parametrize("written", ["org/name:1b", "org%2Fname%3A1b"])
def test_a_uid_with_slashes_works_at_every_path_below_it(stack: Stack, written: str) -> None:
    uid = "org/name:1b"
    url = f"{stack.url}/v1/models/{written}"
    stack.launch_echo(uid)

    assert body_of(url)["id"] == uid
    assert body_of(f"{url}/progress")["progress"] == 1
    assert body_of(f"{url}/replicas")[0]["state"] == "ready"
    assert body_of(f"{stack.url}/anthropic/v1/models/{written}")["id"] == uid
    said = httpx.post(f"{stack.url}/v1/chat/completions", json=chat(uid, max_tokens=2))
    assert said.json()["choices"][0]["message"]["content"] == "alpha beta"
    job = {"kind": "chat.completions", "model": uid, "input": {"messages": chat()["messages"], "max_tokens": 1}}
    made = httpx.post(f"{stack.url}/v1/jobs", json=job).json()
    assert made["model"] == uid
    assert f'model="{uid}"' in httpx.get(f"{stack.url}/metrics").text
    assert uid in headrace(stack, "list").stdout

    ended = httpx.delete(url).json()
    assert (ended["model_uid"], ended["memory_freed"], ended["message"]) == (uid, True, None)
    assert ended["freed_bytes"] > 1_000_000
    assert httpx.get(url).json()["error"]["code"] == "model_not_found"


@pytest.mark.parametrize("path", ["..%2F..%2Fhealthz", "a%2F%2Fb", "a%2F..%2Fecho", "%2Fecho"])
def test_a_path_that_leads_elsewhere_is_no_model(stack: Stack, path: str) -> None:
    for tail in ("", "/progress", "/replicas"):
        answer = httpx.get(f"{stack.url}/v1/models/{path}{tail}")
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "model_not_found")


def test_the_list_of_models_may_be_asked_for_with_a_slash(stack: Stack) -> None:
    assert httpx.get(f"{stack.url}/v1/models/", follow_redirects=True).json()["object"] == "list"


def test_probes_of_other_servers_are_answered(stack: Stack) -> None:
    for path in ("/health", "/v1/health", "/ping"):
        assert body_of(stack.url + path) == {"status": "ok"}
    assert httpx.post(f"{stack.url}/ping").status_code == 200
    assert body_of(f"{stack.url}/version") == {"version": version("headrace")}


def test_paths_without_v1_are_the_same_endpoints(stack: Stack) -> None:
    assert body_of(f"{stack.url}/models")["data"] == body_of(f"{stack.url}/v1/models")["data"]
    said = httpx.post(f"{stack.url}/chat/completions", json=chat(max_tokens=2)).json()
    assert said["choices"][0]["message"]["content"] == "alpha beta"
    text = httpx.post(f"{stack.url}/completions", json={"model": "echo", "prompt": "a b", "max_tokens": 1})
    assert text.json()["choices"][0]["text"].strip() == "a"


def launch(stack: Stack, uid: str, **body: Any) -> dict[str, Any]:
    """Launch a model that is loaded when it is asked for; what is said of it."""
    answer = httpx.post(f"{stack.url}/v1/models", json={"model_uid": uid, "load_on_request": True} | body, timeout=60)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = body_of(f"{stack.url}/v1/models/{uid}")
    return found


def of_dify(model: dict[str, Any]) -> dict[str, Any]:
    """What Dify's Xinference provider makes of a model."""
    kinds = {"embedding": "embedding", "rerank": "rerank", "audio": "audio"}
    ability = model.get("model_ability", [])
    handle = kinds.get(model.get("model_type", "")) or ("chat" if "chat" in ability else "generate")
    assert handle != "generate" or "generate" in ability
    return {
        "handle": handle,
        "format": model.get("model_format", "ggmlv3"),
        "family": model.get("model_family"),
        "function_call": "tools" in ability,
        "vision": "vision" in ability,
        "context": int(model.get("context_length", 2048)),
        "max_tokens": int(model.get("max_tokens", 512)),
    }


def of_lobechat(model: dict[str, Any]) -> tuple[Any, ...]:
    """What LobeChat's Xinference provider makes of a model: its context, and whether it calls, thinks and sees."""
    ability = model["model_ability"]
    return (model["context_length"], *(name in ability for name in ("tools", "reasoning", "vision")))


@pytest.mark.weights
def test_what_dify_and_lobechat_read_is_known_before_a_load(stack: Stack, tmp_path: Path) -> None:
    qwen = launch(stack, "qwen", model_name="mine", model_path=str(gguf_file(tmp_path / "q.gguf", QWEN3)))
    sees = launch(stack, "sees", model_name="glyphs-vision")
    minilm = launch(stack, "minilm", model_name="minilm")
    draws = launch(stack, "draws", model_name="glyphs")
    try:
        assert all(one["state"] == "dormant" for one in (qwen, sees, minilm, draws))
        found = of_dify(qwen)
        assert (found["handle"], found["family"], found["context"]) == ("chat", "qwen3", 4096)
        assert (found["function_call"], found["vision"]) == (True, False)
        assert of_lobechat(qwen) == (4096, True, True, False)
        assert (of_dify(sees)["vision"], of_dify(sees)["context"]) == (True, 512)
        assert of_lobechat(sees) == (512, False, False, True)
        assert of_dify(minilm)["max_tokens"] == 256
        assert (minilm["dimensions"], minilm["max_model_len"]) == (384, 256)
        assert draws["model_ability"] == ["text2image", "image2image", "inpainting"]
    finally:
        for uid in ("qwen", "sees", "minilm", "draws"):
            httpx.delete(f"{stack.url}/v1/models/{uid}")


@pytest.mark.weights
def test_what_was_said_of_models_is_so_once_they_are_loaded(stack: Stack) -> None:
    ranks = {"model_name": "mine", "model_path": str(RERANKER), "model_type": "rerank"}
    for uid, body in {
        "sees": {"model_name": "glyphs-vision"},
        "minilm": {"model_name": "minilm"},
        "ranks": ranks,
    }.items():
        before = launch(stack, uid, **body)
        stack.client.launch({"model_uid": f"{uid}-now", **body})
        stack.client.wait_ready(f"{uid}-now")
        after = body_of(f"{stack.url}/v1/models/{uid}-now")
        for name in ("model_ability", "context_length", "max_tokens", "dimensions", "model_family"):
            assert after[name] == before[name], (uid, name)
        assert after["address"]
        assert after["accelerators"] == []
        if uid == "minilm":
            answer = httpx.post(f"{stack.url}/v1/embeddings", json={"model": "minilm-now", "input": "x"}, timeout=60)
            assert len(answer.json()["data"][0]["embedding"]) == before["dimensions"]
    try:
        reads_as_ragflow(stack, "ranks-now")
        scores_as_vllms_clients(stack, "ranks-now")
    finally:
        for uid in ("sees", "minilm", "ranks"):
            httpx.delete(f"{stack.url}/v1/models/{uid}")
            httpx.delete(f"{stack.url}/v1/models/{uid}-now")


TEXTS = ["Bananas are yellow.", "Paris is the capital of France."]


def reads_as_ragflow(stack: Stack, uid: str) -> None:
    """What RAGFlow's reranker reads of an answer."""
    body = {"model": uid, "query": "What is the capital of France?", "documents": TEXTS, "return_len": True}
    answer = httpx.post(f"{stack.url}/rerank", json=body | {"return_documents": True}, timeout=60).json()
    ranks = [0.0, 0.0]
    for one in answer["results"]:
        ranks[one["index"]] = one["relevance_score"]
    assert ranks[1] > ranks[0]
    assert answer["meta"]["tokens"]["input_tokens"] + answer["meta"]["tokens"]["output_tokens"] > 0


def scores_as_vllms_clients(stack: Stack, uid: str) -> None:
    """What RAG evaluators read of vLLM's scores: in the order of the texts."""
    body = {"model": uid, "text_1": "What is the capital of France?", "text_2": TEXTS}
    for path in ("/score", "/v1/score"):
        answer = httpx.post(stack.url + path, json=body, timeout=60).json()
        assert [one["index"] for one in answer["data"]] == [0, 1]
        assert answer["data"][1]["score"] > answer["data"][0]["score"]


@pytest.mark.weights
def test_voices_are_listed(stack: Stack) -> None:
    assert body_of(f"{stack.url}/v1/audio/voices") == {"voices": []}
    launch(stack, "speaks", model_name="hibari")
    try:
        assert [one["id"] for one in body_of(f"{stack.url}/v1/audio/voices")["voices"]] == ["default"]
        body = {"model": "speaks", "input": "Hello.", "voice": "default", "response_format": "pcm"}
        assert httpx.post(f"{stack.url}/v1/audio/speech", json=body, timeout=240).status_code == 200
        voices = body_of(f"{stack.url}/v1/audio/voices?model=speaks")["voices"]
        assert voices
        assert "default" not in {one["id"]: one["name"] for one in voices}
        for one in voices:
            spoken = httpx.post(f"{stack.url}/v1/audio/speech", json=body | {"voice": one["id"]}, timeout=240)
            assert spoken.status_code == 200, spoken.text
        assert body_of(f"{stack.url}/v1/audio/voices?model=echo") == {"voices": []}
    finally:
        httpx.delete(f"{stack.url}/v1/models/speaks")


@pytest.mark.weights
def test_kokoro_speaks_in_its_voices(stack: Stack) -> None:
    launch(stack, "kokoro", model_name="kokoro")
    try:
        body = {"model": "kokoro", "input": "はい。", "voice": "jm_kumo", "response_format": "pcm"}
        spoken = httpx.post(f"{stack.url}/v1/audio/speech", json=body, timeout=240)
        assert (spoken.status_code, len(spoken.content) > 24_000) == (200, True)
        voices = [one["id"] for one in body_of(f"{stack.url}/v1/audio/voices?model=kokoro")["voices"]]
        assert voices == ["jf_alpha", "jf_gongitsune", "jf_nezumi", "jf_tebukuro", "jm_kumo"]
        for param, wrong in (("voice", {"voice": "hf_alpha"}), ("language", {"language": "hi"})):
            refused = httpx.post(f"{stack.url}/v1/audio/speech", json=body | wrong, timeout=240)
            assert (refused.status_code, refused.json()["error"]["param"]) == (400, param)
    finally:
        httpx.delete(f"{stack.url}/v1/models/kokoro")


def test_instances_are_followed_as_xinferences_command_line_does(stack: Stack, tmp_path: Path) -> None:
    body = {"model_uid": "slow", "model_name": "echo", "load_s": 3, "trust_remote_code": True, "enable_thinking": False}
    url = f"{stack.url}/v1/models/instances?model_name=echo&model_uid="
    assert httpx.post(f"{stack.url}/v1/models?wait_ready=false", json=body).status_code == 200
    [found] = body_of(f"{url}slow")
    assert found["status"] in ("CREATING", "READY")
    assert found["replica"] == len(found["replica_statuses"]) == 1
    wait_for(lambda: body_of(f"{url}slow")[0]["status"] == "READY", 60, "it is not loaded")
    assert [one["model_uid"] for one in body_of(url)] == ["echo", "slow"]

    assert httpx.post(f"{stack.url}/v1/models?wait_ready=false", json=broken(tmp_path)).status_code == 200
    url_of_broken = f"{stack.url}/v1/models/instances?model_name=broken&model_uid=broken"
    failed = wait_for(
        lambda: (found := body_of(url_of_broken))[0]["status"] == "ERROR" and found, 60, "it does not fail"
    )
    assert failed[0]["replica_statuses"][0]["error_message"]
    for uid in ("slow", "broken"):
        httpx.delete(f"{stack.url}/v1/models/{uid}")
    assert body_of(f"{url}slow") == []
