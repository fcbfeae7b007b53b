"""vLLM's ``POST /score``: how well texts fit a query, in the order of the texts. Served by rerank."""

from functools import cached_property
from typing import Annotated, Any, ClassVar, Self

import msgspec
from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from models.modalities import rerank
from models.modalities.base import BaseRequest, Several, Usage, WholeReply
from models.modalities.embeddings import Text, Truncation

_json = msgspec.json.Encoder()

_NAMES = {"text_1": ("queries", "data_1"), "text_2": ("documents", "items", "data_2")}
"""vLLM's fields, and what other versions of it call them."""


_Texts = Text | Annotated[Several[Text], Field(min_length=1, max_length=rerank.MOST_DOCUMENTS)]


class Pairs(rerank.Request):
    """A rerank where each document has a query of its own, whose number is the document's."""

    PLATFORM: ClassVar[frozenset[str]] = rerank.Request.PLATFORM | {"queries"}

    queries: list[str]

    @property
    def runs(self) -> list[tuple[int, str, list[str]]]:
        """See ``rerank.Request``."""
        return [
            (number, query, [text]) for number, (query, text) in enumerate(zip(self.queries, self.texts, strict=True))
        ]


class Request(BaseRequest):
    """Body of a score: one text and those that are held against it, or as many of one as of the other."""

    PLATFORM: ClassVar[frozenset[str]] = frozenset(["model", "user", "text_1", "text_2"])
    INERT: ClassVar[dict[str, tuple[Any, ...]]] = {"priority": (0,)}
    OUTER: ClassVar[dict[str, str]] = {"query": "text_1", "documents": "text_2"}

    text_1: _Texts = Field(description="the query, or one for each of text_2")
    text_2: str | Annotated[Several[str], Field(min_length=1, max_length=rerank.MOST_DOCUMENTS)]
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

    @model_validator(mode="after")
    def _paired(self) -> Self:
        queries, documents = _listed(self.text_1), _listed(self.text_2)
        if len(queries) not in (1, len(documents)):
            why = "there are {queries} texts for the {documents} of text_2: give one, or as many"
            counts = {"queries": len(queries), "documents": len(documents)}
            raise PydanticCustomError("invalid_value", why, {"param": "text_1", **counts})
        return self

    def inner(self) -> BaseRequest:
        """The rerank."""
        return self._rerank

    @cached_property
    def _rerank(self) -> rerank.Request:
        queries, documents = _listed(self.text_1), _listed(self.text_2)
        asked: dict[str, Any] = {"model": self.model, "query": queries[0], "documents": documents}
        asked["truncate_prompt_tokens"] = self.truncate_prompt_tokens
        if len(queries) == 1:
            return rerank.Request.model_validate(asked)
        return Pairs.model_validate(asked | {"queries": queries})

    @property
    def budget(self) -> int:
        """See ``BaseRequest``."""
        return self._rerank.budget


def _listed(texts: str | list[str]) -> list[str]:
    return [texts] if isinstance(texts, str) else texts


class Reply(WholeReply):
    """Makes vLLM's list of scores, of an engine's ``Ranking``."""

    def __init__(self, rid: str, request: Request, created: int) -> None:
        self._head = {"id": f"score-{rid}", "object": "list", "created": created, "model": request.model}

    def end(self, usage: Usage, result: Any = None) -> bytes:
        """The whole answer."""
        data = [{"index": index, "object": "score", "score": score} for index, score in enumerate(result.scores)]
        total = {"prompt_tokens": usage.prompt_tokens, "total_tokens": usage.prompt_tokens}
        return _json.encode(self._head | {"data": data, "usage": total})
