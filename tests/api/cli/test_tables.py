"""What the command line prints of launches and of the catalogue."""

import json

import pytest

from api.cli.models import print_table
from api.local.listing import lines_of
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


def test_a_reason_that_models_share_is_said_once() -> None:
    away = "h cannot be reached, and 'hf:org/{}' is not whole"
    said = lines_of(
        [("a", away.format("a"), "next try at 10:00:00"), ("b", "no room", ""), ("c", away.format("c"), "")]
    )
    assert said == [
        "a (next try at 10:00:00), c: h cannot be reached, and a model's repository is not whole",
        "b: no room",
    ]
    assert lines_of([("a", away.format("a"), "not tried again")]) == [f"a: {away.format('a')}; not tried again"]


def test_nothing_that_was_fetched_is_said(server: Server) -> None:
    server.on("GET /v1/cache/models", (200, {"list": []}))
    assert headrace("cached", "-e", server.url).stdout == "nothing was fetched from hubs yet\n"


def test_a_pinned_model_with_a_keep_alive_is_told_of(server: Server) -> None:
    server.on("POST /v1/models?wait_ready=false", (200, {"model_uid": "m"}))
    asked = ("launch", "-n", "m", "--no-wait", "-e", server.url, "--keep-alive", "2s")
    assert headrace(*asked, "--pinned").stderr.startswith("a pinned model stays loaded")
    assert headrace(*asked, "--pinned", "false").stderr == ""


def test_what_a_model_needs_is_shown_also_where_it_runs(server: Server) -> None:
    way = {"engine": "llama_cpp", "model_format": "ggufv2", "model_size_in_billions": 7, "quantization": "q4_k_m"}
    way |= {"runs": True, "devices": ["n.cpu"], "reason": None, "needs": {"total_bytes": 5 << 30}}
    server.on("GET /v1/engines/m?detailed=true", (200, {"model_name": "m", "data": [way, way | {"needs": None}]}))
    title, *rows = headrace("engine", "-n", "m", "-e", server.url).stdout.splitlines()
    assert title.split()[4:] == ["GiB", "runs", "on", "why"]
    assert [row.split()[4] for row in rows] == ["5.0", "-"]
