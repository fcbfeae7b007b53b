"""Models that are registered: as Xinference's users describe them, launched by their names, forgotten again."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.conftest import StackFactory
from tests.e2e.stack import Stack, clean_environment, headrace
from tests.support.weights import minilm_directory, smollm2_gguf

pytestmark = pytest.mark.e2e


def spec(path: str | Path, **more: Any) -> dict[str, Any]:
    """A language model of Xinference's version 1."""
    weights = {
        "model_format": "ggufv2",
        "model_size_in_billions": "0_5",
        "quantizations": ["Q4_0", "Q4_1"],
        "model_id": "somebody/mine",
        "model_file_name_template": "mine.{quantization}.gguf",
        "model_uri": f"file://{path}",
    }
    return {
        "version": 1,
        "context_length": 2048,
        "model_name": "mine",
        "model_lang": ["en"],
        "model_ability": ["chat"],
        "model_family": "other",
        "model_specs": [weights],
        "stop_token_ids": [2],
        "stop": None,
    } | more


def register(stack: Stack, model_type: str, model: Any, **params: Any) -> httpx.Response:
    body = {"model": model if isinstance(model, str) else json.dumps(model), "worker_ip": None, "persist": True}
    return httpx.post(f"{stack.url}/v1/model_registrations/{model_type}", json=body, params=params, timeout=30)


@pytest.mark.weights
@pytest.mark.timeout(300)
def test_a_registered_model_is_launched_by_its_name_and_outlives_its_registration(
    new_stack: StackFactory, tmp_path: Path
) -> None:
    weights, minilm = smollm2_gguf(), minilm_directory()
    assert weights is not None
    assert minilm is not None
    (tmp_path / "mine.Q4_0.gguf").symlink_to(weights)
    stack = new_stack()
    template = "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}<|im_start|>\n"
    one_to_five = "one two three four five six seven"

    answer = register(stack, "LLM", spec(tmp_path, chat_template=template, stop=["four", "Four"]))

    assert (answer.status_code, answer.json()) == (200, None), answer.text
    done = headrace(stack, "launch", "-n", "mine", "-s", "0.5", "-f", "ggufv2", "-q", "Q4_0", "--n_ctx", "512")
    assert done.returncode == 0, done.stderr
    assert "mine, 0.5B, ggufv2, Q4_0 on llama_cpp" in done.stderr
    messages = [{"role": "user", "content": f"Repeat exactly: {one_to_five}"}]
    body = {"model": "mine", "messages": messages, "max_tokens": 24, "temperature": 0}
    said = httpx.post(f"{stack.url}/v1/chat/completions", json=body, timeout=120).json()["choices"][0]
    assert (said["finish_reason"], "four" in said["message"]["content"].lower()) == ("stop", False), said
    assert said["message"]["content"]
    own = httpx.post(f"{stack.url}/v1/chat/completions", json=body | {"stop": ["zzz"]}, timeout=120).json()
    assert "four" in own["choices"][0]["message"]["content"].lower(), "the request's own stop takes their place"
    told = httpx.get(f"{stack.url}/v1/models/mine").json()
    assert (told["model_name"], told["quantization"], told["model_size_in_billions"]) == ("mine", "Q4_0", "0_5")

    embedding = {"model_name": "small", "dimensions": 384, "max_tokens": 128, "language": ["en"], "version": 2}
    embedding["model_specs"] = [{"model_format": "pytorch", "quantization": "none", "model_uri": f"file://{minilm}"}]
    assert register(stack, "embedding", embedding).status_code == 200
    launched = httpx.post(f"{stack.url}/v1/models", json={"model_name": "small"}, timeout=120)
    assert launched.json()["model_engine"] == "sentence_transformers", launched.text
    vector = httpx.post(f"{stack.url}/v1/embeddings", json={"model": "small", "input": "a b"}, timeout=60)
    assert len(vector.json()["data"][0]["embedding"]) == 384
    assert httpx.get(f"{stack.url}/v1/models/small").json()["context_length"] == 128, "its max_tokens"

    needs = httpx.post(f"{stack.url}/v1/models/estimate", json={"model_name": "mine", "quantization": "Q4_0"})
    assert needs.status_code == 200, needs.text

    words = ["cal-model-mem", "-n", "mine", "-q", "Q4_0", "--device", "cpu"]
    env = {**clean_environment(), "HEADRACE_HOME": str(stack.home)}
    command = [sys.executable, "-P", "-m", "api.cli", *words]
    estimated = subprocess.run(command, env=env, text=True, capture_output=True, check=False, timeout=60)
    assert "mine" in estimated.stdout, estimated.stderr

    gone = httpx.delete(f"{stack.url}/v1/model_registrations/LLM/mine")
    assert (gone.status_code, gone.json()) == (200, None)
    assert httpx.post(f"{stack.url}/v1/models", json={"model_name": "mine", "model_uid": "b"}).status_code == 404
    assert httpx.post(f"{stack.url}/v1/chat/completions", json=body, timeout=120).status_code == 200


def test_registered_models_are_listed_beside_the_catalogues(stack: Stack) -> None:
    url = f"{stack.url}/v1/model_registrations"
    assert register(stack, "llm", spec("/nowhere", model_name="listed")).status_code == 200
    near = httpx.post(f"{stack.url}/v1/models", json={"model_name": "lsited"})
    assert (near.status_code, "listed" in near.json()["error"]["message"]) == (404, True), near.text
    assert {"model_name": "listed", "is_builtin": False} in httpx.get(f"{url}/LLM").json()
    one = httpx.get(f"{url}/LLM/listed").json()
    assert (one["is_builtin"], one["context_length"], one["model_family"]) == (False, 2048, "other")
    [weights] = one["model_specs"]
    assert (weights["model_uri"], weights["quantizations"]) == (
        *("file:///nowhere/mine.{quantization}.gguf", ["Q4_0", "Q4_1"]),
    )
    assert httpx.get(f"{url}/embedding/listed").status_code == 404
    ways = httpx.get(f"{stack.url}/v1/engines/LLM/listed").json()
    assert ways["llama_cpp"][0]["quantizations"] == ["Q4_0", "Q4_1"], ways
    again = register(stack, "embedding", {"model_name": "listed", "model_id": "a/b"})
    assert (again.status_code, again.json()["error"]["param"]) == (409, "model.model_name")
    tried = register(stack, "embedding", {"model_name": "listed", "model_id": "a/b"}, dry_run=True)
    assert (tried.status_code, tried.json()["error"]) == (409, again.json()["error"])
    assert httpx.delete(f"{url}/embedding/listed").status_code == 404
    assert httpx.delete(f"{url}/LLM/listed").status_code == 200
    assert httpx.delete(f"{url}/LLM/listed").status_code == 404
    assert httpx.delete(f"{url}/LLM/qwen3").json()["error"]["message"].startswith("'qwen3' is of the catalogue")
    assert {"model_name": "listed", "is_builtin": False} not in httpx.get(f"{url}/LLM").json()


@pytest.mark.parametrize(
    ("model_type", "model", "status", "param", "said"),
    [
        ("flexible", spec("/a"), 400, "model_type", "there is no type 'flexible'"),
        ("LLM", spec("/a", model_name="qwen3"), 409, "model.model_name", "the catalogue has the name 'qwen3'"),
        ("LLM", spec("/a", model_name="Qwen 3"), 400, "model.model_name", "without blanks"),
        ("LLM", spec("/a", model_name="QWEN3"), 409, "model.model_name", "where it means 'qwen3'"),
        ("LLM", spec("/a", model_name="smollm2"), 409, "model.model_name", "the catalogue has the name 'smollm2'"),
        ("LLM", spec("/a", model_name="../etc"), 400, "model.model_name", "cannot be a model's name"),
        ("LLM", spec("/a", model_name="a\tb"), 400, "model.model_name", "cannot be a model's name"),
        ("LLM", spec("/a", context_lenght=5), 400, "model.context_lenght", "did you mean 'context_length'"),
        ("LLM", spec("/a", model_specs=[]), 400, "model.model_specs", "at least 1"),
        ("LLM", spec("a/b"), 400, "model.model_specs", "names no weights"),
        ("LLM", spec("/a", reasoning_start_tag="<x>"), 400, "model.reasoning_start_tag", "reasoning_format"),
        ("image", {"model_name": "x", "model_id": "a/b", "stop": ["a"]}, 400, "model.stop", "have no stop"),
        ("LLM", "- a: [", 400, "model", "neither JSON nor YAML"),
        ("LLM", "a: &x [1]\nb: *x", 400, "model", "without aliases"),
        ("LLM", [1], 400, "model", "must describe a model"),
        ("LLM", {"model_name": "x" * 300_000}, 400, "model", "at most 262144"),
    ],
)
def test_what_cannot_be_registered_is_refused(
    stack: Stack, model_type: str, model: Any, status: int, param: str, said: str
) -> None:
    before = httpx.get(f"{stack.url}/v1/model_registrations/LLM").json()
    answer = register(stack, model_type, model)
    error = answer.json()["error"]
    assert (answer.status_code, error["param"]) == (status, param), answer.text
    assert said in error["message"]
    assert httpx.get(f"{stack.url}/v1/model_registrations/LLM").json() == before


def test_a_dry_run_shows_the_entry_and_keeps_nothing(stack: Stack) -> None:
    answer = register(stack, "LLM", spec("/nowhere", model_name="dry"), dry_run=True)
    assert answer.json()["model_specs"][0]["model_size_in_billions"] == 0.5
    assert httpx.get(f"{stack.url}/v1/model_registrations/LLM/dry").status_code == 404


def test_our_own_form_is_taken_in_yaml(stack: Stack) -> None:
    text = "name: ours\nspecs:\n- format: ggufv2\n  size: 7\n  quantizations: [Q4_0]\n  hf: {repo: a/b, file: x.gguf}\n"
    url = f"{stack.url}/v1/model_registrations/LLM"
    assert httpx.post(url, json={"model": text}).json() is None
    assert httpx.get(f"{url}/ours").json()["model_specs"][0]["model_id"] == "a/b"
    assert httpx.delete(f"{url}/ours").status_code == 200
    wrong = httpx.post(url, json={"model": text.replace("repo", "repro")}).json()["error"]
    assert (wrong["param"], "repro" in wrong["message"]) == ("model.specs[0].hf", True)


def test_weights_outside_the_roots_are_not_launched_nor_registered(new_stack: StackFactory, tmp_path: Path) -> None:
    inside = tmp_path / "models"
    inside.mkdir()
    (inside / "out").symlink_to("/etc")
    stack = new_stack(HEADRACE_MODEL_ROOTS=str(inside))
    for path in ("/etc", f"{inside}/../x", f"{inside}/out"):
        answer = register(stack, "LLM", spec(path))
        assert (answer.status_code, answer.json()["error"]["param"]) == (400, "model.model_specs[0].model_uri")
        body = {"model_name": "x", "model_path": path}
        answer = httpx.post(f"{stack.url}/v1/models", json=body, timeout=30)
        assert (answer.status_code, answer.json()["error"]["param"]) == (400, "model_path")
        assert "HEADRACE_MODEL_ROOTS" in answer.json()["error"]["message"]
    body = {"model_name": "x", "model_path": str(inside), "model_engine": "llama_cpp", "mmproj": "/etc/passwd"}
    answer = httpx.post(f"{stack.url}/v1/models", json=body, timeout=30)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "mmproj")
    assert register(stack, "LLM", spec(inside)).status_code == 200


@pytest.mark.weights
@pytest.mark.timeout(300)
def test_the_command_line_registers_what_a_file_says_or_it_guesses(new_stack: StackFactory, tmp_path: Path) -> None:
    weights, minilm = smollm2_gguf(), minilm_directory()
    assert weights is not None
    assert minilm is not None
    folder = tmp_path / "Mine-0.1B"
    folder.mkdir()
    for name in ("mine-Q4_1.gguf", "mine-Q8_0.gguf"):
        (folder / name).symlink_to(weights)
    stack = new_stack()

    shown = headrace(stack, "register", "--from", str(folder))
    assert (shown.returncode, "--yes registers without asking" in shown.stderr) == (1, True)
    guessed = json.loads(shown.stdout)
    assert (guessed["model_name"], guessed["context_length"], guessed["model_family"]) == ("Mine-0.1B", 8192, "llama")
    assert guessed["model_ability"][0] == "chat"
    assert guessed["model_specs"] == [
        {
            "model_size_in_billions": 0.1,
            "model_format": "ggufv2",
            "quantization": quantization,
            "model_uri": f"file://{folder}/mine-{quantization}.gguf",
        }
        for quantization in ("Q4_1", "Q8_0")
    ]
    assert headrace(stack, "unregister", "-n", "Mine-0.1B").returncode == 1

    done = headrace(stack, "register", "--from", str(weights), "-n", "guessed", "--yes")
    assert (done.returncode, done.stderr.strip()) == (0, "registered guessed"), done.stderr
    [counted] = json.loads(done.stdout)["model_specs"]
    assert (counted["quantization"], counted["model_size_in_billions"]) == ("Q4_1", 0.135)
    listed = headrace(stack, "registrations", "-t", "LLM").stdout
    assert any(line.split()[:2] == ["LLM", "guessed"] for line in listed.splitlines())
    launched = headrace(stack, "launch", "-n", "guessed", "--n_ctx", "512")
    assert launched.returncode == 0, launched.stderr
    body = {"model": "guessed", "messages": [{"role": "user", "content": "Hi"}], "max_tokens": 4}
    assert httpx.post(f"{stack.url}/v1/chat/completions", json=body, timeout=120).status_code == 200

    asked = httpx.post(f"{stack.url}/v1/model_registrations/guess", json={"model_path": str(minilm)}, timeout=60).json()
    assert asked["model_type"] == "embedding"
    assert (asked["model"]["dimensions"], asked["model"]["max_tokens"]) == (384, 256)
    auto = httpx.post(
        f"{stack.url}/v1/models/llm/auto-register", json={"model_path": str(weights), "model_family": "x"}
    )
    assert auto.json()["model_name"] == "SmolLM2-135M-Instruct-local", "the catalogue has the name of the file"
    nothing = headrace(stack, "register", "--from", str(tmp_path / "nowhere"))
    assert (nothing.returncode, "Traceback" in nothing.stderr) == (1, False)


def test_the_command_line_takes_our_own_form_and_says_what_is_wrong(stack: Stack, tmp_path: Path) -> None:
    described = tmp_path / "own.yaml"
    described.write_text(f"name: sounds\ntype: audio\nspecs:\n- {{format: any, uri: {tmp_path}}}\n")
    assert headrace(stack, "register", "-f", str(described)).stdout == "registered sounds, of type audio\n"
    assert headrace(stack, "register", "-f", str(described)).returncode == 1, "it is registered already"
    assert headrace(stack, "unregister", "-n", "sounds").stdout == "unregistered sounds\n"
    (tmp_path / "bad").write_bytes(b"\xff\xfe\x00")
    for words in (["-f", str(tmp_path / "bad")], [], ["-f", "a", "--from", "b"], ["-f", "x", "-w", "10.0.0.1"]):
        assert headrace(stack, "register", *words).stderr.startswith("headrace: ")
