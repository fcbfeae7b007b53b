"""Models that are launched by their folder alone: no engine and no type is named."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from models.launching.launch import Launch, resolve
from models.launching.peek import peek_at
from tests.engines.driver import Driver
from workers.engines import engine_class
from workers.engines.base import EngineSite


@asynccontextmanager
async def launched(folder: Path, **options: Any) -> AsyncIterator[Driver]:
    """The engine that a launch of this folder is resident on. Raises what the launch is refused with."""
    launch = Launch.model_validate({"model_name": folder.name, "model_path": str(folder)} | options)
    instance = resolve(launch, peek_at(folder), trust_remote_code=False)
    site = EngineSite(str(folder), "cpu", instance.options)
    engine = await engine_class(instance.engine).resident(site, lambda stage, fraction: None)
    try:
        yield Driver(instance.engine, engine)
    finally:
        engine.close()
