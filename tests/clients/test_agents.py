"""Codex and Claude Code, as they come, each through a whole turn: a command that the model asks for is run.

A model of 135 million parameters cannot follow their instructions. ``agent.jinja`` shows it a conversation that it can
go on: it repeats a call of the shell, and, once there is a result, that all is done. All else is real.

They are large (424 and 384 MB), so that `make clients` alone installs them.
"""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients.conftest import KEY
from tests.e2e.stack import Stack, clean_environment

HERE = Path(__file__).parent
PACKAGES = HERE.parent.parent / ".venv-clients" / "agents" / "node_modules"
CODEX = PACKAGES / "@openai" / "codex" / "bin" / "codex.js"
CLAUDE = PACKAGES / "@anthropic-ai" / "claude-code" / "bin" / "claude.exe"
CONFIGURATION = """
model = "agent"
model_provider = "headrace"
approval_policy = "never"
sandbox_mode = "danger-full-access"
[model_providers.headrace]
name = "Headrace"
base_url = "{url}/v1"
wire_api = "responses"
env_key = "HEADRACE_API_KEY"
"""

pytestmark = [pytest.mark.e2e, pytest.mark.weights, pytest.mark.timeout(400)]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    stack = Stack(tmp_path_factory.mktemp("agents") / "home", HEADRACE_API_KEY=KEY)
    template = (HERE / "agent.jinja").read_text()
    options = {"n_ctx": 16384, "n_parallel": 1, "n_threads": 1, "chat_template": template, "tool_format": "hermes"}
    try:
        stack.start()
        stack.client.launch({"model_uid": "agent", "model_name": "smollm2", "model_engine": "llama_cpp"} | options)
        stack.client.wait_ready("agent")
        yield stack
    finally:
        stack.close()


def ran(command: list[str], folder: Path, **environment: str) -> str:
    """What an agent printed last. Raises AssertionError if it failed."""
    folder.mkdir()
    done = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
        env=clean_environment() | {"HOME": str(folder.parent)} | environment,
        cwd=folder,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    assert (folder / "made.txt").read_text() == "done\n", f"{done.stdout}\n{done.stderr}"
    return done.stdout.strip()


@pytest.mark.skipif(not CODEX.exists(), reason="Codex is not installed: make clients")
def test_codex_runs_a_command(server: Stack, tmp_path: Path) -> None:
    node = shutil.which("node")
    assert node is not None
    (tmp_path / ".codex").mkdir()
    (tmp_path / ".codex" / "config.toml").write_text(CONFIGURATION.format(url=server.url))
    command = [node, str(CODEX), "exec", "--skip-git-repo-check", "Make a file."]
    said = ran(command, tmp_path / "work", CODEX_HOME=str(tmp_path / ".codex"), HEADRACE_API_KEY=KEY)
    assert "done" in said
    assert "tools[].type: web_search" in server.log("gateway")


@pytest.mark.skipif(not CLAUDE.exists(), reason="Claude Code is not installed: make clients")
def test_claude_code_runs_a_command(server: Stack, tmp_path: Path) -> None:
    about = {"ANTHROPIC_BASE_URL": server.url, "ANTHROPIC_API_KEY": KEY}
    about["CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC"] = "1"
    command = [str(CLAUDE), "-p", "Make a file.", "--model", "agent", "--allowedTools", "Bash"]
    assert "done" in ran(command, tmp_path / "work", **about)
