"""Anthropic's ``POST /v1/messages/count_tokens``: the prompt of a message, tokenized and counted."""

from functools import cached_property
from typing import Any, ClassVar

import msgspec

from models.modalities import tokenize
from models.modalities.base import BaseRequest, Usage, WholeReply
from models.modalities.messages.request import MessagesPrompt

_json = msgspec.json.Encoder()


class Request(MessagesPrompt):
    """Body of a count of tokens: the fields of a message that become part of the prompt."""

    OUTER: ClassVar[dict[str, str]] = MessagesPrompt.OUTER | {"chat_template_kwargs": "thinking"}

    def inner(self) -> BaseRequest:
        """The tokenization of the prompt."""
        return self._tokenization

    @cached_property
    def _tokenization(self) -> tokenize.Request:
        asked = {
            "model": self.model,
            "messages": self._chat.messages,
            "tools": self._chat.callable_tools or None,
            "chat_template_kwargs": self._chat.template_kwargs or None,
            "continue_final_message": self._chat.continue_final_message,
        }
        return tokenize.Request.model_validate(asked)

    @property
    def prefix(self) -> str:
        """See ``BaseRequest``."""
        return self._chat.prefix


class Reply(WholeReply):
    """Makes the answer, which is never streamed."""

    def end(self, usage: Usage, result: Any = None) -> bytes:
        """Anthropic's object. ``result`` is ``tokenize.Tokens``."""
        return _json.encode({"input_tokens": len(result.ids)})
