"""The body of Anthropic's ``POST /v1/messages``, and the chat request that the engine gets for it."""

from functools import cached_property
from typing import Annotated, Any, ClassVar

from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_core import PydanticCustomError

from models.modalities import chat
from models.modalities.base import BaseRequest, Bool, Float, Int
from models.modalities.json_object import objects
from models.modalities.messages.blocks import (
    CacheControl,
    Image,
    OtherBlock,
    Text,
    ToolChange,
    ToolReference,
    ToolResult,
    ToolUse,
    Turn,
)
from models.modalities.messages.chat import to_chat
from models.modalities.messages.fields import (
    AnyTool,
    ClientTool,
    HostedTool,
    Metadata,
    OutputConfig,
    OutputFormat,
    ThinkingConfig,
    ToolChoice,
)
from models.modalities.schemas import moved
from models.modalities.text import Stop
from models.validation import invalid

_FORMAT = "response_format.json_schema.schema"
_KEEP_THOUGHTS = {"type": "clear_thinking_20251015", "keep": "all"}


class MessagesPrompt(BaseRequest):
    """The fields that become part of the prompt, which messages and the counting of tokens share."""

    INERT: ClassVar[dict[str, tuple[Any, ...]]] = {
        "billing_policy": (),
        "compaction": (),
        "container": (),
        "context_management": ({}, {"edits": []}, {"edits": [_KEEP_THOUGHTS]}),
        "diagnostics": ({}, {"previous_message_id": None}),
        "fallback_credit_token": (),
        "fallbacks": ([],),
        "inference_geo": (),
        "mcp_servers": ([],),
        "service_tier": ("auto", "standard_only"),
        "speed": ("standard",),
    }
    OUTER: ClassVar[dict[str, str]] = {
        "continue_final_message": "messages",
        "enable_thinking": "thinking",
        "image_url": "messages",
        "parallel_tool_calls": "tool_choice",
        "reasoning_effort": "output_config",
        "response_format": "output_config",
        "stop": "stop_sequences",
    }

    SISTERS: ClassVar[dict[str, str]] = {
        "response_format": "output_config",
        "reasoning_effort": "output_config",
        "max_completion_tokens": "max_tokens",
        "max_output_tokens": "max_tokens",
        "stop": "stop_sequences",
    }

    messages: Annotated[list[Turn], Field(min_length=1, max_length=4096)]
    system: str | Annotated[list[Text], Field(max_length=1024)] | None = None
    tools: Annotated[list[AnyTool], Field(max_length=256)] | None = None
    tool_choice: ToolChoice | None = None
    thinking: ThinkingConfig | None = None
    output_config: OutputConfig | None = None
    output_format: OutputFormat | None = Field(None, description="older name of output_config.format")
    cache_control: CacheControl | None = None

    billing_policy: Any = None
    compaction: Any = None
    container: Any = None
    context_management: Any = None
    diagnostics: Any = None
    fallback_credit_token: Any = None
    fallbacks: Any = None
    inference_geo: Any = None
    mcp_servers: Any = None
    service_tier: Any = None
    speed: Any = None
    thread: Any = None

    @field_validator("thread")
    @classmethod
    def _threadless(cls, value: Any) -> Any:
        """Refuse threads. Anthropic's client asks for one whenever it runs tools, and goes on without at this code."""
        if value is not None:
            raise PydanticCustomError("thread_unsupported_request", "conversations are not kept: send all of its turns")
        return value

    @field_validator("messages")
    @classmethod
    def _answered(cls, value: list[Turn]) -> list[Turn]:
        if value[-1].role == "assistant" and any(block.type == "tool_use" for block in value[-1].blocks):
            raise PydanticCustomError("invalid_value", "the last 'tool_use' has no 'tool_result'")
        return value

    @model_validator(mode="after")
    def _askable(self) -> "MessagesPrompt":
        if self.output_format is not None and self.output_config is not None and self.output_config.format is not None:
            raise PydanticCustomError(
                "invalid_value", "'output_config' has a format already", {"param": "output_format"}
            )
        try:
            self.inner()
        except ValidationError as problem:  # chat's own checks: equal names, fields that need or exclude each other
            error = self.renamed(invalid(problem))
            context = {"message": error.message, "param": error.param}
            raise PydanticCustomError(error.code, "{message}", context) from None
        return self

    def inner(self) -> BaseRequest:
        """The chat request."""
        return self._chat

    @property
    def media_places(self) -> list[str]:
        """See ``BaseRequest``. A chat has the pictures in the same order."""
        found = objects(self.messages, "messages")
        return [f"{path}.source" for path, block in found if isinstance(block, Image)]

    @cached_property
    def _chat(self) -> chat.Request:
        asked = {name: value for name, value in self._fields().items() if value is not None}
        return chat.Request.model_validate(asked)

    def _fields(self) -> dict[str, Any]:
        """The fields of the chat request; those that are None are left out of it."""
        config = self.output_config
        output = self.output_format or (config.format if config else None)
        messages = to_chat(self.system, self.messages)
        return {
            "model": self.model,
            "messages": messages,
            "continue_final_message": (bool(messages) and messages[-1]["role"] == "assistant") or None,
            **self._callable(),
            "enable_thinking": self.thinking.type != "disabled" if self.thinking else None,
            "reasoning_effort": config.effort if config else None,
            "response_format": {"type": "json_schema", "json_schema": {"schema": output.schema_}} if output else None,
        }

    def _callable(self) -> dict[str, Any]:
        choice, named = self.tool_choice, self.tool_choice.name if self.tool_choice else None
        others = [one for one in self.tools or [] if isinstance(one, HostedTool)]
        for one in others:
            if named is not None and named == one.name:
                raise PydanticCustomError(
                    "unsupported_parameter",
                    "tools of type '{kind}' are not run here",
                    {"param": "tool_choice", "kind": one.type},
                )
        tools = self._offered(named, searched=any(one.searches for one in others))
        if choice and choice.type == "any" and others and not tools:
            raise PydanticCustomError(
                "unsupported_parameter",
                "a call is demanded, and tools of type '{kind}' are not run here",
                {"param": "tool_choice", "kind": others[0].type},
            )
        asks = choice and (tools or choice.type != "auto")
        return {
            "tools": [tool.to_chat() for tool in tools] or None,
            "tool_choice": choice.to_chat() if choice and asks else None,
            "parallel_tool_calls": False if asks and choice and choice.disable_parallel_tool_use else None,
        }

    def _offered(self, named: str | None, *, searched: bool) -> list[ClientTool]:
        """The tools that the model may call. ``named``: what is forced; ``searched``: whether Anthropic would search.

        Where the search is left out, all are offered whose loading is deferred, for nothing else would find them.
        """
        state: dict[str, bool] = {} if named is None else {named: True}
        for block in (block for turn in self.messages for block in turn.blocks):
            match block:
                case ToolUse():
                    state.setdefault(block.name, True)
                case ToolResult(content=list() as parts):
                    state |= {part.tool_name: True for part in parts if isinstance(part, ToolReference)}
                case ToolChange():
                    state[block.tool.name] = block.type == "tool_addition"
        tools = [tool for tool in self.tools or [] if isinstance(tool, ClientTool)]
        return [tool for tool in tools if state.get(tool.name, searched or not tool.defer_loading)]

    @property
    def left_out(self) -> tuple[str, ...]:
        """See ``BaseRequest``: tools that are not run here, and what they did in earlier turns."""
        tools = [f"tools[].type: {one.type}" for one in self.tools or [] if isinstance(one, HostedTool)]
        blocks = [
            f"messages[].content[].type: {block.type}"
            for turn in self.messages
            for block in turn.blocks
            if isinstance(block, OtherBlock)
        ]
        return tuple(dict.fromkeys(tools + blocks))

    @property
    def unenforced(self) -> tuple[str, ...]:
        """See ``BaseRequest``."""
        output = "output_format" if self.output_format is not None else "output_config.format"
        places = {_FORMAT: f"{output}.schema", "tools[].function.parameters": "tools[].input_schema"}
        return moved(self._chat.unenforced, places)

    @property
    def prefix(self) -> str:
        """See ``BaseRequest``."""
        return self._chat.prefix


class Request(MessagesPrompt):
    """Body of a message. Sampling fields that Anthropic's newer models do not have are honoured."""

    max_tokens: Annotated[Int, Field(ge=1, le=1 << 24)]
    stream: Bool = False
    stop_sequences: Annotated[list[Stop], Field(max_length=16)] | None = None
    temperature: Annotated[Float, Field(ge=0, le=1)] | None = None
    top_p: Annotated[Float, Field(ge=0, le=1)] | None = None
    top_k: Annotated[Int, Field(ge=-1, le=1 << 20)] | None = None
    metadata: Metadata | None = None

    @property
    def budget(self) -> int:
        """See ``BaseRequest``."""
        return self.max_tokens

    @property
    def end_user(self) -> str:
        """See ``BaseRequest``."""
        return (self.metadata and self.metadata.user_id) or super().end_user

    def _fields(self) -> dict[str, Any]:
        return super()._fields() | {
            "max_tokens": self.max_tokens,
            "stream": self.stream or None,
            "stop": self.stop_sequences,
            "temperature": self.temperature,
            "top_p": self.top_p,
            "top_k": self.top_k,
        }
