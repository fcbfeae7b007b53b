"""Bodies for the OpenAPI document. Routes read their bodies themselves, so FastAPI cannot see what they are."""

from typing import Any

from pydantic import BaseModel


def json_body(shape: type[BaseModel]) -> dict[str, Any]:
    """A JSON body of this shape, for FastAPI's ``openapi_extra``."""
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema(shape)}}}}


def schema(shape: type[BaseModel]) -> dict[str, Any]:
    """A shape's JSON Schema with its references resolved, since it becomes part of another document."""
    whole: dict[str, Any] = shape.model_json_schema()
    parts = whole.pop("$defs", {})

    def put(value: Any) -> Any:
        if isinstance(value, dict):
            if "$ref" in value:
                return put(parts[value["$ref"].removeprefix("#/$defs/")])
            return {key: put(one) for key, one in value.items()}
        return [put(one) for one in value] if isinstance(value, list) else value

    inlined: dict[str, Any] = put(whole)
    return inlined
