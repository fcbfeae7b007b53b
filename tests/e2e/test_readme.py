"""The README's commands, word for word, as if pasted: against ``headrace up`` with its demo."""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.media.studio import seen
from tests.e2e.stack import Stack
from tests.support.nvml import FakeNvml, rtx_4090
from tests.support.sounds import decoded, word_errors

pytestmark = [pytest.mark.e2e, pytest.mark.weights]

README = Path(__file__).parents[2] / "README.md"
SECTION = "Try it"
PORT = "127.0.0.1:9997"
COMMANDS = (
    "chat/completions",
    "tool_choice",
    "/v1/embeddings",
    "audio/speech",
    "audio/transcriptions",
    "b64_json",
    "seven.webp",
    "/v1/jobs",
)
"""What tells the section's commands apart, in their order."""

SENTENCE = "The quick brown fox jumps over the lazy dog."


def blocks() -> list[str]:
    """The shell commands of the section."""
    section = re.search(rf"^## {SECTION}\n(.*?)(?=^## )", README.read_text(encoding="utf-8"), re.M | re.S)
    assert section is not None, f"the README has no section '{SECTION}'"
    return re.findall(r"^```sh\n(.*?)^```$", section[1], re.M | re.S)


def test_every_command_is_tried() -> None:
    assert len(blocks()) == len(COMMANDS)
    for command, block in zip(COMMANDS, blocks(), strict=True):
        assert command in block
        assert PORT in block


class Shell:
    """Someone who pastes commands into a terminal."""

    def __init__(self, stack: Stack, folder: Path) -> None:
        self._stack = stack
        self._folder = folder

    def paste(self, command: str) -> str:
        """Run the block of this command; what it printed."""
        text = blocks()[COMMANDS.index(command)].replace(PORT, f"127.0.0.1:{self._stack.port}")
        done = subprocess.run(
            ["bash", "-e", "-o", "pipefail", "-c", text],
            cwd=self._folder,
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
        assert done.returncode == 0, f"{text}{done.stdout}{done.stderr}{self._stack.logs()}"
        return done.stdout

    def file(self, name: str) -> bytes:
        """A file that a command has made."""
        return (self._folder / name).read_bytes()

    def state(self, model: str) -> str:
        """How a model is."""
        [state] = [one["state"] for one in self._stack.client.models() if one["id"] == model]
        return str(state)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory, nvml_library: Path) -> Iterator[Stack]:
    """``headrace up``, as the README says, on a machine with two GPUs whose driver is too old for all that we have.

    So every model must find the CPU. On a machine without GPUs, less can go wrong.
    """
    machine = FakeNvml(tmp_path_factory.mktemp("gpus"), nvml_library, [rtx_4090(0), rtx_4090(1)])
    machine.driver, machine.cuda = "470.256.02", 11040
    machine.write()
    made = Stack(tmp_path_factory.mktemp("demo") / "home", demo=True, devices=(), **machine.environment)
    try:
        made.start()
        yield made
    finally:
        made.close()


@pytest.fixture
def shell(demo: Stack, tmp_path: Path) -> Shell:
    """A shell in an empty folder."""
    return Shell(demo, tmp_path)


def test_chat(shell: Shell) -> None:
    said = shell.paste("chat/completions")
    assert said.startswith('data: {"id":"chatcmpl-')
    assert said.rstrip().endswith("data: [DONE]")


def test_a_function_is_called(shell: Shell) -> None:
    [choice] = json.loads(shell.paste("tool_choice"))["choices"]
    [call] = choice["message"]["tool_calls"]
    assert call["function"]["name"] == "clock"
    assert json.loads(call["function"]["arguments"])["city"] in ("Oslo", "Rome")
    assert choice["finish_reason"] == "tool_calls"


def test_embeddings(shell: Shell) -> None:
    assert shell.state("minilm") == "dormant"
    vectors = [one["embedding"] for one in json.loads(shell.paste("/v1/embeddings"))["data"]]
    kitten, cat, stocks = vectors
    assert sum(a * b for a, b in zip(kitten, cat, strict=True)) > 0.5
    assert sum(a * b for a, b in zip(kitten, stocks, strict=True)) < 0.2
    assert shell.state("minilm") == "ready"


def test_what_is_spoken_is_written_down(shell: Shell) -> None:
    """Both models are loaded on their first request."""
    assert [shell.state(name) for name in ("hibari", "whisper")] == ["dormant", "dormant"]
    shell.paste("audio/speech")
    sound = shell.file("fox.mp3")
    assert 1.5 < len(decoded(sound)) / 16_000 < 10
    heard = json.loads(shell.paste("audio/transcriptions"))
    assert word_errors(heard["text"], SENTENCE) == 0
    assert [shell.state(name) for name in ("hibari", "whisper")] == ["ready", "ready"]


def test_pictures_show_what_was_asked_for(shell: Shell) -> None:
    shell.paste("b64_json")
    assert shell.file("star.png").startswith(b"\x89PNG\r\n")
    assert seen(shell.file("star.png")) == "blue star"
    shell.paste("seven.webp")
    assert shell.file("seven.webp")[8:12] == b"WEBP"
    assert seen(shell.file("seven.webp")) == "red seven"
    assert shell.state("glyphs") == "ready"


def test_a_job_is_submitted_followed_and_fetched(shell: Shell) -> None:
    said = shell.paste("/v1/jobs")
    events = [json.loads(data) for data in re.findall(r"^data: (.+)$", said, re.M)]
    assert events[-1]["state"] == "succeeded"
    assert any("progress" in event for event in events)
    result = json.loads(said[said.rindex('{"created"') :])
    assert len(result["data"]) == 4
