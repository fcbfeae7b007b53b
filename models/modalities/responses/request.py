"""The requests of OpenAI's Responses API, and the chat request that they become.

``CreateResponse`` and ``CountTokens`` are what a client sends. A runner gets a ``ResolvedPrompt``, in which the gateway
has put the items of earlier responses before the input.
"""

from functools import cached_property
from typing import Annotated, Any, ClassVar, Self

from pydantic import Field, ValidationError, ValidationInfo, field_validator, model_validator
from pydantic_core import PydanticCustomError

from models.errors import InvalidRequest
from models.modalities import chat
from models.modalities.base import BaseRequest, Bool, Float, Int, Metadata, streaming_only
from models.modalities.json_object import objects
from models.modalities.responses.conversation import conversation
from models.modalities.responses.fields import (
    Includable,
    Reasoning,
    ResponseStreamOptions,
    TextConfig,
    ToolChoice,
)
from models.modalities.responses.items import (
    RESPONSE,
    InputAudioPart,
    InputImage,
    Item,
    ItemReference,
    MessageItem,
    OtherItem,
    ReasoningItem,
)
from models.modalities.responses.tools import AllowedTools, AnyTool, NamedTool, Offered, left_out, offered
from models.modalities.schemas import moved
from models.modalities.text import PLAIN_TIERS, ServiceTier
from models.validation import invalid

_PLACES = {
    "response_format.json_schema.schema": "text.format.schema",
    "tools[].function.parameters": "tools[].parameters",
}
LOGPROBS = "message.output_text.logprobs"


class ResponsesPrompt(BaseRequest):
    """The fields that become part of the prompt, which responses and the counting of tokens share."""

    INERT: ClassVar[dict[str, tuple[Any, ...]]] = {"conversation": (), "truncation": ("disabled",)}
    OUTER: ClassVar[dict[str, str]] = {
        "messages": "input",
        "response_format": "text",
        "max_completion_tokens": "max_output_tokens",
        "reasoning_effort": "reasoning",
        "enable_thinking": "reasoning",
        "logprobs": "include",
    }

    SISTERS: ClassVar[dict[str, str]] = {
        "messages": "input",
        "response_format": "text",
        "reasoning_effort": "reasoning",
    }

    input: str | Annotated[list[Item], Field(max_length=4096)] | None = None
    instructions: str | None = None
    previous_response_id: Annotated[str, Field(pattern=RESPONSE)] | None = None
    tools: Annotated[list[AnyTool], Field(max_length=256)] | None = None
    tool_choice: ToolChoice | None = None
    parallel_tool_calls: Bool | None = None
    text: TextConfig | None = None
    reasoning: Reasoning | None = None

    conversation: Any = None
    truncation: Any = None

    @property
    def items(self) -> list[Any]:
        """The input, as items."""
        if isinstance(self.input, str):
            return [MessageItem(role="user", content=self.input)]
        return self.input or []

    def _fields(self) -> dict[str, Any]:
        """The fields of the chat request without its messages; those that are None are left out of it."""
        effort = self.reasoning.effort if self.reasoning is not None else None
        return {
            "model": self.model,
            "user": self.user,
            "reasoning_effort": effort,
            "enable_thinking": True if effort not in (None, "none") else None,
            "response_format": self._format(),
            **self._callable(),
        }

    def _format(self) -> dict[str, Any] | None:
        asked = self.text.format if self.text is not None else None
        if asked is None:
            return None
        if asked.type != "json_schema":
            return {"type": asked.type}
        named = {"name": asked.name or "answer", "description": asked.description, "schema": asked.schema_}
        return {"type": asked.type, "json_schema": named | {"strict": asked.strict}}

    @property
    def left_out(self) -> tuple[str, ...]:
        """See ``BaseRequest``: tools that are not run here, items of theirs, and a summary, which is not made."""
        items = dict.fromkeys(f"input[].type: {one.type}" for one in self.items if isinstance(one, OtherItem))
        asked = self.reasoning.summary if self.reasoning is not None else None
        summary = ("reasoning.summary",) if asked in ("concise", "detailed") else ()
        thoughts = any(isinstance(one, ReasoningItem) and one.encrypted_content for one in self.items)
        hidden = ("input[].encrypted_content",) if thoughts else ()
        verbosity = self.text.verbosity if self.text is not None else None
        length = ("text.verbosity",) if verbosity not in (None, "medium") else ()
        return (*left_out(self.tools or ()), *items, *hidden, *summary, *length)

    @property
    def offered(self) -> list[Offered]:
        """The functions that the model may call, whatever ``tool_choice`` says."""
        return offered(self.tools or ())

    def _callable(self) -> dict[str, Any]:
        tools, choice = self.offered, self.tool_choice
        sent: Any = choice
        if isinstance(choice, NamedTool):
            sent = {"type": "function", "function": {"name": choice.name}}
        elif isinstance(choice, AllowedTools):
            allowed = choice.names
            if missing := allowed - {one.name for one in tools}:
                raise PydanticCustomError(
                    "invalid_value",
                    "'tool_choice' names a function that is not among 'tools': {name}",
                    {"param": "tool_choice", "name": min(missing)},
                )
            tools, sent = [one for one in tools if one.name in allowed], choice.mode
        if sent == "required" and not tools and self.tools:
            among: list[Any] = choice.tools if isinstance(choice, AllowedTools) else self.tools
            raise PydanticCustomError(
                "unsupported_parameter",
                "a call is demanded, and tools of type '{kind}' are not run here",
                {"param": "tool_choice", "kind": among[0].type},
            )
        return {
            "tools": [one.to_chat() for one in tools] or None,
            "tool_choice": sent if tools or sent != "auto" else None,
            "parallel_tool_calls": self.parallel_tool_calls if tools else None,
        }


class CreateResponse(ResponsesPrompt):
    """Body of a request for a response. Unless ``store`` is false it is stored, and others can continue it."""

    INERT: ClassVar[dict[str, tuple[Any, ...]]] = ResponsesPrompt.INERT | {
        "access_programs": (),
        "background_options": ({"completion_window": "soonest"},),
        "context_management": ([],),
        "image": ({"context_compression": "auto"}, {"context_compression": "disabled"}),
        "moderation": (),
        "prompt": (),
        "prompt_cache_options": (),
        "prompt_cache_retention": ("in_memory",),
    }

    SISTERS: ClassVar[dict[str, str]] = ResponsesPrompt.SISTERS | {
        "max_tokens": "max_output_tokens",
        "max_completion_tokens": "max_output_tokens",
    }

    input: str | Annotated[list[Item], Field(min_length=1, max_length=4096)]
    store: Bool | None = None
    background: Bool | None = None
    stream: Bool | None = None
    stream_options: ResponseStreamOptions | None = None
    temperature: Annotated[Float, Field(ge=0, le=2)] | None = None
    top_p: Annotated[Float, Field(ge=0, le=1)] | None = None
    max_output_tokens: Annotated[Int, Field(ge=1, le=1 << 24)] | None = None
    max_tool_calls: Annotated[Int, Field(ge=1)] | None = Field(
        None, description="of tools that the platform runs, of which there are none"
    )
    top_logprobs: Annotated[Int, Field(ge=0, le=20)] | None = None
    include: Annotated[list[Includable], Field(max_length=16)] | None = Field(
        None,
        description="log probabilities; all else is shown in any case (pictures of the input, and thoughts, which are"
        " not encrypted), or belongs to tools that the platform does not run",
    )
    metadata: Metadata | None = None
    safety_identifier: Annotated[str, Field(max_length=512)] | None = None
    prompt_cache_key: Annotated[str, Field(max_length=256)] | None = None
    service_tier: ServiceTier | None = None

    access_programs: Any = None
    background_options: Any = None
    context_management: Any = None
    image: Any = None
    moderation: Any = None
    prompt: Any = None
    prompt_cache_options: Any = None
    prompt_cache_retention: Any = None

    @property
    def left_out(self) -> tuple[str, ...]:
        """See ``BaseRequest``."""
        return (*super().left_out, *(("service_tier",) if self.service_tier not in PLAIN_TIERS else ()))

    @field_validator("stream_options")
    @classmethod
    def _needs_stream(cls, value: ResponseStreamOptions | None, info: ValidationInfo) -> ResponseStreamOptions | None:
        return streaming_only(value, info)

    @model_validator(mode="after")
    def _kept_in_background(self) -> Self:
        if self.background and not self.keeps:
            raise PydanticCustomError("invalid_value", "what is answered in the background is kept", {"param": "store"})
        return self

    @property
    def keeps(self) -> bool:
        """Whether the response is to be stored."""
        return self.store is not False

    @property
    def budget(self) -> int:
        """See ``BaseRequest``."""
        return self.max_output_tokens or 256

    @property
    def wants_logprobs(self) -> bool:
        """Whether the answer is to have the log probabilities of its tokens."""
        return LOGPROBS in (self.include or []) or bool(self.top_logprobs)

    def _fields(self) -> dict[str, Any]:
        return super()._fields() | {
            "stream": self.stream or None,
            "temperature": self.temperature,
            "top_p": self.top_p,
            "max_completion_tokens": self.max_output_tokens,
            "logprobs": self.wants_logprobs or None,
            "top_logprobs": self.top_logprobs if self.wants_logprobs else None,
            "prompt_cache_key": self.prompt_cache_key,
        }


class CountTokens(ResponsesPrompt):
    """Body of a request to count the tokens of a response's prompt."""

    INERT: ClassVar[dict[str, tuple[Any, ...]]] = ResponsesPrompt.INERT | {"personality": ()}

    personality: Any = None


class ResolvedPrompt(ResponsesPrompt):
    """A prompt with all that it refers to. ``earlier`` are the items of earlier responses, oldest first."""

    earlier: Annotated[list[Item], Field(max_length=1 << 16)] | None = Field(
        None, description="items that precede the input: those of earlier responses"
    )

    @model_validator(mode="after")
    def _can_be_asked(self) -> Self:
        if not self._refers:
            _ = self.chat
        return self

    def check_found(self) -> None:
        """Raise InvalidRequest if the prompt refers to responses or items that the gateway has not put in."""
        if self.previous_response_id is not None and self.earlier is None:
            raise InvalidRequest("only POST /v1/responses goes on from a response", param="previous_response_id")
        if self._refers:
            raise InvalidRequest("only POST /v1/responses looks for items", param="input")

    @property
    def unenforced(self) -> tuple[str, ...]:
        """See ``BaseRequest``."""
        return () if self._refers else moved(self.chat.unenforced, _PLACES)

    @property
    def prefix(self) -> str:
        """See ``BaseRequest``."""
        return self.chat.prefix

    @property
    def media_places(self) -> list[str]:
        """See ``BaseRequest``. What is in an earlier response is named by the field that refers to it."""
        earlier = [part for _, part in objects(self.earlier or []) if isinstance(part, InputImage | InputAudioPart)]
        places = ["previous_response_id" for _ in earlier]
        for path, part in objects(self.input, "input"):
            if isinstance(part, InputImage):
                places.append(f"{path}.image_url")
            elif isinstance(part, InputAudioPart):
                places.append(f"{path}.input_audio")
        return places

    @property
    def _refers(self) -> bool:
        return any(isinstance(one, ItemReference) for one in self.items)

    @cached_property
    def chat(self) -> chat.Request:
        """The chat request with the same content."""
        fields = {"messages": conversation([*(self.earlier or []), *self.items], self.instructions), **self._fields()}
        try:
            return chat.Request.model_validate({name: value for name, value in fields.items() if value is not None})
        except ValidationError as error:
            wrong = self.renamed(invalid(error))
            why = {"param": wrong.param or "input", "why": wrong.message}
            raise PydanticCustomError("invalid_value", "{why}", why) from None


class Request(CreateResponse, ResolvedPrompt):
    """A request for a response, as a runner gets it."""

    def inner(self) -> chat.Request:
        """See ``BaseRequest``. Raises as ``check_found`` does."""
        self.check_found()
        return self.chat
