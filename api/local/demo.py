"""The demo's models. They are recorded before the gateway starts, so that whoever finds it ready finds them."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy.engine import Connection

from models.engines import FACTS
from models.errors import HeadraceError, UnsupportedParameter
from models.launching import hub, libraries
from models.launching.launch import Launch, resolve, source_of
from models.launching.peek_source import peek
from models.ledger.look import headers_if_any
from models.ledger.placement.needs import needs_of, to_row
from models.rows import instances
from models.rows.database import Database
from models.rows.instances import NewInstance
from models.rows.states import ReplicaState
from models.settings import Settings

DEMO = {"model_uid": "smollm2", "model_name": "smollm2", "model_type": "LLM"}
ON_REQUEST = (
    {"model_uid": "minilm", "model_name": "minilm", "model_type": "embedding", "load_on_request": True},
    {"model_uid": "whisper", "model_name": "whisper", "model_type": "audio", "load_on_request": True},
    {"model_uid": "hibari", "model_name": "hibari", "model_type": "audio", "load_on_request": True},
    {"model_uid": "glyphs", "model_name": "glyphs", "model_type": "image", "load_on_request": True},
)
"""The demo's other models. They are loaded when the first request comes, and use no memory before.

All are placed on whatever device can run them: a GPU that works, else the CPU.
"""
PEEK_S = 10.0


def register(settings: Settings) -> dict[str, str]:
    """Record the demo's models that are not there; of those that cannot be launched, by uid, why."""
    refused: dict[str, str] = {}
    database = Database(settings.database)
    try:
        for model in (DEMO, *ON_REQUEST):
            try:
                database.call(_ensure, _prepared(model, settings))
            except HeadraceError as error:
                refused[str(model["model_uid"])] = error.message
    finally:
        database.close()
    return refused


def _prepared(model: Mapping[str, Any], settings: Settings) -> NewInstance:
    """The instance that a demo model is. Raises UnsupportedParameter where its engine is not installed."""
    launch = Launch(**model)
    seen = peek(hub.parse(source_of(launch)), PEEK_S)
    new = resolve(launch, seen, trust_remote_code=False)
    facts = FACTS[new.engine]
    if not settings.interpreter(new.engine):  # else another environment has it, and its worker says whether
        versions = libraries.look(facts.libraries)["versions"]
        if why := libraries.known(facts, "cpu", versions, "this Python"):
            raise UnsupportedParameter(why, param="model_engine")
    headers = headers_if_any(new, seen, half=True, within_s=PEEK_S) if seen is not None else None
    return replace(new, need=None if headers is None else to_row(needs_of(new.engine, headers, new.options)))


def _ensure(connection: Connection, new: NewInstance) -> None:
    """Record an instance unless it is there; one that has failed is launched anew."""
    if instances.get(connection, new.uid) is not None:
        rows = instances.replicas_of(connection, new.uid)
        if not rows or any(row.state != ReplicaState.FAILED for row in rows):
            return
        instances.delete(connection, new.uid, "start", why="launched anew")
    instances.create(connection, new, "start")
