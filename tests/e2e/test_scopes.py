"""What each key may do: every route of the gateway has its scope here, and a real gateway keeps to it."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anthropic
import httpx
import openai
import pytest
from fastapi.routing import iter_route_contexts

from api.app import create_app
from models.settings import Settings
from tests.e2e.conftest import StackFactory
from tests.e2e.stack import Stack, clean_environment
from tests.e2e.talk import chat

pytestmark = pytest.mark.e2e

USER, ROOT = "user-key", "root-key"
RERANKER = Path(__file__).parents[1] / "reranker" / "model"
TOLD_OF = (
    *("/v1/models/broken/progress", "/v1/models/broken/replicas", "/v1/models/broken/events", "/v1/events"),
    *("/v1/models/instances", "/v1/autostart/models/summary", "/v1/models", "/v1/rerank"),
)
"""What a user may ask that tells of a model whose load failed."""
OPEN, INFER, ADMIN = "open", "infer", "admin"

SCOPES = {
    # What changes which models there are, and with that what everybody gets.
    "POST /v1/models": ADMIN,
    "POST /v1/models/estimate": ADMIN,
    "DELETE /v1/models/{uid:uid}": ADMIN,
    "POST /v1/models/{uid:uid}/cancel": ADMIN,
    "GET /v1/workers": ADMIN,
    "GET /v1/cluster/info": ADMIN,
    "GET /v1/cluster/nodes": ADMIN,
    "GET /v1/catalogue_versions": ADMIN,
    "POST /v1/catalogue_versions": ADMIN,
    "POST /v1/catalogue_versions/rollback": ADMIN,
    "GET /v1/autostart/models": ADMIN,
    "POST /v1/autostart/models": ADMIN,
    "DELETE /v1/autostart/models/{uid:uid}": ADMIN,
    "GET /v1/launch_history": ADMIN,
    "POST /v1/models/{uid:uid}/replicas": ADMIN,
    "DELETE /v1/models/{uid:uid}/replicas": ADMIN,
    "DELETE /v1/models/{uid:uid}/replicas/{replica_id:uid}": ADMIN,
    "PATCH /v1/models/{uid:uid}": ADMIN,
    "GET /v1/models/{uid:uid}/logs": ADMIN,
    "POST /v1/model_registrations/guess": ADMIN,
    "POST /v1/chat_templates/render": ADMIN,
    "POST /v1/models/llm/auto-register": ADMIN,
    "POST /v1/model_registrations/{model_type}": ADMIN,
    "DELETE /v1/model_registrations/{model_type}/{name:path}": ADMIN,
    "GET /v1/cache/models": ADMIN,
    "GET /v1/suggestions": ADMIN,
    "GET /v1/cache/models/files": ADMIN,
    "DELETE /v1/cache/models": ADMIN,
    # What needs no key: probes, whether a key is needed, and URLs that are signed.
    "GET /": OPEN,
    "GET /ui": OPEN,
    "GET /ui/{path:path}": OPEN,
    "GET /v1/session": OPEN,
    "POST /v1/session": OPEN,
    "DELETE /v1/session": OPEN,
    "GET /healthz": OPEN,
    "GET /readyz": OPEN,
    "GET /health": OPEN,
    "GET /v1/health": OPEN,
    "GET /ping": OPEN,
    "POST /ping": OPEN,
    "GET /v1/cluster/auth": OPEN,
    "POST /token": OPEN,
    "GET /v1/artifacts/{key:path}": OPEN,
    # What only reads, and is the same for every key. Who scrapes metrics should not have to hold an admin's key.
    "GET /metrics": INFER,
    "GET /docs": INFER,
    "GET /docs/{name}": INFER,
    "GET /openapi.json": INFER,
    "HEAD /openapi.json": INFER,
    "GET /v1/devices": INFER,
    "GET /v1/engines": INFER,
    "GET /v1/catalogue": INFER,
    "GET /v1/catalogue/{name:path}": INFER,
    "GET /v1/engines/{engine}/options": INFER,
    "GET /v1/engines/{name}": INFER,
    "GET /v1/engines/{model_type}/{name:path}": INFER,
    "GET /version": INFER,
    "GET /v1/audio/voices": INFER,
    "GET /models": INFER,
    "GET /v1/models": INFER,
    "GET /v1/model_registrations/{model_type}": INFER,
    "GET /v1/model_registrations/{model_type}/{name:path}": INFER,
    "GET /v1/models/instances": INFER,
    "GET /v1/models/{uid:uid}": INFER,
    "GET /v1/models/{uid:uid}/progress": INFER,
    "GET /v1/progress": INFER,
    "GET /v1/models/{uid:uid}/events": INFER,
    "GET /v1/events": INFER,
    "GET /v1/autostart/models/summary": INFER,
    "GET /v1/supervisor": INFER,
    "GET /v1/cluster/version": INFER,
    "GET /v1/cluster/devices": INFER,
    "GET /v1/models/{uid:uid}/replicas": INFER,
    "GET /anthropic/v1/models": INFER,
    "GET /anthropic/v1/models/{uid:uid}": INFER,
    # Inference.
    "POST /v1/chat/completions": INFER,
    "POST /v1/completions": INFER,
    "POST /v1/embeddings": INFER,
    "POST /chat/completions": INFER,
    "POST /completions": INFER,
    "POST /embeddings": INFER,
    "POST /rerank": INFER,
    "POST /score": INFER,
    "POST /v1/score": INFER,
    "POST /v1/rerank": INFER,
    "POST /v2/rerank": INFER,
    "POST /v1/messages": INFER,
    "POST /anthropic/v1/messages": INFER,
    "POST /v1/messages/count_tokens": INFER,
    "POST /anthropic/v1/messages/count_tokens": INFER,
    "POST /v1/tokenize": INFER,
    "POST /tokenize": INFER,
    "POST /v1/detokenize": INFER,
    "POST /detokenize": INFER,
    "POST /v1/images/generations": INFER,
    "POST /v1/images/edits": INFER,
    "POST /v1/images/variations": INFER,
    "POST /v1/images/inpainting": INFER,
    "POST /v1/images/ocr": INFER,
    "POST /v1/flexible/infers": INFER,
    "POST /v1/audio/embeddings": INFER,
    "POST /v1/worlds/generations": INFER,
    "POST /v1/convert_ids_to_tokens": INFER,
    "GET /v1/models/vllm-supported": INFER,
    # What Xinference's clients know, and is refused with what there is instead.
    "POST /v1/models/{uid:uid}/requests/{id}/abort": INFER,
    "GET /v1/requests/{id}/progress": INFER,
    "POST /v1/models/{uid:uid}/reload": INFER,
    "GET /v1/models/{uid:uid}/reload": INFER,
    "GET /v1/models/{uid:uid}/reload/config": INFER,
    "POST /v1/api/relaunch": INFER,
    "GET /v1/api-relaunches": INFER,
    "GET /v1/api-relaunches/{id}": INFER,
    "POST /v1/supervisor/relaunch": INFER,
    "GET /v1/supervisor-relaunches": INFER,
    "GET /v1/supervisor-relaunches/{id}": INFER,
    "POST /v1/workers/{address}/relaunch": INFER,
    "GET /v1/worker-relaunches": INFER,
    "GET /v1/worker-relaunches/{id}": INFER,
    "DELETE /v1/clusters": INFER,
    "POST /v1/launch_history": INFER,
    "DELETE /v1/launch_history/{model_name:path}": INFER,
    "POST /v1/audio/transcriptions": INFER,
    "POST /v1/audio/translations": INFER,
    "POST /v1/audio/speech": INFER,
    "POST /v1/video/generations": INFER,
    "POST /v1/video/generations/image": INFER,
    "POST /v1/video/generations/flf": INFER,
    # What a key has of its own: another key's is not found.
    "POST /v1/videos": INFER,
    "GET /v1/videos": INFER,
    "GET /v1/videos/{id}": INFER,
    "DELETE /v1/videos/{id}": INFER,
    "GET /v1/videos/{id}/content": INFER,
    "POST /v1/videos/{id}/remix": INFER,
    "POST /v1/videos/edits": INFER,
    "POST /v1/videos/extensions": INFER,
    "POST /v1/videos/characters": INFER,
    "GET /v1/videos/characters/{id}": INFER,
    "POST /v1/responses": INFER,
    "POST /v1/responses/input_tokens": INFER,
    "GET /v1/responses/{id}": INFER,
    "DELETE /v1/responses/{id}": INFER,
    "POST /v1/responses/{id}/cancel": INFER,
    "GET /v1/responses/{id}/input_items": INFER,
    "POST /v1/jobs": INFER,
    "GET /v1/jobs": INFER,
    "GET /v1/jobs/{id}": INFER,
    "DELETE /v1/jobs/{id}": INFER,
    "GET /v1/jobs/{id}/request": INFER,
    "GET /v1/jobs/{id}/result": INFER,
    "POST /v1/jobs/{id}/cancel": INFER,
    "POST /v1/jobs/{id}/retry": INFER,
    "GET /v1/jobs/{id}/deliveries": INFER,
    "GET /v1/jobs/{id}/events": INFER,
    # The same jobs, as Replicate's and fal's SDKs know them.
    "POST /v1/predictions": INFER,
    "POST /v1/models/{owner}/{name}/predictions": INFER,
    "GET /v1/predictions": INFER,
    "GET /v1/predictions/{id}": INFER,
    "POST /v1/predictions/{id}/cancel": INFER,
    "POST /fal/queue/{path:path}": INFER,
    "POST /fal/run/{path:path}": INFER,
    "GET /fal/queue/{path:path}": INFER,
    "PUT /fal/queue/{path:path}": INFER,
    "POST /fal/proxy": INFER,
    "GET /fal/proxy": INFER,
    "PUT /fal/proxy": INFER,
    "POST /v1/files": INFER,
    "GET /v1/files": INFER,
    "GET /v1/files/{id}": INFER,
    "DELETE /v1/files/{id}": INFER,
    "GET /v1/files/{id}/content": INFER,
    "POST /v1/batches": INFER,
    "GET /v1/batches": INFER,
    "GET /v1/batches/{id}": INFER,
    "POST /v1/batches/{id}/cancel": INFER,
    "GET /v1/batches/{id}/deliveries": INFER,
    "GET /v1/batches/{id}/failures": INFER,
    # AUTOMATIC1111's: the model is chosen for the key alone, progress and interruption are of the key's own drawings.
    "POST /sdapi/v1/txt2img": INFER,
    "POST /sdapi/v1/img2img": INFER,
    "GET /sdapi/v1/options": INFER,
    "POST /sdapi/v1/options": INFER,
    "GET /sdapi/v1/samplers": INFER,
    "GET /sdapi/v1/schedulers": INFER,
    "GET /sdapi/v1/sd-models": INFER,
    "GET /sdapi/v1/progress": INFER,
    "POST /sdapi/v1/interrupt": INFER,
}


@pytest.fixture(scope="module")
def keyed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A server with an administrator's key and another, and an echo that the first has launched."""
    found = Stack(tmp_path_factory.mktemp("scopes") / "home", HEADRACE_API_KEY=USER, HEADRACE_ADMIN_KEY=ROOT)
    try:
        found.start()
        found.launch_echo()
        yield found
    finally:
        found.close()


def test_users_are_told_why_a_load_failed_and_administrators_where(keyed: Stack, tmp_path: Path) -> None:
    folder = tmp_path / "secret-place" / "broken"
    shutil.copytree(RERANKER, folder)
    (folder / "tokenizer.json").write_text("{")
    body = {"model_name": "broken", "model_path": str(folder), "model_type": "rerank", "max_retries": 0}
    try:
        refused = httpx.post(f"{keyed.url}/v1/models", json=body, headers=bearer(ROOT), timeout=120)
        assert "secret-place" in refused.text, refused.text
        asked = {"model": "broken", "query": "a", "documents": ["b"]}
        answers = {
            key: {
                path: httpx.request(*("POST", f"{keyed.url}{path}"), json=asked, headers=bearer(key), timeout=60)
                if path == "/v1/rerank"
                else httpx.get(f"{keyed.url}{path}", headers=bearer(key), timeout=60)
                for path in TOLD_OF
            }
            for key in (USER, ROOT)
        }
    finally:
        httpx.delete(f"{keyed.url}/v1/models/broken", headers=bearer(ROOT), timeout=90)
    assert {path for path, seen in answers[USER].items() if "secret-place" in seen.text} == set()
    assert "[path]" in answers[USER]["/v1/models/broken/progress"].text
    assert "secret-place" in answers[ROOT]["/v1/models/broken/progress"].text


def bearer(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}"} if key else {}


def routes() -> set[str]:
    """Every method and path that the gateway answers."""
    found = iter_route_contexts(create_app(Settings()).routes)
    return {f"{method} {route.path}" for route in found for method in route.methods or ["?"]}


def test_every_route_has_a_scope() -> None:
    assert routes() == SCOPES.keys(), "decide in SCOPES who may call it; what is for administrators says admin_only"


@pytest.mark.parametrize("route", SCOPES)
def test_every_route_keeps_to_its_scope(keyed: Stack, route: str) -> None:
    method, path = route.replace("{uid:uid}", "none").replace("{id}", "none").replace("{key:path}", "none").split()
    allowed = {OPEN: ("", USER, ROOT), INFER: (USER, ROOT), ADMIN: (ROOT,)}[SCOPES[route]]
    for key in ("", USER, ROOT):
        answer = httpx.request(method, keyed.url + path, json={}, headers=bearer(key), timeout=30)
        if key in allowed:
            assert answer.status_code != 401, (key, answer.text)
            assert "admin_key_required" not in answer.text
            assert answer.status_code != 403 or SCOPES[route] == OPEN, "an artifact's signature is wrong here"
        elif key:
            error = answer.json()["error"]
            assert (answer.status_code, error["type"]) == (403, "permission_error")
            assert error["code"] == "admin_key_required"
        else:
            assert answer.status_code == 401


def test_the_sdks_know_what_is_forbidden(keyed: Stack) -> None:
    body = {"model_uid": "mine", "model_name": "echo"}
    with openai.OpenAI(base_url=f"{keyed.url}/v1", api_key=USER, max_retries=0) as sdk:
        with pytest.raises(openai.PermissionDeniedError) as denied:
            sdk.models.delete("echo")
        assert (denied.value.code, denied.value.type) == ("admin_key_required", "permission_error")
        with pytest.raises(openai.PermissionDeniedError):
            sdk.post("/models", body=body, cast_to=dict[str, Any])
        assert [one.id for one in sdk.models.list()] == ["echo"]
        assert sdk.chat.completions.create(**chat(max_tokens=1)).choices[0].message.content
    with anthropic.Anthropic(base_url=keyed.url, api_key=USER, max_retries=0) as claude:
        with pytest.raises(anthropic.PermissionDeniedError, match="administrator"):
            claude.delete("/v1/models/echo", cast_to=object)
        said = claude.messages.create(model="echo", max_tokens=1, messages=[{"role": "user", "content": "one two"}])
        assert said.content


def test_an_administrators_key_may_do_all(keyed: Stack) -> None:
    with openai.OpenAI(base_url=f"{keyed.url}/v1", api_key=ROOT, max_retries=0, timeout=60) as sdk:
        sdk.post("/models", body={"model_uid": "second", "model_name": "echo"}, cast_to=dict[str, Any])
        assert sdk.chat.completions.create(**chat("second", max_tokens=1)).choices
        sdk.models.delete("second")
        assert [one.id for one in sdk.models.list()] == ["echo"]


def test_jobs_are_each_keys_own(keyed: Stack) -> None:
    job = {"kind": "chat.completions", "model": "echo", "input": {"messages": [{"role": "user", "content": "a"}]}}
    for mine, other in ((USER, ROOT), (ROOT, USER)):
        made = httpx.post(f"{keyed.url}/v1/jobs", json=job, headers=bearer(mine))
        assert made.status_code == 202
        url = f"{keyed.url}/v1/jobs/{made.json()['id']}"
        assert httpx.get(url, headers=bearer(mine)).status_code == 200
        assert httpx.get(url, headers=bearer(other)).status_code == 404
        listed = httpx.get(f"{keyed.url}/v1/jobs", headers=bearer(other)).json()["data"]
        assert made.json()["id"] not in {one["id"] for one in listed}


def test_the_command_line_presents_the_key_that_it_needs(keyed: Stack) -> None:
    def run(*words: str, **keys: str) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-P", "-m", "api.cli", *words, "-e", keyed.url]
        env = {**clean_environment(), **keys}
        return subprocess.run(command, env=env, text=True, capture_output=True, check=False)

    both = {"HEADRACE_API_KEY": f"{USER}, other", "HEADRACE_ADMIN_KEY": f"{ROOT}, other"}
    refused = run("launch", "-n", "echo", "-u", "third", HEADRACE_API_KEY=USER)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "administrator's key" in refused.stderr
    assert run("launch", "-n", "echo", "-u", "third", **both).stdout == "third\n"
    assert run("terminate", "-u", "third", HEADRACE_API_KEY=USER).returncode == 1
    assert run("terminate", "-u", "third", **both).returncode == 0
    job = {"kind": "chat.completions", "model": "echo", "input": {"messages": [{"role": "user", "content": "a"}]}}
    made = httpx.post(f"{keyed.url}/v1/jobs", json=job, headers=bearer(USER)).json()["id"]
    assert made in run("jobs", **both).stdout, "jobs are those of the key that clients use"
    assert run("list", HEADRACE_ADMIN_KEY=ROOT).returncode == 0


def test_an_administrators_key_alone_leaves_no_door_open(new_stack: StackFactory) -> None:
    stack = new_stack(demo=True, HEADRACE_ADMIN_KEY=ROOT)  # which launches its models with it
    assert httpx.get(f"{stack.url}/v1/cluster/auth").json() == {"auth": True}
    assert httpx.get(f"{stack.url}/v1/models").status_code == 401
    assert httpx.post(f"{stack.url}/v1/chat/completions", json=chat("smollm2", max_tokens=1)).status_code == 401
    answer = httpx.post(
        f"{stack.url}/v1/chat/completions", json=chat("smollm2", max_tokens=1), headers=bearer(ROOT), timeout=60
    )
    assert answer.status_code == 200
    assert "$HEADRACE_ADMIN_KEY" in stack.output()
