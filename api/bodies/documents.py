"""Bodies for the OpenAPI document. Routes read their bodies themselves, so FastAPI cannot see what they are."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from pydantic import BaseModel


def json_body(shape: type[BaseModel]) -> dict[str, Any]:
    """A JSON body of this shape, for FastAPI's ``openapi_extra``."""
    return body({"application/json": schema(shape)})


def body(schemas: Mapping[str, Any]) -> dict[str, Any]:
    """A body of one of these media types, each with its schema, for FastAPI's ``openapi_extra``."""
    content = {media_type: {"schema": one} for media_type, one in schemas.items()}
    return {"requestBody": {"required": True, "content": content}}


@cache
def schema(shape: type[BaseModel]) -> dict[str, Any]:
    """A shape's JSON Schema with its references resolved, since it becomes part of another document.

    It takes up to 0.1 s, and some shapes have several routes. Whoever changes it must copy it.
    """
    whole: dict[str, Any] = shape.model_json_schema()
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
