"""vLLM's ``POST /score``: how well texts fit a query, in the order of the texts. Served by rerank."""

from functools import cached_property
from typing import Annotated, Any, ClassVar

import msgspec
from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from models.modalities import rerank
from models.modalities.base import BaseRequest, Usage, WholeReply
from models.modalities.embeddings import Text, Truncation

_json = msgspec.json.Encoder()

_NAMES = {"text_1": ("queries", "data_1"), "text_2": ("documents", "items", "data_2")}
"""vLLM's fields, and what other versions of it call them."""


class Request(BaseRequest):
    """Body of a score: one text, and those that are held against it."""

    PLATFORM: ClassVar[frozenset[str]] = frozenset(["model", "user", "text_1", "text_2"])
    INERT: ClassVar[dict[str, tuple[Any, ...]]] = {"priority": (0,)}
    OUTER: ClassVar[dict[str, str]] = {"query": "text_1", "documents": "text_2"}

    text_1: Text | Annotated[list[Text], Field(min_length=1, max_length=1)] = Field(description="the query")
    text_2: Text | Annotated[list[Text], Field(min_length=1, max_length=rerank.MOST_DOCUMENTS)]
    truncate_prompt_tokens: Truncation | None = None

    priority: Any = None

    @model_validator(mode="before")
    @classmethod
    def _renamed(cls, value: Any) -> Any:
        """The body with the fields by one name each."""
        if not isinstance(value, dict):
            return value
        body = dict(value)
        for name, others in _NAMES.items():
            for other in others:
                given = body.pop(other, None)
                if given is not None and body.get(name) is not None:
                    raise PydanticCustomError("invalid_value", "it is given twice", {"param": other})
                if given is not None:
                    body[name] = given
        return body

    def inner(self) -> BaseRequest:
        """The rerank."""
        return self._rerank

    @cached_property
    def _rerank(self) -> rerank.Request:
        query = self.text_1 if isinstance(self.text_1, str) else self.text_1[0]
        documents = [self.text_2] if isinstance(self.text_2, str) else self.text_2
        asked = {"model": self.model, "query": query, "documents": documents}
        return rerank.Request.model_validate(asked | {"truncate_prompt_tokens": self.truncate_prompt_tokens})

    @property
    def budget(self) -> int:
        """See ``BaseRequest``."""
        return self._rerank.budget


class Reply(WholeReply):
    """Makes vLLM's list of scores, of an engine's ``Ranking``."""

    def __init__(self, rid: str, request: Request, created: int) -> None:
        self._head = {"id": f"score-{rid}", "object": "list", "created": created, "model": request.model}

    def end(self, usage: Usage, result: Any = None) -> bytes:
        """The whole answer."""
        data = [{"index": index, "object": "score", "score": score} for index, score in enumerate(result.scores)]
        total = {"prompt_tokens": usage.prompt_tokens, "total_tokens": usage.prompt_tokens}
        return _json.encode(self._head | {"data": data, "usage": total})
