"""The answer of OpenAI's ``POST /v1/responses``: its events, or the whole ``response`` object."""

from typing import Any

from models.modalities.base import Usage
from models.modalities.responses.request import CreateResponse, Request
from models.modalities.responses.writer import Writer
from models.modalities.text import Delta

__all__ = ["CreateResponse", "Reply", "Request", "response_object"]


def response_object(request: CreateResponse, id: str, created: int) -> dict[str, Any]:
    """The ``response`` object of a request that has no output yet."""
    about = request.model_dump(mode="json", exclude_none=True, by_alias=True)
    text = {"format": {"type": "text"}, "verbosity": "medium"} | about.get("text", {})
    return {
        "id": id,
        "object": "response",
        "created_at": created,
        "status": "in_progress",
        "background": bool(request.background),
        "completed_at": None,
        "error": None,
        "incomplete_details": None,
        "instructions": request.instructions,
        "max_output_tokens": request.max_output_tokens,
        "max_tool_calls": request.max_tool_calls,
        "model": request.model,
        "output": [],
        "parallel_tool_calls": request.parallel_tool_calls is not False,
        "previous_response_id": request.previous_response_id,
        "prompt_cache_key": request.prompt_cache_key,
        "reasoning": {"effort": None, "summary": None} | about.get("reasoning", {}),
        "safety_identifier": request.safety_identifier,
        "service_tier": "default",
        "store": request.keeps,
        "temperature": request.temperature,
        "text": text,
        "tool_choice": about.get("tool_choice", "auto"),
        "tools": about.get("tools", []),
        "top_logprobs": request.top_logprobs or 0,
        "top_p": request.top_p,
        "truncation": "disabled",
        "usage": None,
        "user": request.user,
        "metadata": request.metadata or {},
    }


class Reply:
    """Makes the events of a response, or the ``response`` object."""

    def __init__(self, rid: str, request: Request, created: int) -> None:
        self._stream = request.streams
        about = response_object(request, f"resp_{rid}", created)
        names = {one.name: one.called_as for one in request.offered if one.namespace is not None}
        self._writer = Writer(about, logprobs=request.wants_logprobs, stream=self._stream, names=names)

    def start(self) -> bytes:
        """The events that announce the response; nothing if the answer is not streamed."""
        return self._writer.begin()

    def delta(self, delta: Delta) -> bytes:
        """The events of one delta; nothing if the answer is not streamed."""
        return self._writer.add(delta)

    def end(self, usage: Usage, result: Any = None) -> bytes:
        """The events that close the response, or the whole ``response`` object."""
        closing, body = self._writer.end(usage)
        return closing if self._stream else body
