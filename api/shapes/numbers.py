"""What models answer with numbers: embeddings, rankings, scores and tokens, as the API shows them."""

from typing import Literal

from pydantic import ConfigDict, with_config
from typing_extensions import TypedDict

Vector = list[float] | list[list[float]] | dict[str, float] | str
"""Numbers; of several vectors, one for each token; weights of tokens by their ids; or float32 in base64."""


class PromptUsage(TypedDict):
    """The tokens that were read."""

    prompt_tokens: int
    total_tokens: int


class Embedding(TypedDict):
    """A vector. ``index``: the place of its text among the inputs."""

    object: Literal["embedding"]
    index: int
    embedding: Vector


class EmbeddingList(TypedDict):
    """A vector for each input, in their order."""

    object: Literal["list"]
    data: list[Embedding]
    model: str
    usage: PromptUsage


@with_config(ConfigDict(extra="allow"))
class RankedDocument(TypedDict):
    """A document, with its other fields as they were sent."""

    text: str


class Ranked(TypedDict):
    """A document's relevance. ``index``: its place in the request; ``document``: null unless it was asked for."""

    index: int
    relevance_score: float
    document: RankedDocument | None


class RankVersion(TypedDict):
    """The version of Cohere's API that an answer is like."""

    version: str
    is_experimental: bool


class RankTokens(TypedDict):
    """Tokens, as Cohere counts them."""

    input_tokens: int
    output_tokens: int


class RankMeta(TypedDict):
    """What goes with a ranking. ``warnings``: that documents were cut, and how many."""

    api_version: RankVersion
    billed_units: None
    tokens: RankTokens | None
    warnings: list[str] | None


class RankedList(TypedDict):
    """Documents, the most relevant first."""

    id: str
    object: Literal["list"]
    model: str
    results: list[Ranked]
    meta: RankMeta
    usage: PromptUsage


class Score(TypedDict):
    """How well a text fits. ``index``: its place in the request."""

    index: int
    object: Literal["score"]
    score: float


class ScoreList(TypedDict):
    """A score for each text, in their order."""

    id: str
    object: Literal["list"]
    created: int
    model: str
    data: list[Score]
    usage: PromptUsage


class TokenList(TypedDict):
    """The tokens of a text. ``token_strs``: each as the tokenizer writes it, where that was asked for."""

    count: int
    max_model_len: int | None
    tokens: list[int]
    token_strs: list[str] | None


class TokenText(TypedDict):
    """The text of tokens."""

    prompt: str
