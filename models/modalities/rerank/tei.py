"""TEI's ``POST /rerank`` (text-embeddings-inference 1.8): texts under a query, best first, in a bare list."""

from functools import cached_property
from typing import Annotated, Any, ClassVar

import msgspec
from pydantic import Field

from models.modalities import rerank
from models.modalities.base import BaseRequest, Bool, Several, Usage, WholeReply
from models.modalities.embeddings import Text

_json = msgspec.json.Encoder()


class Request(BaseRequest):
    """Body of a rerank. TEI serves one model, so the body need not name it."""

    PLATFORM: ClassVar[frozenset[str]] = frozenset(["model", "user", "query", "texts", "return_text", "truncate"])
    INERT: ClassVar[dict[str, tuple[Any, ...]]] = {"raw_scores": (False,), "truncation_direction": ("right", "Right")}
    OUTER: ClassVar[dict[str, str]] = {"documents": "texts"}

    model: str = Field("", max_length=256, description="needed where several models rerank")
    query: Text
    texts: Annotated[Several[str], Field(min_length=1, max_length=rerank.MOST_DOCUMENTS)]
    return_text: Bool = False
    truncate: Bool = Field(True, description="false: a text that is too long is refused")

    raw_scores: Any = None
    truncation_direction: Any = None

    def inner(self) -> BaseRequest:
        """The rerank."""
        return self._rerank

    @cached_property
    def _rerank(self) -> rerank.Request:
        asked = {"model": self.model, "query": self.query, "documents": self.texts, "truncation": self.truncate}
        return rerank.Request.model_validate(asked)

    @property
    def budget(self) -> int:
        """See ``BaseRequest``."""
        return self._rerank.budget


class Reply(WholeReply):
    """Makes TEI's list, of an engine's ``Ranking``."""

    def __init__(self, rid: str, request: Request, created: int) -> None:
        self._texts = request.texts
        self._shown = request.return_text

    def end(self, usage: Usage, result: Any = None) -> bytes:
        """The whole answer."""
        ranked = sorted(enumerate(result.scores), key=lambda scored: -scored[1])
        return _json.encode([self._entry(index, score) for index, score in ranked])

    def _entry(self, index: int, score: float) -> dict[str, Any]:
        text = {"text": self._texts[index]} if self._shown else {}
        return {"index": index, "score": score, **text}
