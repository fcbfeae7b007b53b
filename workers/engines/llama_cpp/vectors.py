"""Embeddings and rerank from GGUF files: a llama.cpp that gives vectors or scores in the place of text."""

import asyncio
import math
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

import msgspec
import numpy

from models.errors import ContextLengthExceeded, EngineFailure, HeadraceError, InvalidRequest, UnsupportedParameter
from models.launching.options.text import LlamaCppOptions
from models.modalities import MODALITIES, served_by
from models.modalities.base import Usage
from models.modalities.embeddings import Request as Embeddings
from models.modalities.rerank import Ranking
from models.modalities.rerank import Request as Rerank
from workers.engines.base import Engine, EngineSite, Report, Sink
from workers.engines.llama_cpp import wire
from workers.engines.llama_cpp.vector_load import LoadedVectors, load_vectors
from workers.engines.text.limits import ADDED, too_long

GROUP = 16
"""Inputs of one call: llama.cpp computes them in its slots; between calls others have their turn."""


@dataclass(eq=False, slots=True)
class VectorRequest:
    """One request. ``over`` is set on the loop and read in the thread."""

    sink: Sink
    over: bool = False


class LlamaCppVectors(Engine[LoadedVectors]):
    """One GGUF file, which serves embeddings or rerank."""

    honours = frozenset(["dimensions", "truncate_prompt_tokens", "truncate", "normalize", "max_tokens_per_doc"])

    def __init__(self, loaded: LoadedVectors) -> None:
        super().__init__(loaded)
        self.told = loaded.told
        self._model = loaded
        self._threads = ThreadPoolExecutor(loaded.parallel, thread_name_prefix="llama.cpp")
        self._requests: dict[str, VectorRequest] = {}
        self._loop = asyncio.get_running_loop()
        self._tokens = self._aborts = 0

    @classmethod
    def load(cls, site: EngineSite, report: Report) -> LoadedVectors:
        return load_vectors(site, LlamaCppOptions.read(site.options), report)

    def modalities(self) -> list[str]:
        return [name for name in MODALITIES if served_by(name) == self._model.modality]

    def embeddings(self, request: Embeddings, sink: Sink) -> None:
        """Embed each input, as vectors of length 1."""
        self._serves("embeddings")
        if request.dimensions is not None and request.dimensions > self._model.dimensions:
            raise InvalidRequest(
                f"the model's embeddings have {self._model.dimensions} dimensions, not {request.dimensions}",
                param="dimensions",
            )
        if request.normalize is False:
            raise UnsupportedParameter("embeddings of a GGUF file have length 1", param="normalize")
        self._begin(sink, partial(self._embed, request))

    def rerank(self, request: Rerank, sink: Sink) -> None:
        """Score each document beside the query."""
        self._serves("rerank")
        self._begin(sink, partial(self._rank, request))

    def abort(self, rid: str) -> None:
        if request := self._requests.pop(rid, None):
            request.over = True
            self._aborts += 1

    def close(self) -> None:
        for request in self._requests.values():
            request.over = True
        self._threads.shutdown(cancel_futures=True)
        del self._model

    def counters(self) -> dict[str, int]:
        return {"tokens": self._tokens, "aborts": self._aborts}

    def _serves(self, modality: str) -> None:
        if self._model.modality != modality:
            raise InvalidRequest(f"this model does not serve {modality}", param="model")

    def _begin(self, sink: Sink, work: Callable[[VectorRequest], tuple[int, Any]]) -> None:
        request = self._requests[sink.rid] = VectorRequest(sink)
        future = self._loop.run_in_executor(self._threads, work, request)
        future.add_done_callback(partial(self._ended, request))

    def _ended(self, request: VectorRequest, future: "asyncio.Future[tuple[int, Any]]") -> None:
        self._requests.pop(request.sink.rid, None)
        error = None if future.cancelled() else future.exception()
        if request.over or future.cancelled():
            return
        if error is None:
            tokens, result = future.result()
            self._tokens += tokens
            request.sink.done(Usage(tokens, 0), result)
        else:
            failure = EngineFailure(f"llama.cpp: {type(error).__name__}")
            request.sink.fail(error if isinstance(error, HeadraceError) else failure)

    # ---- in a thread ----

    def _embed(self, request: Embeddings, running: VectorRequest) -> tuple[int, list[memoryview]]:
        inputs: Sequence[str | list[int]] = request.inputs
        found, tokens = list[memoryview](), 0
        for at in range(0, len(inputs), GROUP):
            if running.over:
                break
            rows = [
                self._row(one, _kept(request.kept_tokens), f"input[{number}]" if len(inputs) > 1 else "input")
                for number, one in enumerate(inputs[at : at + GROUP], at)
            ]
            tokens += sum(map(len, rows))
            answer = self._call("handle_embeddings", {"input": rows})
            found += [self._vector(one["embedding"], request.dimensions) for one in answer["data"]]
        return tokens, found

    def _row(self, one: str | Sequence[int], keep: int | None, name: str) -> list[int]:
        """The ids of an input with the model's own, cut where that is asked for."""
        before, after = self._model.around
        inner = self._model.ids(one) if isinstance(one, str) else list(one)
        if not isinstance(one, str):
            inner = inner[len(before) :] if before and inner[: len(before)] == before else inner
            inner = inner[: -len(after)] if after and inner[-len(after) :] == after else inner
            if inner and max(inner) >= self._model.vocabulary:
                raise InvalidRequest(f"token {max(inner)} is not in the model's vocabulary", param=name)
        most = self._model.context - len(before) - len(after)
        limit = most if keep is None else max(min(keep - len(before) - len(after), most), 1)
        if len(inner) > limit and keep is None:
            raise self._too_long(len(inner) + self._model.context - most, name)
        return [*before, *inner[:limit], *after]

    def _rank(self, request: Rerank, running: VectorRequest) -> tuple[int, Ranking]:
        scores, cut, tokens = [float("-inf")] * len(request.texts), 0, 0
        for first, query, texts in request.runs:
            room = self._model.context - self._model.around_pair - len(self._model.ids(query))
            if room < 1:
                raise self._too_long(self._model.context - room, "query")
            for at in range(0, len(texts), GROUP):
                if running.over:
                    break
                shown = []
                for number, text in enumerate(texts[at : at + GROUP], first + at):
                    fitting = self._document(text, room, _kept(request.kept_tokens), f"documents[{number}]")
                    cut += fitting != text
                    shown.append(fitting)
                answer = self._call("handle_rerank", {"query": query, "documents": shown})
                tokens += answer["usage"]["prompt_tokens"]
                for one in answer["results"]:
                    scores[first + at + one["index"]] = self._score(one["relevance_score"])
        return tokens, Ranking(scores, cut)

    def _document(self, text: str, room: int, keep: int | None, name: str) -> str:
        ids = self._model.ids(text)
        if len(ids) > room and keep is None:
            raise self._too_long(len(ids) + self._model.context - room, name)
        limit = room if keep is None else min(keep, room)
        return text if len(ids) <= limit else self._model.text(ids[:limit])

    def _score(self, found: float) -> float:
        return found if self._model.probable else 1 / (1 + math.exp(-max(min(found, 60.0), -60.0)))

    @staticmethod
    def _vector(numbers: list[float], size: int | None) -> memoryview:
        found = numpy.array(numbers, numpy.float32)[:size]
        if not numpy.isfinite(found).all():
            raise EngineFailure("the model's numbers overflow")
        unit: Any = found / max(float(numpy.linalg.norm(found)), 1e-12)
        return memoryview(unit.astype(numpy.float32))

    def _call(self, name: str, body: dict[str, Any]) -> Any:
        """llama.cpp's answer. Raises EngineFailure where it has none."""
        answer = msgspec.json.decode(getattr(self._model.server, name)(wire.encode(body)))
        if "error" in answer:
            raise EngineFailure(f"llama.cpp: {answer['error'].get('message', 'it failed')}")
        return answer

    def _too_long(self, tokens: int, param: str) -> ContextLengthExceeded:
        return too_long(tokens, self._model.context, param, what=f"'{param}'", hint=ADDED)


def _kept(asked: int | None) -> int | None:
    return 1 << 30 if asked == -1 else asked
