"""The command line: what it sends, how it fails, what it costs to start. Against a server that answers by script."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from api.cli.models import engine_options
from api.client import Client
from models.errors import InvalidRequest, ModelFailed, ReplicaLost, Unavailable
from tests.e2e.stack import clean_environment

Answer = tuple[int, Any]


class Server(ThreadingHTTPServer):
    """Answers each (method, path) from a list, the last answer for ever, and keeps what it was sent."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.script: dict[str, list[Answer]] = {}
        self.seen: list[tuple[str, Any, str]] = []
        self.headers: dict[str, str] = {}
        self.hung_up = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def on(self, call: str, *answers: Answer) -> None:
        self.script[call] = list(answers)


class Handler(BaseHTTPRequestHandler):
    server: Server

    def _answer(self) -> None:
        length = int(self.headers.get("content-length", 0))
        body = json.loads(self.rfile.read(length)) if length else None
        call = f"{self.command} {self.path}"
        self.server.seen.append((call, body, self.headers.get("authorization", "")))
        answers = self.server.script.get(call) or [(404, "not here")]
        status, content = answers.pop(0) if len(answers) > 1 else answers[0]
        self.send_response(status)
        for name, value in self.server.headers.items():
            self.send_header(name, value)
        self.end_headers()
        if not isinstance(content, list):
            self.wfile.write(content.encode() if isinstance(content, str) else json.dumps(content).encode())
            return
        try:
            for piece in content:
                self.wfile.write(piece.encode())
                self.wfile.flush()
                time.sleep(0.05)
        except OSError:
            self.server.hung_up.set()

    do_GET = do_POST = do_DELETE = _answer

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as made:
        thread = threading.Thread(target=made.serve_forever, args=(0.05,))
        thread.start()
        yield made
        made.shutdown()
        thread.join()


def headrace(*arguments: str, stdin: str = "", **env: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-P", "-m", "api.cli", *arguments],
        input=stdin,
        env={**clean_environment(), **env},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def envelope(code: str, message: str) -> dict[str, Any]:
    return {"error": {"message": message, "type": "invalid_request_error", "param": None, "code": code}}


def progress(fraction: float, stage: str, info: str = "") -> Answer:
    replica = {"replica_id": "r", "progress": fraction, "stage": stage, "info": info}
    return 200, {"progress": fraction, "stage": stage, "replicas": [replica]}


def deltas(*texts: str) -> list[str]:
    chunks = [{"choices": [{"delta": {"content": text}}]} for text in texts]
    return [f"data: {json.dumps(chunk)}\n\n" for chunk in chunks]


def test_importing_the_command_loads_nothing_heavy() -> None:
    script = (
        "import sys, api.cli;"
        "heavy = {'sqlalchemy', 'celery', 'kombu', 'fastapi', 'torch', 'httpx', 'redis', 'uvicorn', 'psutil'};"
        "print(*(heavy & set(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert found.stdout.split() == []


def test_version_and_help() -> None:
    assert headrace("--version").stdout == "headrace 0.1.0\n"
    listed = headrace("--help").stdout
    for name in ("up", "gateway", "worker", "steward", "migrate", "launch", "list", "terminate", "chat", "generate"):
        assert f" {name} " in listed


def test_launch_sends_xinferences_names_and_waits(server: Server) -> None:
    server.on("POST /v1/models?wait_ready=false", (200, {"model_uid": "mine"}))
    server.on("GET /v1/models/mine/progress", progress(0.2, "loading"), progress(1.0, "ready"))
    options = "-u mine -n llama -t LLM -en llama_cpp -f ggufv2 -q Q4_1 -s 7 -r 2 --n-gpu 0 -mp /w.gguf"
    done = headrace("launch", "-e", server.url, "-ak", "key", *options.split(), "--n-ctx", "4096", "--flash-attn")
    assert (done.returncode, done.stdout, done.stderr) == (0, "mine\n", "")
    assert server.seen[0] == (
        "POST /v1/models?wait_ready=false",
        {
            "model_uid": "mine",
            "model_name": "llama",
            "model_type": "LLM",
            "model_engine": "llama_cpp",
            "model_format": "ggufv2",
            "quantization": "Q4_1",
            "model_size_in_billions": "7",
            "model_path": "/w.gguf",
            "n_gpu": 0,
            "replica": 2,
            "n_ctx": 4096,
            "flash_attn": True,
        },
        "Bearer key",
    )
    assert len(server.seen) == 3


def test_launch_need_not_wait(server: Server) -> None:
    server.on("POST /v1/models?wait_ready=false", (200, {"model_uid": "echo"}))
    done = headrace("launch", "-n", "echo", "--no-wait", HEADRACE_ENDPOINT=server.url, HEADRACE_API_KEY="one, two")
    assert done.stdout == "echo\n"
    [(_, body, key)] = server.seen
    assert body == {"model_name": "echo", "n_gpu": "auto", "replica": 1}
    assert key == "Bearer one"


def test_a_launch_that_fails_says_why(server: Server) -> None:
    server.on("POST /v1/models?wait_ready=false", (200, {"model_uid": "m"}))
    server.on("GET /v1/models/m/progress", progress(0.0, "failed", "out of memory\nby far"))
    done = headrace("launch", "-n", "m", "-e", server.url)
    assert done.returncode == 1
    assert server.seen[-1][0] == "GET /v1/models/m/progress", "it stays, with its log"
    why = "the model 'm' could not be loaded: out of memory by far (more: headrace logs -u m)"
    assert done.stderr == f"headrace: {why}\n"


def test_a_log_is_shown_line_by_line(server: Server) -> None:
    server.on("GET /v1/models/m/logs?lines=2", (200, {"data": [{"text": "one"}, {"text": "two [x]"}]}))
    done = headrace("logs", "-u", "m", "-l", "2", "-e", server.url)
    assert (done.returncode, done.stdout) == (0, "one\ntwo [x]\n")


@pytest.mark.parametrize(
    ("answer", "line"),
    [
        ((404, envelope("model_not_found", "there is no m")), "there is no m"),
        ((401, envelope("invalid_api_key", "wrong key")), "wrong key"),
        ((502, "<html>proxy</html>"), "answered 502 Bad Gateway"),
        ((500, {"detail": "not ours"}), "answered 500 Internal Server Error"),
        ((200, "<html>hello</html>"), "answers, but not as headrace does"),
        ((200, []), "answers, but not as headrace does"),
    ],
)
def test_an_error_is_one_line(answer: Answer, line: str, server: Server) -> None:
    if answer[0] == 200 and answer[1] == []:
        answer = (200, "[]")
    server.on("GET /v1/models", answer)
    done = headrace("list", "-e", server.url)
    assert done.returncode == 1
    assert done.stderr.startswith("headrace: ")
    assert done.stderr.endswith("\n")
    assert done.stderr.count("\n") == 1
    assert line in done.stderr


@pytest.mark.parametrize(
    "endpoint", ["http://127.0.0.1:1", "127.0.0.1:1", "http://no.such.host.invalid", "ftp://x", "http://a:b"]
)
def test_nobody_there_is_one_line(endpoint: str) -> None:
    done = headrace("terminate", "--model-uid", "m", "-e", endpoint)
    assert done.returncode == 1
    assert done.stderr.startswith("headrace: ")
    assert done.stderr.count("\n") == 1


def test_a_wrong_setting_is_one_line() -> None:
    done = headrace("up", HEADRACE_DRAIN_S="soon", HEADRACE_HOME="/nonexistent")
    assert done.returncode == 1
    assert done.stderr.startswith("headrace: HEADRACE_DRAIN_S: ")
    assert done.stderr.count("\n") == 1


def test_a_wrong_device_is_one_line() -> None:
    done = headrace("up", "--device", "gpu", HEADRACE_HOME="/nonexistent")
    assert (done.returncode, done.stderr) == (
        1,
        "headrace: 'gpu' is not a device: say cpu, cpu:0=4GiB, or cuda:0, cuda:1, …\n",
    )


def test_a_device_has_one_budget() -> None:
    done = headrace("up", "--device", "cpu:0=1MiB", "--device", "cpu:0=2MiB", HEADRACE_HOME="/nonexistent")
    assert (done.returncode, done.stderr) == (1, "headrace: cpu:0 is named with two budgets\n")


def test_list_is_a_table(server: Server) -> None:
    model = {
        "id": "mine",
        "model_type": "LLM",
        "model_name": "echo",
        "model_engine": "echo",
        "replica": 2,
        "state": "ready",
    }
    server.on("GET /v1/models", (200, {"object": "list", "data": [model, model | {"id": "late", "state": "waiting"}]}))
    ready = {"state": "ready", "error_message": None, "devices": ["box.lan.cuda:0", "box.lan.cuda:1.2"]}
    late = {"state": "pending", "error_message": "no node has a GPU", "devices": []}
    server.on("GET /v1/models/mine/replicas", (200, json.dumps([ready, ready | {"devices": ["box.cpu"]}])))
    server.on("GET /v1/models/late/replicas", (200, json.dumps([late, late])))
    title, *rows, reason = headrace("list", "-e", server.url).stdout.splitlines()
    assert title.split()[0] == "uid"
    common = ["LLM", "echo", "echo", "-", "-", "2"]
    assert rows[0].split() == ["mine", *common, "ready", "cuda:0,", "cuda:1.2;", "cpu"]
    assert rows[1].split() == ["late", *common, "waiting", "-"]
    assert reason == "late: no node has a GPU"


def test_jobs_are_listed_shown_and_cancelled(server: Server) -> None:
    job = {"id": "job_1", "kind": "audio.speech", "model": "hibari", "state": "running", "progress": 0.5, "attempt": 1}
    server.on("GET /v1/jobs?state=running&limit=5", (200, {"object": "list", "data": [job]}))
    server.on("GET /v1/jobs/job_1", (200, job))
    server.on("POST /v1/jobs/job_1/cancel", (200, job | {"state": "cancelled"}))
    title, row = headrace("jobs", "--state", "running", "--limit", "5", "-e", server.url).stdout.splitlines()
    assert title.split() == ["id", "kind", "model", "state", "progress", "attempt"]
    assert row.split() == ["job_1", "audio.speech", "hibari", "running", "0.5", "1"]
    assert json.loads(headrace("job", "job_1", "-e", server.url).stdout) == job
    assert headrace("cancel", "job_1", "-e", server.url).stdout == "cancelled\n"


def test_the_webhook_secret_is_the_homes(tmp_path: Path) -> None:
    first = headrace("webhook-secret", HEADRACE_HOME=str(tmp_path)).stdout
    assert first.startswith("whsec_")
    assert headrace("webhook-secret", HEADRACE_HOME=str(tmp_path)).stdout == first
    assert headrace("webhook-secret", HEADRACE_HOME=str(tmp_path / "other")).stdout != first


def test_terminate(server: Server) -> None:
    server.on("DELETE /v1/models/a%2Fb", (200, {"model_uid": "a/b"}))
    assert headrace("terminate", "--model-uid", "a/b", "-e", server.url).stdout == "terminated a/b\n"


def test_chat_keeps_the_conversation(server: Server) -> None:
    done = [*deltas("two ", "words"), "data: [DONE]\n\n"]
    server.on("POST /v1/chat/completions", (200, done))
    talk = headrace("chat", "--model-uid", "m", "-e", server.url, "--system", "be brief", stdin="first\n\nsecond\n")
    assert (talk.stdout, talk.returncode) == ("two words\ntwo words\n", 0)
    assert server.seen[1][1]["messages"] == [
        {"role": "system", "content": "be brief"},
        {"role": "user", "content": "first"},
        {"role": "assistant", "content": "two words"},
        {"role": "user", "content": "second"},
    ]


@pytest.mark.parametrize("stream", ["true", "false"])
def test_xinferences_options_of_chat_and_generate(server: Server, stream: str) -> None:
    texts = [
        'data: {"choices": [{"text": "on "}]}\n\n',
        'data: {"choices": [{"text": "and on"}]}\n\n',
        "data: [DONE]\n\n",
    ]
    server.on("POST /v1/completions", (200, texts))
    server.on("POST /v1/chat/completions", (200, [*deltas("a", "b"), "data: [DONE]\n\n"]))
    options = ("--model-uid", "m", "-e", server.url, "--max_tokens", "7", "--stream", stream)

    assert headrace("generate", *options, stdin="go\n").stdout == "on and on\n"
    assert headrace("chat", *options, stdin="hello\n").returncode == 0
    assert [body["max_tokens"] for _, body, _ in server.seen] == [7, 7]
    assert server.seen[0][1]["prompt"] == "go"
    assert "--stream maybe: give true or false" in headrace("chat", *options[:-1], "maybe", stdin="x\n").stderr


def test_adapters_are_given_by_name_and_path(server: Server) -> None:
    server.on("POST /v1/models?wait_ready=false", (200, {"model_uid": "m"}))
    options = (
        "-n",
        "m",
        "--no-wait",
        "-e",
        server.url,
        "--lora-modules",
        "one",
        "/1",
        "-lm",
        "two",
        "/2",
        "--n-ctx",
        "9",
    )

    assert headrace("launch", *options).returncode == 0
    assert headrace("launch", *options[:5], "--lora-modules", '{"a": "/a"}').returncode == 0
    listed = [{"lora_name": "one", "local_path": "/1"}, {"lora_name": "two", "local_path": "/2"}]
    assert server.seen[0][1]["peft_model_config"] == {"lora_list": listed}
    assert server.seen[0][1]["n_ctx"] == 9
    assert server.seen[1][1]["lora_modules"] == {"a": "/a"}
    assert "give a name and a path" in headrace("launch", *options[:5], "-lm", "one").stderr


def test_interrupting_a_chat_hangs_up(server: Server) -> None:
    server.on("POST /v1/chat/completions", (200, deltas(*["word "] * 400)))
    command = [sys.executable, "-P", "-m", "api.cli", "chat", "--model-uid", "m", "-e", server.url]
    talk = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=clean_environment(), start_new_session=True
    )
    assert talk.stdin
    assert talk.stdout
    with talk:
        talk.stdin.write(b"go on\n")
        talk.stdin.flush()
        os.read(talk.stdout.fileno(), 10)
        talk.send_signal(signal.SIGINT)
        assert server.hung_up.wait(10)
        talk.stdin.close()
        assert talk.wait(10) == 0, "the answer ended, not the conversation"
        assert talk.stdout.read().endswith(" …\n".encode())


def test_the_client_raises_what_the_server_raised(server: Server) -> None:
    with Client(server.url) as client:
        server.on(
            "POST /v1/chat/completions",
            (200, [*deltas("a"), f"data: {json.dumps(envelope('replica_lost', 'gone'))}\n\n"]),
        )
        with pytest.raises(ReplicaLost, match="gone"):
            list(client.chat("m", []))
        server.on("POST /v1/chat/completions", (200, deltas("a")))
        with pytest.raises(ReplicaLost, match="broke off"):
            list(client.chat("m", []))
        server.on("POST /v1/chat/completions", (200, ["data: {\n\n"]))
        with pytest.raises(Unavailable, match="an event that is not JSON"):
            list(client.chat("m", []))
        server.on("POST /v1/chat/completions", (503, envelope("model_failed", "broken")))
        with pytest.raises(ModelFailed, match="broken"):
            list(client.chat("m", []))


def test_engine_options() -> None:
    words = ["--n-ctx", "2048", "--top=0.5", "--name", "x", "--on", "--off", "false", "--map", '{"a": [1]}', "--nil"]
    words += ["None", "--shares", "3,1.5"]
    assert engine_options(words) == {
        "n_ctx": 2048,
        "top": 0.5,
        "name": "x",
        "on": True,
        "off": False,
        "map": {"a": [1]},
        "nil": None,
        "shares": [3, 1.5],
    }
    for wrong in (["stray"], ["--"], ["-x", "1"]):
        with pytest.raises(InvalidRequest, match="unexpected argument"):
            engine_options(wrong)
