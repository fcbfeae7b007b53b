"""Which model is meant by a path with a slash (``api.routes.engines.ways``)."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from api.routes.engines import ways
from models.errors import ModelNotFound, NotFound


def ask(monkeypatch: pytest.MonkeyPatch, kind: str, name: str) -> dict[str, Any]:
    async def answer(gateway: Any, name: str, model_type: str | None, detailed: bool) -> dict[str, Any]:
        if name != "Qwen/Qwen3-8B":
            raise ModelNotFound("there is none")
        return {"of": (name, model_type)}

    monkeypatch.setattr(ways, "_answer", answer)
    request: Any = SimpleNamespace(app=SimpleNamespace(state=SimpleNamespace(gateway=None)))
    told: Any = asyncio.run(ways.engines_for_type(request, kind, name))
    assert isinstance(told, dict)
    return told


def test_a_name_may_have_a_slash(monkeypatch: pytest.MonkeyPatch) -> None:
    assert ask(monkeypatch, "Qwen", "Qwen3-8B") == {"of": ("Qwen/Qwen3-8B", None)}
    assert ask(monkeypatch, "llm", "Qwen/Qwen3-8B") == {"of": ("Qwen/Qwen3-8B", "LLM")}
    with pytest.raises(NotFound, match="there is no type 'Nobody'"):
        ask(monkeypatch, "Nobody", "none")
