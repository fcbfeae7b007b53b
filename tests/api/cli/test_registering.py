"""``headrace register`` and ``unregister`` (``api.cli.registering``): what they ask, and what they tell."""

import json
from pathlib import Path

from tests.api.cli.test_cli import Server, headrace, server

__all__ = ["server"]


def test_the_type_of_what_is_registered_is_found(server: Server) -> None:
    for kind in ("LLM", "image", "audio", "video", "embedding", "rerank"):
        mine = [{"model_name": "mine", "is_builtin": kind != "rerank"}]
        server.on(f"GET /v1/model_registrations/{kind}?detailed=true", (200, json.dumps(mine)))
    server.on("DELETE /v1/model_registrations/rerank/mine", (200, "null"))
    server.on("DELETE /v1/model_registrations/LLM/none", (404, json.dumps({"error": {"message": "no", "code": "x"}})))
    assert headrace("unregister", "-n", "mine", "-e", server.url).stdout == "unregistered mine\n"
    assert headrace("unregister", "-n", "none", "-e", server.url).stderr == "headrace: no\n"


def test_what_has_no_effect_is_told(server: Server, tmp_path: Path) -> None:
    (tmp_path / "spec.json").write_text('{"model_name": "m", "colour": "blue"}')
    server.headers["x-headrace-ignored"] = "model.colour, model.stop_token_ids"
    server.on("POST /v1/model_registrations/LLM", (200, "null"))
    done = headrace("register", "-f", str(tmp_path / "spec.json"), "-e", server.url)
    assert done.stdout == "registered m, of type LLM\n"
    assert done.stderr == "without effect here: colour, stop_token_ids\n"
    server.headers.clear()
    assert headrace("register", "-f", str(tmp_path / "spec.json"), "-e", server.url).stderr == ""
