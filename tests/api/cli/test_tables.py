"""What the command line prints of launches and of the catalogue."""

import json

import pytest

from api.cli.models import print_table
from tests.api.cli.test_cli import Server, headrace, progress, server

__all__ = ["server"]


def test_a_reason_is_not_said_twice(server: Server) -> None:
    server.on("POST /v1/models?wait_ready=false", (200, {"model_uid": "m", "reason": "m on echo", "model_path": None}))
    why = "the file is broken"
    server.on("GET /v1/models/m/progress", progress(0.1, "loading", why), progress(0.0, "failed", why))
    done = headrace("launch", "-n", "m", "-e", server.url)
    assert done.stderr.splitlines() == [
        "m on echo",
        f"loading: {why}",
        "headrace: the model 'm' could not be loaded (more: headrace logs -u m)",
    ]


def test_registrations_are_found_by_a_part_of_their_name(server: Server) -> None:
    one = {"model_type": "LLM", "model_ability": ["chat"], "model_specs": [], "engines": []}
    listed = [one | {"model_name": "qwen2.5-instruct", "aliases": ["tongyi"]}, one | {"model_name": "phi-4"}]
    server.on("GET /v1/model_registrations/LLM?detailed=true", (200, json.dumps(listed)))
    for part, names in (("QWEN 2.5", ["qwen2.5-instruct"]), ("tongyi", ["qwen2.5-instruct"]), ("phi4", ["phi-4"])):
        title, *rows = headrace("registrations", part, "-t", "LLM", "-e", server.url).stdout.splitlines()
        assert title.split()[:2] == ["type", "name"]
        assert [row.split()[1] for row in rows] == names
    assert "no name has 'gpt' in it" in headrace("registrations", "gpt", "-t", "LLM", "-e", server.url).stderr


def test_a_table_is_cut_where_the_terminal_ends(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(("a", "b"), [{"a": "x" * 30, "b": "y" * 30}], width=40)
    assert [len(line) for line in capsys.readouterr().out.splitlines()] == [33, 40]
