"""Anthropic's Messages API, on its own path and under ``/anthropic``: one address serves clients of both protocols."""

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel
from starlette.responses import Response

from api.bodies import fields
from api.bodies.documents import json_body
from api.requests import answering
from api.routes import models
from api.routes.models.uids import Uid
from api.shapes.models import Model
from api.shapes.pages import ends_of
from models.errors import InvalidRequest
from models.modalities import messages
from models.modalities.messages import count


class AnthropicDetails(BaseModel):
    """What went wrong, in Anthropic's shape; ``details`` has our code and the parameter at fault."""

    type: str
    message: str
    details: dict[str, str | None]


class AnthropicEnvelope(BaseModel):
    """The body of every answer that is an error."""

    type: str
    error: AnthropicDetails
    request_id: str | None


FAILURES: dict[int | str, dict[str, Any]] = {
    "4XX": {"model": AnthropicEnvelope, "description": "The request is at fault"},
    "5XX": {"model": AnthropicEnvelope, "description": "The platform is at fault, or full"},
}
router = APIRouter(tags=["anthropic"], responses=FAILURES)


@router.post("/v1/messages", summary="Message", openapi_extra=json_body(messages.Request))
@router.post(
    "/anthropic/v1/messages",
    summary="Message",
    operation_id="anthropic_create_message",
    openapi_extra=json_body(messages.Request),
)
async def create_message(request: Request) -> Response:
    """Answer a conversation. Streams server-sent events where ``stream`` is true."""
    return await answering.answer(request, "messages", await fields.read(request, messages.Request))


@router.post(
    "/v1/messages/count_tokens", summary="Count the tokens of a message", openapi_extra=json_body(count.Request)
)
@router.post(
    "/anthropic/v1/messages/count_tokens",
    summary="Count the tokens of a message",
    operation_id="anthropic_count_message_tokens",
    openapi_extra=json_body(count.Request),
)
async def count_message_tokens(request: Request) -> Response:
    """How many tokens the prompt of a message would have, its tools and system prompt included."""
    return await answering.answer(request, "messages_count", await fields.read(request, count.Request))


Cursor = Annotated[str | None, Query(max_length=100, description="the id of a model")]


@router.get("/anthropic/v1/models", summary="List models that chat")
async def anthropic_list_models(
    request: Request,
    before_id: Cursor = None,
    after_id: Cursor = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 20,
) -> dict[str, Any]:
    """A page of the models that answer messages, in the order of their launches."""
    launched = (await models.list_models(request))["data"]
    listed = [_model(one) for one in launched if "chat" in one["model_ability"]]
    ids = [one["id"] for one in listed]
    for name, given in (("before_id", before_id), ("after_id", after_id)):
        if given is not None and given not in ids:
            raise InvalidRequest(f"there is no model '{given}'", param=name)
    if before_id is not None:
        listed = listed[: ids.index(before_id)]
        page, more = listed[-limit:], len(listed) > limit
    else:
        listed = listed[ids.index(after_id) + 1 :] if after_id is not None else listed
        page, more = listed[:limit], len(listed) > limit
    return {"data": page, **ends_of(page, more=more)}


@router.get("/anthropic/v1/models/{uid:uid}", summary="Describe a model")
async def anthropic_describe_model(request: Request, uid: Uid) -> dict[str, Any]:
    """One model. 404 if it was not launched."""
    return _model(await models.describe_model(request, uid))


def _model(described: Model) -> dict[str, Any]:
    return {
        "type": "model",
        "id": described["id"],
        "display_name": described["model_name"],
        "created_at": datetime.fromtimestamp(described["created"], UTC).isoformat(),
        "lifecycle": "active",
        "max_input_tokens": described["context_length"],
        "max_tokens": described["context_length"],
    }
