"""A chat template tried out: what it makes of a conversation, before any model is launched with it."""

import asyncio
import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from pydantic import Field

from api.bodies import fields
from api.bodies.documents import json_body
from api.edge.caller import admin_only
from api.gateway.gateway import Gateway, gateway_of
from api.routes.models.preparing import prepared
from api.routes.templates.asking import rendered
from api.shapes.as_written import AsWritten
from api.shapes.templates import RenderedTemplate
from models.errors import BodyTooLarge, InvalidRequest, Unavailable
from models.launching.chat_templates import describes_tools
from models.launching.launch import Launch
from models.launching.peek import Peek
from models.modalities.base import Bool
from models.modalities.json_object import JsonObject

router = APIRouter(tags=["models"], route_class=AsWritten)

MOST_BYTES = 1 << 20
"""Most bytes of what a template is given."""

_TURNS = asyncio.Semaphore(2)
"""Templates that are rendered at once: each has a process."""


class TemplateBody(JsonObject):
    """A chat template, or the weights that have one, and the conversation that it is given."""

    chat_template: Annotated[str, Field(min_length=1, max_length=1 << 17)] | None = None
    model_path: Annotated[str, Field(min_length=1, max_length=1000)] | None = Field(
        None, description="where the template is taken from, where none is given: a path, or hf:org/name"
    )
    messages: list[dict[str, Any]] = Field(min_length=1, max_length=100)
    tools: list[dict[str, Any]] | None = Field(None, max_length=100)
    enable_thinking: Bool | None = None
    add_generation_prompt: Bool | None = None


@router.post(
    "/v1/chat_templates/render",
    summary="Try a chat template",
    dependencies=[Depends(admin_only)],
    openapi_extra=json_body(TemplateBody),
)
async def render_template(request: Request) -> RenderedTemplate:
    """What a chat template makes of a conversation; or its ``error``, and the line of the template where it lies.

    It is rendered as the engines do it, in a sandbox: within seconds, and without files, network and much memory.
    """
    gateway, body = gateway_of(request), await fields.read(request, TemplateBody)
    template, special = body.chat_template, dict[str, str]()
    if body.model_path is not None:
        seen = await _seen(gateway, body.model_path)
        template, special = template or seen.template, special_tokens(seen.documents)
    if not template:
        raise InvalidRequest("there is no chat template: give one, or weights that have one", param="chat_template")
    variables = variables_of(body) | special
    try:
        size = len(json.dumps(variables))
    except RecursionError as error:
        raise InvalidRequest("'messages' and 'tools' are nested too deeply", param="messages") from error
    if size > MOST_BYTES:
        raise BodyTooLarge(f"'messages' and 'tools' are larger than {MOST_BYTES} bytes")
    async with _TURNS:
        text, fault = await gateway.blocking(rendered, template, variables)
    return {
        "chat_template": template,
        "text": text,
        "error": fault,
        "describes_tools": describes_tools(template),
        "takes_thinking": "enable_thinking" in template,
    }


async def _seen(gateway: Gateway, place: str) -> Peek:
    """What is seen of weights. Raises InvalidRequest, and Unavailable where they cannot be seen from here."""
    seen = (await prepared(gateway, Launch(model_name="tried", model_path=place))).seen
    if seen is None:
        raise Unavailable("the weights cannot be seen from here, and so neither their template", param="model_path")
    return seen


def variables_of(body: TemplateBody) -> dict[str, Any]:
    """What the engines give a template. Pure."""
    variables: dict[str, Any] = {
        "messages": [_turn(message) for message in body.messages],
        "add_generation_prompt": body.add_generation_prompt is not False,
    }
    if body.tools:
        variables["tools"] = body.tools
    if body.enable_thinking is not None:
        variables["enable_thinking"] = body.enable_thinking
    return variables


def special_tokens(documents: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """The tokens that a tokenizer's configuration names: templates write the first, and the last of a turn. Pure."""
    known = documents.get("tokenizer_config.json", {})
    found = {name: known.get(name) for name in ("bos_token", "eos_token", "unk_token", "pad_token")}
    texts = {name: one.get("content") if isinstance(one, dict) else one for name, one in found.items()}
    return {name: text for name, text in texts.items() if isinstance(text, str)}


def _turn(message: dict[str, Any]) -> dict[str, Any]:
    """A message as templates read it: what functions are called with is an object there, not JSON."""
    calls = message.get("tool_calls")
    return message | {"tool_calls": [_call(one) for one in calls]} if isinstance(calls, list) else message


def _call(call: Any) -> Any:
    function = call.get("function") if isinstance(call, dict) else None
    if not isinstance(function, dict) or not isinstance(function.get("arguments"), str):
        return call
    with suppress(ValueError, RecursionError):
        return call | {"function": function | {"arguments": json.loads(function["arguments"])}}
    return call
