"""Chat completions, as ``POST /v1/chat/completions`` of the OpenAI API (reference of November 2026)."""

from collections.abc import Iterator
from functools import cached_property
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, ValidationInfo, field_validator, model_validator
from pydantic_core import PydanticCustomError

from models.modalities.base import Bool, Int, Metadata, at_most, truth
from models.modalities.chat.legacy import as_choice, modern
from models.modalities.chat.messages import MediaPart, Message, RefusalPart, TextPart
from models.modalities.chat.response_format import ResponseFormat
from models.modalities.chat.tools import (
    AllowedChoice,
    FunctionName,
    FunctionSpec,
    Mode,
    NamedChoice,
    Tool,
    ToolChoice,
)
from models.modalities.json_object import JsonObject
from models.modalities.schemas import left_out
from models.modalities.structure import Constraint
from models.modalities.text import PLAIN_TIERS, Limit, ServiceTier, TextRequest

_NEWER = {"functions": "tools", "function_call": "tool_choice", "thinking": "enable_thinking"}
MOST_KWARGS = 128
"""Most keys of ``chat_template_kwargs``. Templates know a few; an engine takes time for each."""


class ThinkingSwitch(JsonObject):
    """Whether the model thinks, as GLM's and DeepSeek's clients say it."""

    type: Literal["enabled", "disabled", "auto"]


class PixelBounds(JsonObject):
    """Vendors' settings of a processor: those of them that Headrace has."""

    min_pixels: Annotated[Int, Field(ge=1, le=1 << 27)] | None = None
    max_pixels: Annotated[Int, Field(ge=1, le=1 << 27)] | None = None

    @model_validator(mode="after")
    def _in_order(self) -> "PixelBounds":
        if self.min_pixels is not None and self.max_pixels is not None and self.min_pixels > self.max_pixels:
            raise PydanticCustomError("invalid_value", "'min_pixels' is more than 'max_pixels'")
        return self


class Request(TextRequest):
    """Body of a chat completion."""

    INERT: ClassVar[dict[str, tuple[Any, ...]]] = TextRequest.INERT | {
        "audio": (),
        "add_special_tokens": (False,),
        "best_of": (1,),
        "chat_template": (),
        "documents": ([],),
        "echo": (False,),
        "include_reasoning": (True,),
        "modalities": (["text"],),
        "moderation": (),
        "prompt_cache_options": (),
        "prompt_cache_retention": ("in_memory", "in-memory"),
        "prompt_logprobs": (),
    }

    messages: Annotated[list[Message], Field(min_length=1, max_length=4096)]
    max_completion_tokens: Limit | None = None
    logprobs: Bool | None = None
    top_logprobs: Annotated[Int, Field(ge=0, le=20)] | None = None
    response_format: ResponseFormat | None = None
    chat_template_kwargs: Annotated[dict[str, Any], at_most(MOST_KWARGS)] | None = None
    enable_thinking: Bool | None = Field(None, description="the same within chat_template_kwargs, as Xinference has it")
    reasoning_effort: Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"] | None = None
    thinking: Bool | ThinkingSwitch | None = Field(None, description="other programs' words for enable_thinking")
    add_generation_prompt: Bool | None = Field(None, description="what continue_final_message says the other way round")
    continue_final_message: Bool = Field(False, description="go on with the last message, which is an assistant's")
    tools: Annotated[list[Tool], Field(max_length=256)] | None = None
    tool_choice: ToolChoice | None = None
    parallel_tool_calls: Bool | None = None
    functions: Annotated[list[FunctionSpec], Field(max_length=256)] | None = Field(None, description="older: tools")
    function_call: Literal["none", "auto"] | FunctionName | None = Field(None, description="older: tool_choice")
    mm_processor_kwargs: PixelBounds | None = Field(None, description="how many pixels of each picture are looked at")
    metadata: Metadata | None = None
    prompt_cache_key: Annotated[str, Field(max_length=256)] | None = None
    safety_identifier: Annotated[str, Field(max_length=512)] | None = None
    prediction: dict[str, Any] | None = None
    service_tier: ServiceTier | None = None
    store: Bool | None = None
    verbosity: Literal["low", "medium", "high"] | None = None

    audio: Any = None
    add_special_tokens: Any = None
    best_of: Any = None
    chat_template: Any = None
    documents: Any = None
    echo: Any = None
    include_reasoning: Any = None
    modalities: Any = None
    moderation: Any = None
    prompt_cache_options: Any = None
    prompt_cache_retention: Any = None
    prompt_logprobs: Any = None
    web_search_options: Any = None

    @model_validator(mode="before")
    @classmethod
    def _without_limit(cls, value: Any) -> Any:
        """The body without a limit of -1, with which llama.cpp and Xinference say that there is none."""
        names = ("max_tokens", "max_completion_tokens", "n_predict")
        if not isinstance(value, dict) or not any(value.get(name) == -1 for name in names):
            return value
        return {name: one for name, one in value.items() if name not in names or one != -1}

    @field_validator("mm_processor_kwargs", mode="before")
    @classmethod
    def _empty_is_none(cls, value: Any) -> Any:
        return None if value == {} else value

    @field_validator("chat_template_kwargs")
    @classmethod
    def _thinks_or_not(cls, value: dict[str, Any] | None) -> dict[str, Any] | None:
        thinking = truth((value or {}).get("enable_thinking"))
        if value is None or thinking is None:
            return value
        if not isinstance(thinking, bool):
            raise PydanticCustomError("invalid_value", "its 'enable_thinking' must be true or false")
        return value | {"enable_thinking": thinking}

    @field_validator("top_logprobs")
    @classmethod
    def _needs_logprobs(cls, value: int | None, info: ValidationInfo) -> int | None:
        if value and not info.data.get("logprobs"):
            raise PydanticCustomError("invalid_value", "only allowed when 'logprobs' is true")
        return value

    @model_validator(mode="after")
    def _consistent(self) -> "Request":
        self._check_tools()
        if self.continue_final_message and self.messages[-1].role != "assistant":
            raise PydanticCustomError(
                "invalid_value", "it needs an assistant's message at the end", {"param": "continue_final_message"}
            )
        if self.add_generation_prompt is self.continue_final_message:
            why = "an answer either goes on with the final message or is a message of its own"
            raise PydanticCustomError("unsupported_parameter", why, {"param": "add_generation_prompt"})
        has_format = self.response_format is not None and self.response_format.type != "text"
        if has_format and self.structured_outputs is not None:
            raise PydanticCustomError(
                "invalid_value",
                "'response_format' and 'structured_outputs' exclude each other",
                {"param": "response_format"},
            )
        if any(message.function_call or message.role == "function" for message in self.messages):
            self.messages = modern(self.messages)
        return self

    def _check_tools(self) -> None:
        older = self.functions is not None
        if isinstance(self.function_call, FunctionName) and not older:
            raise PydanticCustomError(
                "invalid_value", "it names a function that is not among 'functions'", {"param": "function_call"}
            )
        if older and self.tools is not None:
            raise PydanticCustomError(
                "invalid_value", "'functions' and 'tools' exclude each other", {"param": "functions"}
            )
        names = [tool.function.name for tool in self._offered]
        field, choice = ("function_call", "functions") if older else ("tool_choice", "tools")
        if len(set(names)) != len(names):
            raise PydanticCustomError("invalid_value", "two tools have the same name", {"param": choice})
        if missing := self._chosen - {*names}:
            why = {"param": field, "field": field, "among": choice, "name": min(missing)}
            message = "'{field}' names a function that is not among '{among}': {name}"
            raise PydanticCustomError("invalid_value", message, why)
        if self.choice == "required" and not names:
            raise PydanticCustomError(
                "invalid_value", "'tool_choice' demands a call, and there are no 'tools'", {"param": "tool_choice"}
            )

    @property
    def left_out(self) -> tuple[str, ...]:
        """See ``BaseRequest``: hints, which OpenAI's models follow."""
        hints = {
            "prediction": self.prediction is None,
            "service_tier": self.service_tier in PLAIN_TIERS,
            "store": not self.store,
            "verbosity": self.verbosity in (None, "medium"),
            "web_search_options": self.web_search_options is None,
        }
        return tuple(name for name, asks_nothing in hints.items() if not asks_nothing)

    def asked(self) -> set[str]:
        """See ``BaseRequest``. A response format of ``text`` asks for nothing, as it is the default.

        Pictures and recordings are named by the types of their parts.
        """
        nothing = {"add_generation_prompt", "prediction", "service_tier", "store", "verbosity", "web_search_options"}
        if not self.logprobs:
            nothing |= {"logprobs", "top_logprobs"}
        if self.response_format is not None and self.response_format.type == "text":
            nothing.add("response_format")
        asked = {_NEWER.get(name, name) for name in super().asked()}
        if not self._offered:
            nothing |= {"tools", "tool_choice", "parallel_tool_calls"}
        return asked - nothing | {part.type for _, part in self.media}

    @property
    def media(self) -> Iterator[tuple[str, MediaPart]]:
        """See ``BaseRequest``."""
        for number, message in enumerate(self.messages):
            for at, part in enumerate(message.content if isinstance(message.content, list) else []):
                if not isinstance(part, TextPart | RefusalPart):
                    yield f"messages[{number}].content[{at}].{part.type}", part

    @cached_property
    def constraint(self) -> Constraint | None:
        """What the answer, without tool calls, must match; None: it may be anything."""
        if self.structured_outputs is not None:
            return self.structured_outputs.constraint
        return self.response_format.constraint if self.response_format is not None else None

    @property
    def _offered(self) -> list[Tool]:
        """The tools, in their newer form."""
        return self.tools or [Tool(type="function", function=function) for function in self.functions or []]

    @property
    def _chosen(self) -> frozenset[str]:
        """The functions that the choice names."""
        choice = self.tool_choice if self.functions is None else as_choice(self.function_call)
        if isinstance(choice, AllowedChoice):
            return choice.names
        return frozenset([choice.function.name]) if isinstance(choice, NamedChoice) else frozenset()

    @property
    def choice(self) -> Mode | NamedChoice:
        """Whether a tool must be called: any of ``callable_tools`` ("required"), or the named one."""
        choice = self.tool_choice if self.functions is None else as_choice(self.function_call)
        return choice.allowed_tools.mode if isinstance(choice, AllowedChoice) else choice or "auto"

    @property
    def callable_tools(self) -> list[Tool]:
        """The tools that may be called in this answer: none if the choice is "none", and only those that it names."""
        if self.choice == "none":
            return []
        chosen = self._chosen
        return [tool for tool in self._offered if not chosen or tool.function.name in chosen]

    @property
    def must_call(self) -> bool:
        """Whether the answer must be a tool call."""
        return self.choice == "required" or isinstance(self.choice, NamedChoice)

    @property
    def single_call(self) -> bool:
        """Whether the answer may have one tool call only."""
        return self.parallel_tool_calls is False or isinstance(self.choice, NamedChoice) or self.functions is not None

    @property
    def unenforced(self) -> tuple[str, ...]:
        """See ``BaseRequest``: keywords of schemas that are to be followed, and that no engine can enforce."""
        constraint = self.constraint
        paths: tuple[str, ...] = ()
        if constraint is not None and not constraint.strict:
            inside = "schema" if self.response_format and self.response_format.schema_ else "json_schema.schema"
            paths = left_out(constraint.value, f"response_format.{inside}")
        tools = self.callable_tools
        if not (self.must_call or constraint is not None or any(tool.function.strict for tool in tools)):
            return paths
        where = "tools[].function.parameters" if self.functions is None else "functions[].parameters"
        loose = [tool.function.parameters for tool in tools if not tool.function.strict]
        return (*paths, *dict.fromkeys(path for schema in loose for path in left_out(schema, where)))

    @property
    def template_kwargs(self) -> dict[str, Any]:
        """What the chat template is given beside the messages and tools."""
        kwargs = dict(self.chat_template_kwargs or {})
        if self.reasoning_effort is not None:
            kwargs.setdefault("reasoning_effort", self.reasoning_effort)
            if self.reasoning_effort == "none":
                kwargs.setdefault("enable_thinking", False)
        thinking = self.thinking.type != "disabled" if isinstance(self.thinking, ThinkingSwitch) else self.thinking
        for asked in (thinking, self.enable_thinking):
            if asked is not None:
                kwargs["enable_thinking"] = asked
        return kwargs

    @property
    def prefix(self) -> str:
        """See ``BaseRequest``."""
        return self.prompt_cache_key or "".join(f"{one.role}:{one.text}\n" for one in self.messages[:2])

    @property
    def token_limit(self) -> int | None:
        """Most tokens that each choice may have; None: as many as the context has room for."""
        return self.max_completion_tokens or self.max_tokens
