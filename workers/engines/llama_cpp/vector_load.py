"""From a GGUF file to a running llama.cpp that embeds or ranks."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import msgspec

from models.errors import InvalidRequest
from models.launching import gguf as headers
from models.launching.options.text import LlamaCppOptions
from workers.engines.base import Capacity, EngineSite, Report
from workers.engines.llama_cpp import wire
from workers.engines.llama_cpp.load import Http, fitted, gguf, serve, split_of

_POOLINGS = {1: "mean", 2: "cls", 3: "last", 4: "rank"}
_WORDPIECE = 3
"""llama.cpp's number for the kind of BERT's tokenizer."""


@dataclass(frozen=True, slots=True)
class LoadedVectors:
    """A running llama.cpp. ``context`` and ``vocabulary`` in tokens; ``dimensions`` of an embedding.

    ``around``: the model's own tokens before and after a text; ``around_pair``: how many of a pair are its own.
    ``probable``: its scores are from 0 to 1 by themselves; others are logits.
    """

    server: Any
    http: Http
    modality: Literal["embeddings", "rerank"]
    parallel: int
    context: int
    vocabulary: int
    dimensions: int
    around: tuple[list[int], list[int]] = ([], [])
    around_pair: int = 0
    probable: bool = False
    told: Mapping[str, Any] = field(default_factory=dict)

    @property
    def capacity(self) -> Capacity:
        """See ``base.Loaded``."""
        return Capacity(self.parallel, self.context)

    def ids(self, text: str, *, own: bool = False) -> list[int]:
        """The tokens of a text, with the model's ``own`` or without. Blocks."""
        asked = {"content": text, "add_special": own, "parse_special": True}
        return [int(one) for one in self.http.ask("/tokenize", asked)["tokens"]]

    def text(self, ids: list[int]) -> str:
        """The text of tokens. Blocks."""
        return str(self.http.ask("/detokenize", {"tokens": ids})["content"])


def load_vectors(site: EngineSite, options: LlamaCppOptions, report: Report) -> LoadedVectors:
    """Start llama.cpp, warm it, and find out how it puts texts together.

    Raises InvalidRequest where the file is not for this, or llama.cpp puts pairs together otherwise than it wants them.
    """
    path = gguf(Path(site.source))
    report("loading", 0.0)
    with path.open("rb") as file:
        header = headers.header(file, templates=True)
    network = str(header.get("general.architecture"))
    modality: Literal["embeddings", "rerank"] = "rerank" if options.modality == "rerank" else "embeddings"
    pooling, told = _pooling(header.get(f"{network}.pooling_type"), modality, options)
    context = min(options.n_ctx, int(header.get(f"{network}.context_length") or options.n_ctx))
    sized = {"n_ctx": context, "n_batch": max(context, 32), "n_ubatch": max(context, 32)}  # an input is one computation
    options = fitted(path, site, options.model_copy(update=sized), split := split_of(site, options))
    secret = secrets.token_urlsafe(32)
    server = serve(path, site.device, options, split, secret, pooling)
    http = Http(server.listening_address, secret)
    report("warming", 0.0)
    meta = http.ask("/v1/models")["data"][0]["meta"]
    width = int(header.get(f"{network}.embedding_length") or meta["n_embd"])
    loaded = LoadedVectors(server, http, modality, options.n_parallel, context, int(meta["n_vocab"]), width)
    if modality == "embeddings":
        around = _around(loaded.ids("a"), loaded.ids("a", own=True))
        more: dict[str, Any] = {"around": around, "told": told | {"dimensions": width}}
    else:
        more = _pairs(loaded, network, header, int(meta["vocab_type"]))
    report("warming", 1.0)
    return replace(loaded, **more)


def _pooling(own: Any, modality: str, options: LlamaCppOptions) -> tuple[str, dict[str, Any]]:
    """llama.cpp's name of the pooling, and what is told of it. Raises InvalidRequest."""
    named = _POOLINGS.get(own) if isinstance(own, int) else None
    if (modality == "rerank") != (named == "rank"):
        wants = (
            "no reranker: it has no head that gives a score"
            if modality == "rerank"
            else "a reranker: it embeds nothing"
        )
        raise InvalidRequest(f"this GGUF file is {wants}", param="model_type")
    found = "rank" if modality == "rerank" else options.pooling or named or "last"
    return found, {"pooling": found, "pooling_assumed": options.pooling is None and named is None}


def _around(inner: list[int], whole: list[int]) -> tuple[list[int], list[int]]:
    """The tokens before and after a text's own."""
    for at in range(len(whole) - len(inner) + 1):
        if whole[at : at + len(inner)] == inner:
            return whole[:at], whole[at + len(inner) :]
    raise InvalidRequest("this model's own tokens cannot be told from a text's", param="model_path")


def _pairs(loaded: LoadedVectors, network: str, header: Mapping[str, Any], vocabulary: int) -> dict[str, Any]:
    """How pairs are put together. Raises InvalidRequest where it is not as the model was trained.

    An encoder has ``[CLS]`` query ``[SEP]`` document ``[SEP]``, one of RoBERTa's kind two of them in the middle; others
    have a template in the file.
    """
    words = {"query": "a", "documents": ["b"]}
    answer = msgspec.json.decode(loaded.server.handle_rerank(wire.encode(words)))
    if "error" in answer:
        raise InvalidRequest(
            f"llama.cpp cannot rank with this file: {answer['error'].get('message')}", param="model_path"
        )
    own = int(answer["usage"]["prompt_tokens"]) - len(loaded.ids("a")) - len(loaded.ids("b"))
    if "tokenizer.chat_template.rerank" in header:
        return {"around_pair": own, "probable": True, "told": {"pair_prompt": "the file's template"}}
    if "bert" not in network or own != (3 if vocabulary == _WORDPIECE else 4):
        raise InvalidRequest(
            "llama.cpp puts a query and a document together otherwise than this reranker was trained: launch its "
            "safetensors instead",
            param="model_path",
        )
    return {"around_pair": own}
