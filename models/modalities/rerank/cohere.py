"""Rerank, as the APIs of Cohere, Jina and Xinference have it in common, at ``/v1/rerank`` and ``/v2/rerank``."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import msgspec
from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from models.modalities.base import BaseRequest, Bool, Int, Several, Usage, WholeReply
from models.modalities.embeddings import Text, Truncation

_json = msgspec.json.Encoder()

MOST_DOCUMENTS = 10_000


class Document(BaseModel):
    """A document as an object. Its text is ranked; its other fields are returned with it, as with Cohere."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, str] = Field(init=False)

    text: str


@dataclass(frozen=True, slots=True)
class Ranking:
    """An engine's result: a score for each document, in their order, and how many of them were cut to what fits."""

    scores: Sequence[float]
    cut: int = 0


class Request(BaseRequest):
    """Body of a rerank. A document that does not fit into the model's context beside the query is cut.

    With ``truncation`` false it is refused. ``max_tokens_per_doc`` and ``truncate_prompt_tokens`` (-1: what fits) cut
    it shorter; with ``max_chunks_per_doc`` it is made chunks, and the best of them gives its score.
    """

    PLATFORM: ClassVar[frozenset[str]] = frozenset(
        ["model", "user", "query", "documents", "top_n", "return_documents", "return_len", "truncation"]
    )
    INERT: ClassVar[dict[str, tuple[Any, ...]]] = {"rank_fields": ([], ["text"]), "priority": (0,)}

    query: Text
    documents: Annotated[Several[str | Document], Field(min_length=1, max_length=MOST_DOCUMENTS)]
    top_n: Annotated[Int, Field(ge=0)] | None = Field(None, description="how many results to return; 0: all")
    return_documents: Bool | None = None
    return_len: Bool | None = Field(None, description="return in 'meta' how many tokens were read")
    max_tokens_per_doc: Annotated[Int, Field(ge=1)] | None = None
    max_chunks_per_doc: Annotated[Int, Field(ge=1, le=1000)] | None = None
    truncate_prompt_tokens: Truncation | None = None
    truncation: Bool = Field(True, description="false: a document that is too long is refused")

    rank_fields: Any = None
    priority: Any = None

    @model_validator(mode="before")
    @classmethod
    def _kwargs(cls, value: Any) -> Any:
        """The body with the fields in ``kwargs``, where Xinference's client sends fields once more, as JSON text."""
        if not isinstance(value, dict) or not isinstance(value.get("kwargs"), str):
            return value
        body = dict(value)
        text = body.pop("kwargs")
        try:
            more = msgspec.json.decode(text or "{}", type=dict[str, Any])
        except (msgspec.DecodeError, RecursionError, ValueError) as error:
            raise PydanticCustomError(
                "invalid_value", "it must be a JSON object, as text", {"param": "kwargs"}
            ) from error
        return more | body

    @property
    def kept_tokens(self) -> int | None:
        """How many tokens of a document are read at most; -1: as many as fit; None: one that is too long is refused."""
        asked = self.max_tokens_per_doc if self.truncate_prompt_tokens is None else self.truncate_prompt_tokens
        if asked is None and self.max_chunks_per_doc is None and self.truncation:
            return -1
        return asked

    @property
    def texts(self) -> list[str]:
        """The documents' texts."""
        return [one if isinstance(one, str) else one.text for one in self.documents]

    @property
    def runs(self) -> list[tuple[int, str, list[str]]]:
        """Queries with the texts that each is held against, and the number of the first of these."""
        return [(0, self.query, self.texts)]

    @property
    def budget(self) -> int:
        """See ``BaseRequest``: nothing is written, so about what is read."""
        return sum((len(query) + len(text)) // 4 + 1 for _, query, texts in self.runs for text in texts)


class Reply(WholeReply):
    """Makes the results, best first, of an engine's ``Ranking``."""

    def __init__(self, rid: str, request: Request, created: int) -> None:
        self._id = f"rerank-{rid}"
        self._request = request

    def end(self, usage: Usage, result: Any = None) -> bytes:
        """The whole answer. ``meta.warnings`` says how many documents were cut."""
        asked, scores = self._request, result.scores
        best = sorted(range(len(scores)), key=lambda index: (-scores[index], index))[: asked.top_n or None]
        results = [
            {
                "index": index,
                "relevance_score": scores[index],
                "document": _shown(asked.documents[index]) if asked.return_documents else None,
            }
            for index in best
        ]
        tokens = {"input_tokens": usage.prompt_tokens, "output_tokens": 0} if asked.return_len else None
        warnings = [f"{result.cut} of {len(scores)} documents were cut to what fits"] if result.cut else None
        meta = {
            "api_version": {"version": "2", "is_experimental": False},
            "billed_units": None,
            "tokens": tokens,
            "warnings": warnings,
        }
        total = {"prompt_tokens": usage.prompt_tokens, "total_tokens": usage.prompt_tokens}
        body = {"id": self._id, "object": "list", "model": asked.model, "results": results, "meta": meta}
        return _json.encode(body | {"usage": total})


def _shown(document: str | Document) -> dict[str, str]:
    return {"text": document} if isinstance(document, str) else document.model_dump()
