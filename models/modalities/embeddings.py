"""Embeddings, as ``POST /v1/embeddings`` of the OpenAI API (reference of November 2026)."""

import base64
from collections.abc import Sequence
from typing import Annotated, Any, ClassVar, Literal, Self

import msgspec
from pydantic import AfterValidator, Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from models.modalities.base import BaseRequest, Bool, Int, Several, Tokens, Usage, WholeReply

_json = msgspec.json.Encoder()

MOST_INPUTS = 2048
MOST_TOKENS = 1 << 20
"""Most tokens of one input that comes as token ids; a model's context is smaller."""


def _some(value: int) -> int:
    if value == 0:
        raise PydanticCustomError("invalid_value", "it is a number of tokens to keep, or -1")
    return value


_OTHER_NAMES = (
    ("output_dimension", "dimensions"),
    ("prompt_name", "input_type"),
    ("return_colbert_vecs", "return_multivector"),
)
Text = Annotated[str, Field(min_length=1)]
Row = Annotated[Tokens, Field(min_length=1, max_length=MOST_TOKENS)]
Truncation = Annotated[Int, Field(ge=-1, le=MOST_TOKENS), AfterValidator(_some)]

Vector = bytes | memoryview | dict[str, float]
"""One embedding: its numbers as contiguous little-endian float32, or weights of tokens by their ids.

A ``memoryview`` of two dimensions has a vector for each token.
"""


class Request(BaseRequest):
    """Body of a request for embeddings.

    An input longer than the model's context is refused, unless ``truncate_prompt_tokens`` (vLLM's) gives the number of
    tokens to keep of each; -1: as many as the model takes, as ``truncate`` says, too.
    ``input_type`` names a prompt of the model that is put before each text: query, document, or any other that it has.
    """

    PLATFORM: ClassVar[frozenset[str]] = frozenset(["model", "user", "input", "encoding_format"])
    INERT: ClassVar[dict[str, tuple[Any, ...]]] = {"embedding_types": (["float"],), "output_dtype": ("float",)}

    input: Text | Row | Annotated[Several[Text] | Several[Row], Field(min_length=1, max_length=MOST_INPUTS)]
    dimensions: Annotated[Int, Field(ge=1, le=1 << 16)] | None = None
    encoding_format: Literal["float", "base64"] | None = None
    truncate_prompt_tokens: Truncation | None = None
    truncate: Bool | Literal["NONE", "END"] | None = Field(None, description="cut what is too long, as others say it")
    normalize: Bool | None = Field(None, description="true: vectors of length 1, whatever the model gives")
    input_type: Annotated[str, Field(min_length=1, max_length=64)] | None = None
    return_sparse: Bool = Field(False, description="in the place of a vector a weight for each token, by its id")
    return_multivector: Bool = Field(False, description="in the place of a vector one for each token, as ColBERT")

    embedding_types: Any = None
    output_dtype: Any = None

    @model_validator(mode="before")
    @classmethod
    def _other_names(cls, value: Any) -> Any:
        """The body with Cohere's, Voyage's, TEI's and FlagEmbedding's names for the same."""
        if not isinstance(value, dict):
            return value
        body = dict(value)
        for theirs, ours in _OTHER_NAMES:
            given = body.pop(theirs, None)
            if given is not None and body.get(ours) is None:
                body[ours] = given
        return body

    @field_validator("input", mode="before")
    @classmethod
    def _bounded(cls, value: Any) -> Any:
        if value in ("", []):
            raise PydanticCustomError("invalid_value", "it is empty")
        if isinstance(value, list) and len(value) > MOST_INPUTS and not isinstance(value[0], int):
            why = "a request takes {most} inputs at most, not {count}"
            raise PydanticCustomError("invalid_value", why, {"most": MOST_INPUTS, "count": len(value)})
        return value

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        encoded = self.return_sparse and self.encoding_format == "base64"
        several = self.return_sparse and self.return_multivector
        rather = {"dimensions": self.dimensions, "encoding_format": encoded, "return_multivector": several}
        for name, asked in rather.items():
            if (self.return_sparse or self.return_multivector) and asked:
                why = "what is given for tokens has none: leave it out"
                raise PydanticCustomError("invalid_value", why, {"param": name})
        return self

    @property
    def kept_tokens(self) -> int | None:
        """How many tokens of each input are read at most; -1: what fits; None: an input too long is refused."""
        if self.truncate_prompt_tokens is None and self.truncate in (True, "END"):
            return -1
        return self.truncate_prompt_tokens

    @property
    def inputs(self) -> list[str] | list[list[int]]:
        """The inputs, as texts or as token ids."""
        if isinstance(self.input, str):
            return [self.input]
        if isinstance(self.input[0], int):
            return [self.input]
        return self.input

    @property
    def budget(self) -> int:
        """See ``BaseRequest``. Nothing is written, so it is about the number of tokens that are read."""
        return sum(max(len(one) // 4, 1) if isinstance(one, str) else len(one) for one in self.inputs)


class Reply(WholeReply):
    """Makes the ``list`` of embeddings.

    An engine's result is a sequence of ``Vector``, in the inputs' order; parts of a long one may come before ``end``.
    """

    def __init__(self, rid: str, request: Request, created: int) -> None:
        self._model = request.model
        self._base64 = request.encoding_format == "base64"
        self._written = 0

    def part(self, part: Sequence[Vector]) -> bytes:
        """The next embeddings; with the first, also the beginning of the object."""
        head = b"" if self._written else b'{"object":"list","data":['
        items = []
        for vector in part:
            comma = b"," if self._written else b""
            items.append(
                comma + b'{"object":"embedding","index":%d,"embedding":' % self._written + self._numbers(vector) + b"}"
            )
            self._written += 1
        return head + b"".join(items)

    def end(self, usage: Usage, result: Any = None) -> bytes:
        """The remaining embeddings, and the usage."""
        total = {"prompt_tokens": usage.prompt_tokens, "total_tokens": usage.prompt_tokens}
        tail = {"model": self._model, "usage": total}
        return self.part(result or ()) + b"]," + _json.encode(tail)[1:]

    def _numbers(self, vector: Vector) -> bytes:
        if isinstance(vector, dict):
            return _json.encode(vector)
        if isinstance(vector, memoryview) and vector.ndim == 2:
            return b"[" + b",".join(self._numbers(vector[at : at + 1].cast("B")) for at in range(len(vector))) + b"]"
        if self._base64:
            return b'"' + base64.b64encode(vector) + b'"'
        return _json.encode(memoryview(vector).cast("B").cast("f").tolist())
