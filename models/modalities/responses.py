"""Responses, as ``POST /v1/responses`` of the OpenAI API (reference of November 2026): a protocol over chat.

``CreateResponse`` is what a client sends; ``Request`` what a runner is handed, in which the gateway has put the items
of earlier responses before the input.
"""

from functools import cached_property
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, ValidationError, ValidationInfo, field_validator, model_validator
from pydantic_core import PydanticCustomError

from models.errors import InvalidRequest
from models.modalities import chat
from models.modalities.base import BaseRequest, Bool, Float, Int, Usage
from models.modalities.chat_tools import NAME
from models.modalities.responses_items import Item, ItemReference, MessageItem, Strict, conversation, known
from models.modalities.responses_reply import Writer
from models.modalities.structure import Schema, bounded_schema
from models.modalities.text import Delta
from models.validation import from_validation

LOGPROBS = "message.output_text.logprobs"


class FunctionTool(Strict):
    """A function that may be called: its name, what it is for, and the JSON schema of its arguments."""

    type: Literal["function"]
    name: Annotated[str, Field(pattern=NAME)]
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: Bool | None = None
    output_schema: dict[str, Any] | None = Field(None, description="for the client's own use")
    allowed_callers: list[Literal["direct"]] | None = None
    async_: Literal[False] | None = Field(None, alias="async")
    defer_loading: Literal[False] | None = None

    @field_validator("parameters")
    @classmethod
    def _bounded(cls, value: dict[str, Any] | None) -> dict[str, Any] | None:
        found: dict[str, Any] | None = bounded_schema(value)
        return found


class NamedTool(Strict):
    """This function must be called."""

    type: Literal["function"]
    name: Annotated[str, Field(pattern=NAME)]


class AllowedTools(Strict):
    """Only these of the tools may be called, or one of them must."""

    type: Literal["allowed_tools"]
    mode: Literal["auto", "required"]
    tools: Annotated[list[Annotated[NamedTool, known("function")]], Field(min_length=1, max_length=256)]


ToolChoice = Annotated[
    Literal["none", "auto", "required"] | Annotated[NamedTool | AllowedTools, Field(discriminator="type")],
    known("function", "allowed_tools"),
]


class TextFormat(Strict):
    """What form the answer must take. Engines without constrained decoding refuse all but ``text``."""

    type: Literal["text", "json_object", "json_schema"]
    name: Annotated[str, Field(max_length=64)] | None = None
    description: str | None = None
    schema_: Schema | None = Field(None, alias="schema")
    strict: Bool | None = None

    @field_validator("schema_")
    @classmethod
    def _bounded(cls, value: Any) -> Any:
        return bounded_schema(value)

    @model_validator(mode="after")
    def _whole(self) -> "TextFormat":
        if (self.type == "json_schema") != (self.schema_ is not None):
            raise PydanticCustomError(
                "invalid_value", "a schema goes with type 'json_schema', and it with that", {"param": "schema"}
            )
        return self


class TextConfig(Strict):
    """Of the text of the answer."""

    format: TextFormat | None = None
    verbosity: Literal["medium"] | None = None


class Reasoning(Strict):
    """Whether and how long the model thinks. What it thought is given as it is: no summary is made of it."""

    effort: Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"] | None = None
    summary: Literal["auto"] | None = None
    generate_summary: Literal["auto"] | None = None
    context: Literal["auto"] | None = None
    mode: Literal["standard"] | None = None


class StreamOptions(Strict):
    """OpenAI's ``stream_options`` of this endpoint."""

    include_obfuscation: Literal[False] | None = None


class CreateResponse(BaseRequest):
    """Body of a response. Without ``store: false`` the response is kept, and another can go on from it."""

    INERT: ClassVar[dict[str, tuple[Any, ...]]] = {
        "access_programs": (),
        "background_options": ({"completion_window": "soonest"},),
        "context_management": ([],),
        "conversation": (),
        "image": ({"context_compression": "auto"}, {"context_compression": "disabled"}),
        "moderation": (),
        "prompt": (),
        "prompt_cache_options": (),
        "prompt_cache_retention": ("in_memory",),
        "service_tier": ("auto", "default"),
        "truncation": ("disabled",),
    }

    OUTER: ClassVar[dict[str, str]] = {
        "messages": "input",
        "response_format": "text",
        "max_completion_tokens": "max_output_tokens",
        "reasoning_effort": "reasoning",
        "enable_thinking": "reasoning",
        "logprobs": "include",
    }

    input: str | Annotated[list[Item], Field(min_length=1, max_length=4096)]
    instructions: str | None = None
    previous_response_id: Annotated[str, Field(max_length=64)] | None = None
    store: Bool | None = None
    background: Bool | None = None
    stream: Bool | None = None
    stream_options: StreamOptions | None = None
    temperature: Annotated[Float, Field(ge=0, le=2)] | None = None
    top_p: Annotated[Float, Field(gt=0, le=1)] | None = None
    max_output_tokens: Annotated[Int, Field(ge=1, le=1 << 24)] | None = None
    max_tool_calls: Annotated[Int, Field(ge=1)] | None = Field(
        None, description="of tools that the platform runs, of which there are none"
    )
    tools: Annotated[list[Annotated[FunctionTool, known("function")]], Field(max_length=256)] | None = None
    tool_choice: ToolChoice | None = None
    parallel_tool_calls: Bool | None = None
    text: TextConfig | None = None
    reasoning: Reasoning | None = None
    top_logprobs: Annotated[Int, Field(ge=0, le=20)] | None = None
    include: (
        Annotated[
            list[
                Literal[
                    "message.output_text.logprobs",
                    "message.input_image.image_url",
                    "reasoning.encrypted_content",
                    "file_search_call.results",
                    "web_search_call.results",
                    "web_search_call.action.sources",
                    "computer_call_output.output.image_url",
                    "code_interpreter_call.outputs",
                ]
            ],
            Field(max_length=16),
        ]
        | None
    ) = Field(None, description="what a model thought is in its reasoning item in any case, and need not be encrypted")
    metadata: (
        Annotated[
            dict[Annotated[str, Field(max_length=64)], Annotated[str, Field(max_length=512)]], Field(max_length=16)
        ]
        | None
    ) = None
    safety_identifier: Annotated[str, Field(max_length=512)] | None = None
    prompt_cache_key: Annotated[str, Field(max_length=256)] | None = None

    access_programs: Any = None
    background_options: Any = None
    context_management: Any = None
    conversation: Any = None
    image: Any = None
    moderation: Any = None
    prompt: Any = None
    prompt_cache_options: Any = None
    prompt_cache_retention: Any = None
    service_tier: Any = None
    truncation: Any = None

    @field_validator("stream_options")
    @classmethod
    def _needs_stream(cls, value: StreamOptions | None, info: ValidationInfo) -> StreamOptions | None:
        if value is not None and not info.data.get("stream"):
            raise PydanticCustomError("invalid_value", "only allowed when 'stream' is true")
        return value

    @model_validator(mode="after")
    def _kept_in_background(self) -> "CreateResponse":
        if self.background and not self.keeps:
            raise PydanticCustomError("invalid_value", "what is answered in the background is kept", {"param": "store"})
        return self

    @property
    def keeps(self) -> bool:
        """Whether the response is to be kept."""
        return self.store is not False

    @property
    def items(self) -> list[Any]:
        """The input, as items."""
        return [MessageItem(role="user", content=self.input)] if isinstance(self.input, str) else self.input


class Request(CreateResponse):
    """What is asked, whole. ``earlier`` are the items of the responses that it goes on from, oldest first."""

    earlier: Annotated[list[Item], Field(max_length=1 << 16)] | None = Field(
        None, description="items that precede the input: those of earlier responses"
    )

    @model_validator(mode="after")
    def _can_be_asked(self) -> "Request":
        if not self._refers:
            _ = self._chat
        return self

    def inner(self) -> chat.Request:
        """See ``BaseRequest``. Raises InvalidRequest where it speaks of responses that were not looked for."""
        if self.previous_response_id is not None and self.earlier is None:
            raise InvalidRequest("only POST /v1/responses goes on from a response", param="previous_response_id")
        if self._refers:
            raise InvalidRequest("only POST /v1/responses looks for items", param="input")
        return self._chat

    @property
    def budget(self) -> int:
        """See ``BaseRequest``."""
        return self.max_output_tokens or 256

    @property
    def prefix(self) -> str:
        """See ``BaseRequest``."""
        return self._chat.prefix

    @property
    def _refers(self) -> bool:
        return any(isinstance(one, ItemReference) for one in self.items)

    @cached_property
    def _chat(self) -> chat.Request:
        effort = self.reasoning.effort if self.reasoning is not None else None
        found = {
            "model": self.model,
            "messages": conversation([*(self.earlier or []), *self.items], self.instructions),
            "user": self.user,
            "stream": self.stream or None,
            "temperature": self.temperature,
            "top_p": self.top_p,
            "max_completion_tokens": self.max_output_tokens,
            "reasoning_effort": effort,
            "enable_thinking": True if effort not in (None, "none") else None,
            "response_format": self._form(),
            "logprobs": self.wants_logprobs or None,
            "top_logprobs": self.top_logprobs if self.wants_logprobs else None,
            "prompt_cache_key": self.prompt_cache_key,
            **self._tools(),
        }
        try:
            return chat.Request.model_validate({name: value for name, value in found.items() if value is not None})
        except ValidationError as error:
            wrong = self.outward(from_validation(list(error.errors())))
            why = {"param": wrong.param or "input", "why": wrong.message}
            raise PydanticCustomError("invalid_value", "{why}", why) from None

    @property
    def wants_logprobs(self) -> bool:
        """Whether the answer's tokens are to come with their log probabilities."""
        return LOGPROBS in (self.include or []) or bool(self.top_logprobs)

    def _form(self) -> dict[str, Any] | None:
        form = self.text.format if self.text is not None else None
        if form is None:
            return None
        if form.type != "json_schema":
            return {"type": form.type}
        named = {"name": form.name or "answer", "description": form.description, "schema": form.schema_}
        return {"type": form.type, "json_schema": named | {"strict": form.strict}}

    def _tools(self) -> dict[str, Any]:
        tools, choice = self.tools or [], self.tool_choice
        sent: Any = choice
        if isinstance(choice, NamedTool):
            sent = {"type": "function", "function": {"name": choice.name}}
        elif isinstance(choice, AllowedTools):
            allowed = {one.name for one in choice.tools}
            if missing := allowed - {one.name for one in tools}:
                raise PydanticCustomError(
                    "invalid_value",
                    "'tool_choice' names a function that is not among 'tools': {name}",
                    {"param": "tool_choice", "name": min(missing)},
                )
            tools, sent = [one for one in tools if one.name in allowed], choice.mode
        about = ("name", "description", "parameters", "strict")
        functions = [{name: value for name in about if (value := getattr(one, name)) is not None} for one in tools]
        return {
            "tools": [{"type": "function", "function": one} for one in functions] or None,
            "tool_choice": sent,
            "parallel_tool_calls": self.parallel_tool_calls if tools else None,
        }


def described(request: CreateResponse, id: str, created: int) -> dict[str, Any]:
    """The ``response`` object of a request of which nothing else is known yet."""
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
    """Writes the events of a response, or the ``response`` object."""

    def __init__(self, rid: str, request: Request, created: int) -> None:
        self._stream = request.streams
        about = described(request, f"resp_{rid}", created)
        self._writer = Writer(about, logprobs=request.wants_logprobs, quiet=not self._stream)

    def start(self) -> bytes:
        """The events that announce the response, or for an answer that is not streamed, nothing yet."""
        return self._writer.begin()

    def delta(self, delta: Delta) -> bytes:
        """The events of one delta, likewise."""
        return self._writer.add(delta)

    def end(self, usage: Usage, result: Any = None) -> bytes:
        """The events that close the response, or the whole of it."""
        closing, body = self._writer.end(usage)
        return closing if self._stream else body
