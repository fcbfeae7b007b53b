"""The document from which the web UI's client is made: as it is kept, and fully typed where the UI reads."""

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from api.openapi_document import FILE, document

READ = re.compile(
    r"/v1/(models|events|devices|workers|cluster/info|autostart|launch_history|engines|model_registrations|cache|jobs"
    r"|files|batches|chat/completions|completions|audio|images|embeddings|rerank|score|tokenize|detokenize"
    r"|chat_templates|cluster/nodes|catalogue_versions)(/(?!\{owner\}).*)?|/version|/readyz|/healthz"
)
"""The paths that the web UI reads."""

FREE = {
    "OptionsSchema.properties": "an engine's options are JSON Schema themselves",
    "OptionsSchema.$defs": "what options have in common, as JSON Schema",
    "job_result": "it is the answer of the endpoint that the job is for",
    "file_content": "the bytes of a file",
    "AskedJob.input": "the body of the endpoint that the job is for",
    "Model.defaults": "what its engine has for pictures and videos",
    "ModelEvent.data": "what belongs to a kind of event",
    "PastLaunch.data": "the body of a launch, as far as it is kept",
    "Registration.options": "options of engines",
}
"""What is not typed further, and why."""


@pytest.fixture(scope="module")
def told() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(document())
    return found


def operations(told: Mapping[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in told["paths"].items():
        for method, operation in methods.items():
            yield method, path, operation


def test_the_kept_document_is_todays(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = FILE.read_text(encoding="utf-8")
    assert kept == document(), "run `make openapi` (python -m api.openapi_document)"
    settings = {"API_KEY": "k", "ADMIN_KEY": "a", "PORT": "9", "NODE": "else", "REDIS_URL": "redis://x", "HOST": "::1"}
    for name, value in settings.items():
        monkeypatch.setenv(f"HEADRACE_{name}", value)
    assert kept == document()


def test_every_operation_has_a_short_name_of_its_own(told: Mapping[str, Any]) -> None:
    names = Counter(operation["operationId"] for _, _, operation in operations(told))
    assert [name for name, count in names.items() if count > 1] == []
    assert all(re.fullmatch(r"[a-z][a-z0-9_]{2,40}", name) for name in names)


def test_what_the_ui_reads_is_typed(told: Mapping[str, Any]) -> None:
    read = [(path, operation) for _, path, operation in operations(told) if READ.fullmatch(path)]
    assert len(read) >= 50
    found = [one for _, operation in read for one in untyped_of(operation, told["components"]["schemas"])]
    assert sorted(set(found)) == sorted(FREE)


def test_what_goes_on_is_told_of_as_events(told: Mapping[str, Any]) -> None:
    follows = [
        operation
        for _, _, operation in operations(told)
        if any(one["name"] == "follow" for one in operation.get("parameters", ()))
    ]
    assert len(follows) == 4
    for operation in follows:
        assert {"application/json", "text/event-stream"} == operation["responses"]["200"]["content"].keys()


def untyped_of(operation: Mapping[str, Any], components: Mapping[str, Any]) -> list[str]:
    """The parts of an operation's good answers that have no type, by the name of the type that has them."""
    name = operation["operationId"]
    answers = [answer.get("content") for code, answer in operation["responses"].items() if code[0] == "2"]
    if not any(answers):
        return [name]
    schemas = [one["schema"] for content in answers for kind, one in (content or {}).items() if _is_read(kind)]
    if not schemas:
        return [name]
    seen: set[str] = set()
    return [one for schema in schemas for one in _untyped(schema, name, components, seen)]


def _is_read(kind: str) -> bool:
    return "json" in kind or kind == "text/event-stream"


def _untyped(schema: Mapping[str, Any], name: str, components: Mapping[str, Any], seen: set[str]) -> Iterator[str]:
    if "$ref" in schema:
        one = schema["$ref"].rpartition("/")[2]
        if one not in seen:
            seen.add(one)
            yield from _untyped(components[one], one, components, seen)
        return
    if "properties" in schema:
        name = schema.get("title", name)
    for inner in schema.get("anyOf", ()):
        yield from _untyped(inner, name, components, seen)
    for field, inner in schema.get("properties", {}).items():
        yield from _untyped(inner, f"{name}.{field}", components, seen)
    if "items" in schema:
        yield from _untyped(schema["items"], name, components, seen)
    beside = schema.get("additionalProperties")
    if isinstance(beside, dict):
        yield from _untyped(beside, name, components, seen)
    kind = schema.get("type")
    bare = kind == "object" and not schema.get("properties") and not isinstance(beside, dict)
    if bare or (kind == "array" and "items" not in schema) or not {"type", "anyOf", "enum", "const"} & schema.keys():
        yield name


def test_what_has_no_type_is_found() -> None:
    """The walk itself."""

    def walk(schema: Any, **components: Any) -> list[str]:
        answer = {"200": {"content": {"application/json": {"schema": schema}}}}
        return untyped_of({"operationId": "ask", "responses": answer}, components)

    assert walk({}) == walk({"type": "array", "items": {}}) == ["ask"]
    assert walk({"type": "object", "additionalProperties": True}) == ["ask"]
    held = {"type": "object", "properties": {"a": {"type": "object"}, "b": {"type": "null"}}}
    assert walk({"anyOf": [{"$ref": "#/components/schemas/Held"}, {"type": "null"}]}, Held=held) == ["Held.a"]
    assert walk({"type": "object", "additionalProperties": {"type": "string"}}) == []
