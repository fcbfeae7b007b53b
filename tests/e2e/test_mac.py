"""The platform on a system that lacks what macOS lacks (``tests.support.mac``), as real processes with real weights."""

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from tests.e2e.stack import Stack
from tests.engines.nasty import HANGS, OVERFLOWS
from tests.support import mac
from tests.support.servers import wait_for
from tests.support.weights import smollm2_directory, smollm2_gguf

pytestmark = [pytest.mark.e2e, pytest.mark.weights, pytest.mark.timeout(300)]

CHECKERS = {
    "llama_cpp": ["workers.engines.structured.grammar_process", "workers.engines.llama_cpp.trial"],
    "transformers": ["workers.engines.structured.grammar_process"],
}
CHAIR = {
    "type": "object",
    "properties": {"legs": {"type": "integer", "minimum": 3, "maximum": 5}, "colour": {"enum": ["red", "blue"]}},
    "required": ["legs", "colour"],
    "additionalProperties": False,
}
CLOCK = {
    "type": "function",
    "function": {
        "name": "clock",
        "parameters": {
            "type": "object",
            "properties": {"city": {"enum": ["Oslo", "Rome"]}},
            "required": ["city"],
            "additionalProperties": False,
        },
    },
}


IMPORTS = """
import importlib, pkgutil
others = ("workers.engines.", "migrations.versions", "migrations.env", "migrations.__main__")
for top in ("api", "bench", "migrations", "models", "workers"):
    package = importlib.import_module(top)
    for found in pkgutil.walk_packages(package.__path__, f"{top}."):
        if not found.name.startswith(others):
            importlib.import_module(found.name)
            print(found.name)
"""
"""Imports all but the engines, whose libraries take long; those are loaded by the other tests."""


class Mac(Stack):
    """A Headrace there. ``without_limits``: new processes cannot set any limit while the block runs."""

    def __init__(self, home: Path) -> None:
        self._switches = home.with_name("switches")
        self._switches.mkdir()
        super().__init__(home)
        self._env |= mac.environment(self._switches)

    @contextlib.contextmanager
    def without_limits(self) -> Iterator[None]:
        switch = self._switches / "no-limits"
        switch.touch()
        try:
            yield
        finally:
            switch.unlink()

    def checkers(self, engine: str) -> list[psutil.Process]:
        """The processes that try grammars, of all models."""
        found = []
        for process in self.tree():
            with contextlib.suppress(psutil.Error):
                if {*process.cmdline()} & {*CHECKERS[engine]}:
                    found.append(process)
        return found


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mac]:
    """A Headrace with the same model on both engines that are here; its checkers may be killed."""
    made = Mac(tmp_path_factory.mktemp("mac") / "home")
    try:
        made.start()
        weights = {"llama_cpp": smollm2_gguf(), "transformers": smollm2_directory()}
        for engine, path in weights.items():
            asked = {"model_uid": engine, "model_name": "smol", "model_path": str(path), "n_ctx": 1024, "n_threads": 1}
            made.client.launch(asked)
        for engine in weights:
            made.client.wait_ready(engine)
        yield made
    finally:
        made.close()


engines = pytest.mark.parametrize("engine", CHECKERS)


def ask(stack: Stack, model: str, **fields: Any) -> httpx.Response:
    body = {"model": model, "messages": [{"role": "user", "content": "Hello."}], "max_tokens": 60, "temperature": 1.3}
    return httpx.post(f"{stack.url}/v1/chat/completions", json=body | fields, timeout=120)


def chair(stack: Stack, model: str) -> httpx.Response:
    schema = {"name": "chair", "schema": CHAIR}
    return ask(stack, model, response_format={"type": "json_schema", "json_schema": schema})


def is_chair(answer: httpx.Response) -> bool:
    value = json.loads(answer.raise_for_status().json()["choices"][0]["message"]["content"])
    return set(value) == {"legs", "colour"} and value["legs"] in (3, 4, 5) and value["colour"] in ("red", "blue")


def test_all_of_it_can_be_imported_there(tmp_path: Path) -> None:
    environment = os.environ | mac.environment(tmp_path)
    done = subprocess.run(
        [sys.executable, "-c", IMPORTS], env=environment, capture_output=True, text=True, timeout=120, check=False
    )

    assert done.returncode == 0, done.stderr
    assert {"bench.__main__", "models.process.processes", "workers.device.host"} <= {*done.stdout.split()}


def test_the_platform_runs_there(here: Mac) -> None:
    here.launch_echo()
    said = "".join(here.client.chat("echo", [{"role": "user", "content": "three little words"}]))

    assert "three little words" in said
    here.client.terminate("echo")


@engines
def test_an_answer_has_its_form_there(here: Mac, engine: str) -> None:
    assert is_chair(chair(here, engine))
    assert all(one.rlimit(psutil.RLIMIT_AS)[0] == psutil.RLIM_INFINITY for one in here.checkers(engine))
    grammar = ask(here, engine, structured_outputs={"grammar": 'root ::= "ab" [0-9]'}).raise_for_status().json()
    assert grammar["choices"][0]["message"]["content"] in {f"ab{digit}" for digit in range(10)}


@engines
def test_a_call_is_made_there(here: Mac, engine: str) -> None:
    answer = ask(here, engine, tools=[CLOCK], tool_choice="required", parallel_tool_calls=False).raise_for_status()
    [call] = answer.json()["choices"][0]["message"]["tool_calls"]

    assert call["function"]["name"] == "clock"
    assert json.loads(call["function"]["arguments"])["city"] in ("Oslo", "Rome")


@engines
@pytest.mark.parametrize("form", [{"json": HANGS}, {"grammar": OVERFLOWS}], ids=["hangs", "overflows"])
def test_what_is_too_complex_is_still_the_clients_fault_there(here: Mac, engine: str, form: dict[str, Any]) -> None:
    refused = ask(here, engine, structured_outputs=form)

    assert refused.status_code == httpx.codes.BAD_REQUEST
    assert "too complex" in refused.json()["error"]["message"]
    assert refused.json()["error"]["param"] == "structured_outputs"
    assert is_chair(chair(here, engine))


@engines
def test_a_checker_that_cannot_be_started_is_not_the_clients_fault(here: Mac, engine: str) -> None:
    form = {"structured_outputs": {"choice": [f"a choice that {engine} does not know yet"]}}
    with here.without_limits():
        for process in here.checkers(engine):
            process.kill()
        psutil.wait_procs(here.checkers(engine), 10)
        failed = ask(here, engine, **form)

    assert failed.status_code == httpx.codes.INTERNAL_SERVER_ERROR
    assert failed.json()["error"]["code"] == "engine_failure"
    assert "could not be started: it ended with code 1" in failed.json()["error"]["message"]
    wait_for(lambda: "could not be started" in here.log("worker-cpu"), 10, here.logs)
    assert "current limit exceeds maximum limit" in here.log("worker-cpu")
    assert (
        ask(here, engine, **form).json()["choices"][0]["message"]["content"] == form["structured_outputs"]["choice"][0]
    )
