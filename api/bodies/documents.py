"""Bodies and answers for the OpenAPI document. Routes read and write them themselves, so FastAPI cannot see them."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from pydantic import BaseModel, TypeAdapter

JSON = "application/json"
TEXT = {"type": "string"}
BINARY = {"type": "string", "format": "binary"}
"""The schemas of text and of bytes."""


def json_body(shape: type[BaseModel]) -> dict[str, Any]:
    """A JSON body of this shape, for FastAPI's ``openapi_extra``."""
    return body({JSON: schema(shape)})


def body(schemas: Mapping[str, Any]) -> dict[str, Any]:
    """A body of one of these media types, each with its schema, for FastAPI's ``openapi_extra``."""
    content = {media_type: {"schema": one} for media_type, one in schemas.items()}
    return {"requestBody": {"required": True, "content": content}}


def answers(whole: Mapping[str, Any], event: Any, description: str = "Successful Response") -> dict[int | str, Any]:
    """The answer in these media types, or as server-sent events of which each is so, for FastAPI's ``responses``."""
    kinds = {**whole, "text/event-stream": schema(event)}
    content = {media_type: {"schema": one} for media_type, one in kinds.items()}
    return {200: {"description": description, "content": content}}


def followed(event: Any) -> dict[int | str, Any]:
    """Server-sent events, of which each is so, beside what there is now as JSON, for FastAPI's ``responses``."""
    return answers({}, event, "What there is now; server-sent events where `follow` is true")


@cache
def schema(shape: Any) -> dict[str, Any]:
    """A shape's JSON Schema with its references resolved, since it becomes part of another document.

    It takes up to 0.1 s, and some shapes have several routes. Whoever changes it must copy it.
    """
    whole: dict[str, Any] = TypeAdapter(shape).json_schema()
    parts = whole.pop("$defs", {})

    def put(value: Any) -> Any:
        if isinstance(value, dict):
            if "$ref" in value:
                return put(parts[value["$ref"].removeprefix("#/$defs/")])
            if "propertyName" in value:  # a discriminator, whose mapping names parts that are no longer there
                return {"propertyName": value["propertyName"]}
            return {key: put(one) for key, one in value.items()}
        return [put(one) for one in value] if isinstance(value, list) else value

    inlined: dict[str, Any] = put(whole)
    return inlined
