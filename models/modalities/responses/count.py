"""OpenAI's ``POST /v1/responses/input_tokens``: the prompt of a response, tokenized and counted."""

from typing import Any, ClassVar

import msgspec

from models.modalities import tokenize
from models.modalities.base import Usage, WholeReply
from models.modalities.responses.request import CountTokens, ResolvedPrompt, ResponsesPrompt

_json = msgspec.json.Encoder()


class Request(CountTokens, ResolvedPrompt):
    """A request to count tokens, as a runner gets it."""

    OUTER: ClassVar[dict[str, str]] = ResponsesPrompt.OUTER | {"chat_template_kwargs": "reasoning"}

    def inner(self) -> tokenize.Request:
        """The tokenization of the prompt. Raises as ``check_found`` does."""
        self.check_found()
        asked = {
            "model": self.model,
            "messages": self.chat.messages,
            "tools": self.chat.callable_tools or None,
            "chat_template_kwargs": self.chat.template_kwargs or None,
        }
        return tokenize.Request.model_validate(asked)


class Reply(WholeReply):
    """Makes the answer, which is never streamed."""

    def end(self, usage: Usage, result: Any = None) -> bytes:
        """OpenAI's object. ``result`` is ``tokenize.Tokens``."""
        return _json.encode({"object": "response.input_tokens", "input_tokens": len(result.ids)})
