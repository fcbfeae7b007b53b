"""The text of tokens, as ``POST /detokenize`` of vLLM's server."""

from typing import Annotated, Any

import msgspec
from pydantic import Field

from models.modalities.base import BaseRequest, Tokens, Usage, WholeReply

_json = msgspec.json.Encoder()


class Request(BaseRequest):
    """Body of a detokenization."""

    PLATFORM = BaseRequest.PLATFORM | {"tokens"}

    tokens: Annotated[Tokens, Field(max_length=1 << 20)]


class Reply(WholeReply):
    """Makes the answer, which is never streamed."""

    def end(self, usage: Usage, result: Any = None) -> bytes:
        """vLLM's object. ``result`` is the text."""
        return _json.encode({"prompt": result})
