"""sentence-transformers: embeddings with bi-encoders, rerank with cross-encoders, batched over all requests."""

from collections.abc import Callable, Iterator
from functools import partial
from itertools import count
from typing import Any

import numpy
import torch

from models.errors import InvalidRequest, UnsupportedParameter
from models.launching.options.vectors import SentenceTransformersOptions
from models.modalities import MODALITIES, served_by
from models.modalities.base import Usage
from models.modalities.embeddings import Request as Embeddings
from models.modalities.rerank import Ranking
from models.modalities.rerank import Request as Rerank
from workers.engines.base import Engine, EngineSite, Report, Sink
from workers.engines.sentence_transformers.batcher import BatchedRequest, Batcher, TokenSequence
from workers.engines.sentence_transformers.heads import MULTI, SPARSE
from workers.engines.sentence_transformers.load import LoadedEncoder, load_model
from workers.engines.sentence_transformers.text import slow

_KINDS = {"return_sparse": SPARSE, "return_multivector": MULTI}
"""The fields that ask for something else than one vector of a text."""
MOST_NUMBERS = 1 << 20
"""Most numbers of the vectors of tokens in one answer: 20 MB, which the broker carries at once. In base64 four times
as many.
"""
_TOO_MANY = (
    f"an answer has at most {MOST_NUMBERS} numbers in vectors of tokens, in base64 four times as many: send fewer "
    "inputs at once, or truncate them"
)

PART = 64
"""Embeddings that are put ahead of the rest of a long answer."""


def _document(first: int, number: int) -> str:
    return f"documents[{first + number}]"


class SentenceTransformers(Engine[LoadedEncoder]):
    """One model, which serves embeddings or rerank, as its weights are."""

    honours = frozenset(
        [
            *("dimensions", "truncate_prompt_tokens", "truncate", "normalize", "input_type", *_KINDS),
            *("max_tokens_per_doc", "max_chunks_per_doc"),
        ]
    )

    def __init__(self, loaded: LoadedEncoder) -> None:
        super().__init__(loaded)
        self._model = loaded
        self.told = loaded.told
        self.honours -= {name for name, kind in _KINDS.items() if kind not in loaded.heads}
        self._tokens = 0
        self._batcher = Batcher(
            loaded.forward,
            lambda: torch.set_num_threads(loaded.threads),
            lanes=loaded.lanes,
            budget=loaded.budget,
            most=loaded.max_batch,
        )

    @classmethod
    def load(cls, placement: EngineSite, report: Report) -> LoadedEncoder:
        return load_model(placement, SentenceTransformersOptions.read(placement.options), report)

    def modalities(self) -> list[str]:
        return [name for name in MODALITIES if served_by(name) == self._model.modality]

    def embeddings(self, request: Embeddings, sink: Sink) -> None:
        """Embed each input."""
        self._serves("embeddings")
        size = request.dimensions or self._model.shown
        if size > self._model.dimensions:
            raise InvalidRequest(
                f"the model's embeddings have {self._model.dimensions} dimensions, not {size}", param="dimensions"
            )
        if request.normalize is False and self._model.unit:
            raise UnsupportedParameter("the model's own embeddings have length 1", param="normalize")
        if request.input_type is not None and not isinstance(request.inputs[0], str):
            raise InvalidRequest(
                "a prompt goes before texts: put its tokens before yours, and leave it out", param="input_type"
            )
        prompt = self._prompt(request.input_type)
        dense = partial(self._shaped, size, request.normalize is True)
        shape: Callable[[list[Any]], list[Any]] = list if _kind(request) else dense
        sent = 0

        def on_result(task: BatchedRequest) -> None:
            nonlocal sent
            while sent + PART < len(request.inputs) and all(n in task.results for n in range(sent, sent + PART)):
                sink.part(shape([task.results[n] for n in range(sent, sent + PART)]))
                sent += PART
            if task.whole:
                self._done(task, shape([task.results[n] for n in range(sent, len(request.inputs))]))

        task = BatchedRequest(sink, on_result, slow=slow(request.inputs), total=len(request.inputs))
        task.reading = self._read(task, request, prompt)
        self._batcher.take(task)

    def rerank(self, request: Rerank, sink: Sink) -> None:
        """Score each document beside the query: by its best piece, where it is made several."""
        self._serves("rerank")
        prompt, texts = self._model.prompts[""], request.texts
        documents: list[int] = []
        cut: set[int] = set()

        def on_result(task: BatchedRequest) -> None:
            if task.whole:
                scores = [float("-inf")] * len(texts)
                for number, document in enumerate(documents):
                    scores[document] = max(scores[document], float(task.results[number]))
                self._done(task, Ranking(scores, len(cut)))

        def reading() -> Iterator[list[TokenSequence]]:
            reader, keep, chunks = self._model.reader, _kept(request), request.max_chunks_per_doc
            for first, query, held in request.runs:
                short: set[int] = set()
                for group in reader.pairs(prompt + query, held, keep, chunks, partial(_document, first), short):
                    rows = [
                        TokenSequence(task, number, pair.ids, pair.type_ids)
                        for number, (_, pair) in enumerate(group, len(documents))
                    ]
                    documents.extend(first + document for document, _ in group)
                    cut.update(first + document for document in short)
                    if documents[-1] == len(texts) - 1:
                        task.total = len(documents)
                    yield rows

        task = BatchedRequest(sink, on_result, slow=slow([query for _, query, _ in request.runs] + texts))
        task.reading = reading()
        self._batcher.take(task)

    def abort(self, rid: str) -> None:
        self._batcher.abort(rid)

    def close(self) -> None:
        self._batcher.close()

    def alive(self) -> bool:
        return self._batcher.alive()

    def fault(self) -> str:
        return self._batcher.fault

    def counters(self) -> dict[str, int]:
        batcher = self._batcher
        return {
            "batches": batcher.batches,
            "sequences": batcher.sequences,
            "tokens": self._tokens,
            "aborts": batcher.aborts,
        }

    def _serves(self, modality: str) -> None:
        if self._model.modality != modality:
            raise InvalidRequest(f"this model does not serve {modality}", param="model")

    def _prompt(self, name: str | None) -> str:
        """What is put before each text. Cohere's names of query and document are understood, too."""
        prompts = self._model.prompts
        short = (name or "").removeprefix("search_")
        names = [one for one in (name or "", short, "passage" if short == "document" else short) if one in prompts]
        if names:  # the library gives every model an empty prompt for queries and one for documents
            return next(filter(None, map(prompts.__getitem__, names)), "")
        known = ", ".join(sorted(filter(None, prompts))) or "none"
        raise InvalidRequest(f"the model has no prompt '{name}'; it has {known}", param="input_type")

    def _read(self, task: BatchedRequest, request: Embeddings, prompt: str) -> Iterator[list[TokenSequence]]:
        """In the reading thread: the request's sequences."""
        reader, inputs, keep = self._model.reader, request.inputs, _kept(request)

        def name(number: int) -> str:
            return f"input[{number}]" if len(inputs) > 1 else "input"

        groups: Iterator[list[tuple[list[int], list[int]]]]
        kind = _kind(request)
        if isinstance(inputs[0], str):
            if not (kind or self._model.pooled_prompt or not prompt):
                kind = reader.length(prompt)
            texts = reader.text(prompt, inputs, keep, name)
            groups = ([(one.ids, one.type_ids) for one in group] for group in texts)
        else:
            groups = ([(ids, []) for ids in group] for group in reader.ids(inputs, keep, name))
        numbers = count()
        left = MOST_NUMBERS * (4 if request.encoding_format == "base64" else 1)
        for group in groups:
            left -= sum(len(ids) for ids, _ in group) * (self._model.heads[MULTI] if kind == MULTI else 0)
            if left < 0:
                raise InvalidRequest(_TOO_MANY, param="input")
            yield [TokenSequence(task, next(numbers), ids, types, kind) for ids, types in group]

    def _shaped(self, size: int, normalize: bool, rows: list[Any]) -> list[memoryview]:
        """Embeddings of so many dimensions, of length 1 where that is asked for or they were so before."""
        whole = size == self._model.dimensions
        if not rows or (whole and (self._model.unit or not normalize)):
            return [memoryview(row) for row in rows]
        cut = numpy.stack(rows)[:, :size]
        if self._model.unit or normalize:
            cut = cut / numpy.maximum(numpy.linalg.norm(cut, axis=1, keepdims=True), 1e-12)
        return [memoryview(row) for row in numpy.ascontiguousarray(cut, dtype=numpy.float32)]

    def _done(self, task: BatchedRequest, result: Any) -> None:
        self._tokens += task.tokens
        self._batcher.finish(task)
        task.sink.done(Usage(task.tokens, 0), result)


def _kind(request: Embeddings) -> int:
    """What is asked for of each text; 0: one vector."""
    return next((kind for name, kind in _KINDS.items() if getattr(request, name)), 0)


def _kept(request: Embeddings | Rerank) -> int | None:
    """Tokens to which a text is to be cut; None: it is not to be."""
    return 1 << 30 if request.kept_tokens == -1 else request.kept_tokens
