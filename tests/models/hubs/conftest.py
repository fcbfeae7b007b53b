"""A hub of our own, which both hubs' libraries take for theirs."""

import os
import random
from collections.abc import Iterator
from pathlib import Path

import huggingface_hub.constants
import pytest

from models.hubs.download import download, silent
from models.hubs.failures import HubName
from models.hubs.progress import Tell
from tests.support.hubs import Hub

WEIGHTS = random.Random(0).randbytes(3_000_000)
FILES = {
    "config.json": b'{"architectures": ["Qwen3ForCausalLM"]}',
    "model.safetensors": WEIGHTS,
    "other.safetensors": b"another network",
    "empty.txt": b"",
}
EXPECTED = {name: data for name, data in FILES.items() if name != "other.safetensors"}
"""What is wanted of it."""
WANTED = (["config.json", "model.safetensors", "*.txt"], ["other.*"])
EVERYTHING: tuple[list[str], list[str]] = (["*"], [])
HUBS: tuple[HubName, ...] = ("huggingface", "modelscope")


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Hub]:
    """A hub with the repository ``org/name``, which this process asks as both hubs, without a token."""
    with Hub({"org/name": FILES}) as made:
        for name, value in environment(made).items():
            monkeypatch.setenv(name, value)
        for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "MODELSCOPE_API_TOKEN", "HEADRACE_OFFLINE"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)
        monkeypatch.setattr(huggingface_hub.constants, "HF_TOKEN_PATH", str(tmp_path / "no-token"))
        yield made


def environment(hub: Hub) -> dict[str, str]:
    """The variables under which a process asks this hub."""
    return {"HF_ENDPOINT": hub.url, "MODELSCOPE_ENDPOINT": hub.url, "HF_HUB_OFFLINE": "0"}


def fetch(kind: HubName, cache: Path, tell: Tell = silent, name: str = "org/name", revision: str | None = None) -> Path:
    """Fetch what is wanted of the repository."""
    return download(kind, name, cache, WANTED, revision=revision, tell=tell)


def contents(folder: Path) -> dict[str, bytes]:
    """The files of a folder, by their names."""
    return {one: (folder / one).read_bytes() for one in os.listdir(folder) if (folder / one).is_file()}
