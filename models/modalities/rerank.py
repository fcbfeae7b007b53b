"""Rerank, as the APIs of Cohere, Jina and Xinference have it in common, at ``/v1/rerank`` and ``/v2/rerank``."""

from typing import Annotated, Any, ClassVar

import msgspec
from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from models.modalities.base import BaseRequest, Bool, Int, Usage, WholeReply
from models.modalities.embeddings import Text, Truncation

_json = msgspec.json.Encoder()

MOST_DOCUMENTS = 10_000


class Document(BaseModel):
    """A document as an object. Its text is ranked; its other fields are returned with it, as with Cohere."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, str] = Field(init=False)

    text: Text


class Request(BaseRequest):
    """Body of a rerank. A document that does not fit into the model's context beside the query is refused.

    With ``max_tokens_per_doc`` or ``truncate_prompt_tokens`` (-1: what fits) it is cut instead; with
    ``max_chunks_per_doc`` it is cut into chunks, and the best of them gives its score.
    """

    PLATFORM: ClassVar[frozenset[str]] = frozenset(
        ["model", "user", "query", "documents", "top_n", "return_documents", "return_len"]
    )
    INERT: ClassVar[dict[str, tuple[Any, ...]]] = {"rank_fields": ([], ["text"]), "priority": (0,)}

    query: Text
    documents: Annotated[list[Text | Document], Field(min_length=1, max_length=MOST_DOCUMENTS)]
    top_n: Annotated[Int, Field(ge=1)] | None = Field(None, description="how many results to return; all by default")
    return_documents: Bool | None = None
    return_len: Bool | None = Field(None, description="return in 'meta' how many tokens were read")
    max_tokens_per_doc: Annotated[Int, Field(ge=1)] | None = None
    max_chunks_per_doc: Annotated[Int, Field(ge=1, le=1000)] | None = None
    truncate_prompt_tokens: Truncation | None = None

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
    def texts(self) -> list[str]:
        """The documents' texts."""
        return [one if isinstance(one, str) else one.text for one in self.documents]

    @property
    def budget(self) -> int:
        """See ``BaseRequest``: nothing is written, so about what is read."""
        return sum((len(self.query) + len(text)) // 4 + 1 for text in self.texts)


class Reply(WholeReply):
    """Makes the results, best first. An engine's result is one score for each document, in the documents' order."""

    def __init__(self, rid: str, request: Request, created: int) -> None:
        self._id = f"rerank-{rid}"
        self._request = request

    def end(self, usage: Usage, result: Any = None) -> bytes:
        """The whole answer."""
        asked = self._request
        best = sorted(range(len(result)), key=lambda index: (-result[index], index))[: asked.top_n]
        results = [
            {
                "index": index,
                "relevance_score": result[index],
                "document": _shown(asked.documents[index]) if asked.return_documents else None,
            }
            for index in best
        ]
        tokens = {"input_tokens": usage.prompt_tokens, "output_tokens": 0} if asked.return_len else None
        meta = {
            "api_version": {"version": "2", "is_experimental": False},
            "billed_units": None,
            "tokens": tokens,
            "warnings": None,
        }
        total = {"prompt_tokens": usage.prompt_tokens, "total_tokens": usage.prompt_tokens}
        body = {"id": self._id, "object": "list", "model": asked.model, "results": results, "meta": meta}
        return _json.encode(body | {"usage": total})


def _shown(document: str | Document) -> dict[str, str]:
    return {"text": document} if isinstance(document, str) else document.model_dump()
