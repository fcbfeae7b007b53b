"""Paths as the server can read them, which runs in another folder (``api.cli.paths``)."""

from pathlib import Path

import pytest

from api.cli.paths import whole
from models.errors import InvalidRequest
from models.launching import hub
from tests.api.cli.test_cli import Server, headrace, server

__all__ = ["server"]


def test_what_is_a_path_is_told_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "here" / "org").mkdir(parents=True)
    (tmp_path / "here" / "org" / "m.gguf").touch()
    monkeypatch.chdir(tmp_path / "here")
    assert whole("org/m.gguf") == f"{tmp_path}/here/org/m.gguf"
    assert whole("../s.gguf") == f"{tmp_path}/s.gguf", "tidy, also where nothing is"
    assert whole("./new") == f"{tmp_path}/here/new"
    assert whole("..") == str(tmp_path)
    for other in ("org/other", "hf:org/m", "/abs/../m", "pkg:a/b", "x" * 5000, "a\0b"):
        assert whole(other) == other


def test_every_command_that_takes_weights_tells_them_whole(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    server.on("POST /v1/models?wait_ready=false", (200, {"model_uid": "m"}))
    server.on("POST /v1/model_registrations/guess", (200, {"model_type": "LLM", "model": {"model_name": "m"}}))
    headrace("launch", "-n", "m", "--no-wait", "-e", server.url, "-mp", "./m.gguf", "--lora-modules", "a", "../a")
    headrace("register", "--from", "./m", "-e", server.url)
    launched, guessed = (body for _, body, _ in server.seen)
    assert launched["model_path"] == f"{tmp_path}/m.gguf"
    assert launched["peft_model_config"]["lora_list"][0]["local_path"] == f"{tmp_path.parent}/a"
    assert guessed["model_path"] == f"{tmp_path}/m"
    assert f"there is nothing at {tmp_path}/m.gguf" in headrace("cal-model-mem", "--model-path", "./m.gguf").stderr


@pytest.mark.parametrize("text", ["../s.gguf", "./m", "org/../m", "hf:../s.gguf", "hf:org/.."])
def test_a_relative_path_is_no_repository(text: str) -> None:
    with pytest.raises(InvalidRequest, match="names no weights"):
        hub.parse(hub.on_hub(text, None))
