"""Tokens of a text or of a conversation, as ``POST /tokenize`` of vLLM's server."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any, ClassVar

import msgspec
from pydantic import Field, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from models.modalities import chat
from models.modalities.base import BaseRequest, Bool, Usage, WholeReply
from models.modalities.chat.messages import Message
from models.modalities.chat.tools import Tool
from models.validation import invalid

_json = msgspec.json.Encoder()


@dataclass(frozen=True, slots=True)
class Tokens:
    """An engine's result: the ids; each token's text where that was asked for; and the context's size in tokens."""

    ids: list[int]
    texts: list[str] | None
    context: int


class Request(BaseRequest):
    """Body of a tokenization: a ``prompt``, or ``messages`` and the other fields that a chat's prompt is made from."""

    PLATFORM: ClassVar[frozenset[str]] = BaseRequest.PLATFORM | {
        *("prompt", "messages", "add_special_tokens", "return_token_strs", "add_generation_prompt")
    }
    INERT: ClassVar[dict[str, tuple[Any, ...]]] = {"chat_template": (), "mm_processor_kwargs": ({},)}

    prompt: str | None = None
    messages: Annotated[list[Message], Field(min_length=1, max_length=4096)] | None = None
    add_special_tokens: Bool | None = Field(
        None, description="of a prompt: such as one that begins a text; default true"
    )
    return_token_strs: Bool | None = None
    add_generation_prompt: Bool | None = Field(None, description="end with what begins an answer; default true")
    continue_final_message: Bool = False
    chat_template_kwargs: dict[str, Any] | None = None
    tools: Annotated[list[Tool], Field(max_length=256)] | None = None

    chat_template: Any = None
    mm_processor_kwargs: Any = None

    @model_validator(mode="after")
    def _consistent(self) -> "Request":
        if (self.prompt is None) == (self.messages is None):
            raise PydanticCustomError("invalid_value", "give either a 'prompt' or 'messages'", {"param": "prompt"})
        if self.messages is None:
            for name in ("tools", "chat_template_kwargs", "add_generation_prompt", "continue_final_message"):
                if getattr(self, name):
                    raise PydanticCustomError("invalid_value", "it goes with 'messages'", {"param": name})
            return self
        if self.add_special_tokens:
            raise PydanticCustomError("invalid_value", "the chat template adds them", {"param": "add_special_tokens"})
        if self.continue_final_message and self.add_generation_prompt:
            raise PydanticCustomError(
                "invalid_value", "it excludes 'continue_final_message'", {"param": "add_generation_prompt"}
            )
        try:
            _ = self.conversation
        except ValidationError as error:
            wrong = invalid(error)
            raise PydanticCustomError("invalid_value", wrong.message, {"param": wrong.param}) from None
        return self

    def asked(self) -> set[str]:
        """See ``BaseRequest``; pictures and recordings are named by the types of their parts."""
        media = {part.type for message in self.messages or [] for part in message.media}
        return super().asked() - ({"tools"} if not self.tools else set()) | media

    @cached_property
    def conversation(self) -> chat.Request | None:
        """The chat whose prompt is to be tokenized; None: it is the ``prompt``."""
        if self.messages is None:
            return None
        names = ("model", "messages", "tools", "chat_template_kwargs", "continue_final_message")
        return chat.Request.model_validate({name: getattr(self, name) for name in names})

    @property
    def media(self) -> Iterator[tuple[str, Any]]:
        """See ``BaseRequest``."""
        return iter(()) if self.conversation is None else self.conversation.media

    @property
    def opens_answer(self) -> bool:
        """Whether a conversation's prompt ends with the beginning of an answer."""
        return self.add_generation_prompt is not False and not self.continue_final_message


class Reply(WholeReply):
    """Makes the answer, which is never streamed."""

    def end(self, usage: Usage, result: Any = None) -> bytes:
        """vLLM's object. ``result`` is ``Tokens``."""
        tokens: Tokens = result
        body = {"count": len(tokens.ids), "max_model_len": tokens.context, "tokens": tokens.ids}
        return _json.encode(body | {"token_strs": tokens.texts})
