"""llama.cpp, in this process, through xllamacpp: GGUF weights on a CPU or a GPU.

llama.cpp batches by itself over ``n_parallel`` slots. Each choice of each request is one blocking call in a thread,
which streams through a callback. When the callback returns True the call ends, and its slot is free one step later.
A call that waits for a slot inside llama.cpp cannot be stopped, since its callback is not called. So calls wait here,
and requests take turns: a request of many choices does not hold up the others.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from models.errors import EngineFailure, HeadraceError, InvalidRequest
from models.launching.options.text import LlamaCppOptions
from models.modalities import chat, completions, served_by
from models.modalities.base import Usage
from models.modalities.detokenize import Request as Detokenize
from models.modalities.embeddings import Request as Embeddings
from models.modalities.rerank import Request as Rerank
from models.modalities.text import Delta, TokenLogprob
from models.modalities.tokenize import Request as Tokenize
from workers.engines.base import Engine, EngineSite, Report, Sink
from workers.engines.llama_cpp import wire
from workers.engines.llama_cpp.calls import ChoiceCall, RunningRequest
from workers.engines.llama_cpp.load import LoadedGguf, load_model
from workers.engines.llama_cpp.plan import Plan, Planner
from workers.engines.llama_cpp.scoring import PromptScore, ScoredModel
from workers.engines.llama_cpp.sight import refuse_beside_projector
from workers.engines.llama_cpp.vector_load import LoadedVectors, load_vectors
from workers.engines.llama_cpp.vectors import LlamaCppVectors
from workers.engines.text.answers import Piece
from workers.engines.text.limits import check_bias, check_ids
from workers.engines.text.stops import StopScanner
from workers.engines.threads.open_requests import OpenRequests
from workers.engines.threads.round_robin import RoundRobin
from workers.engines.threads.side_answers import SideAnswers

_log = logging.getLogger(__name__)
HONOURS = frozenset(
    [
        *("max_tokens", "max_completion_tokens", "n", "best_of", "stop", "ignore_eos", "echo"),
        *("temperature", "top_p", "top_k", "min_p", "seed", "logit_bias", "logprobs", "top_logprobs"),
        *("frequency_penalty", "presence_penalty", "repetition_penalty"),
        *("response_format", "structured_outputs", "tools", "tool_choice", "parallel_tool_calls"),
        *("chat_template_kwargs", "enable_thinking", "reasoning_effort", "continue_final_message"),
    ]
)
STUCK_S = 120.0
"""Seconds without any output after which a step under a grammar counts as one that never ends."""


class LlamaCpp(Engine[LoadedGguf]):
    """Chat and completions over a GGUF file.

    Penalties look at the prompt as well as at the answer, as llama.cpp's do. Where a prompt has pictures, a character
    made of several tokens has the log probability of its last token alone.
    """

    honours = HONOURS | {"image_url"}
    gather_s = 0.002

    def __init__(self, loaded: LoadedGguf) -> None:
        super().__init__(loaded)
        self.honours = HONOURS | {"image_url"} if loaded.sees else HONOURS
        self._server = loaded.server
        self._http = loaded.http
        self._context = loaded.context
        self._vocabulary = loaded.vocabulary
        self._planner = Planner(loaded)
        self._scored = ScoredModel(self._complete, self._text, loaded.filler, loaded.vocabulary)
        self._threads = ThreadPoolExecutor(loaded.parallel, thread_name_prefix="llama.cpp")
        self._asking = ThreadPoolExecutor(1, thread_name_prefix="ask llama.cpp")  # one: its server has one thread, too
        self._planning = ThreadPoolExecutor(1, thread_name_prefix="plan")
        self._confirming = ThreadPoolExecutor(1, thread_name_prefix="confirm")
        self._side_answers = SideAnswers(self._asking)
        self._requests = OpenRequests[RunningRequest](self._side_answers, self._end)
        self._calls: RoundRobin[ChoiceCall] = RoundRobin()
        self._events: deque[tuple[ChoiceCall, wire.Chunk | Delta | HeadraceError]] = deque()
        self._woken = False
        self._under_grammar: set[ChoiceCall] = set()
        self._last_chunk_at = time.monotonic()
        self._tokens = 0
        self._loop = asyncio.get_running_loop()

    @classmethod
    def load(cls, site: EngineSite, report: Report) -> LoadedGguf:
        options = LlamaCppOptions.read(site.options)
        vectors: Any = load_vectors(site, options, report) if options.modality else None
        return vectors or load_model(site, options, report)

    @classmethod
    async def start(cls, loaded: LoadedGguf) -> "LlamaCpp":
        if isinstance(loaded, LoadedVectors):
            vectors: Any = LlamaCppVectors(loaded)
            return vectors
        return cls(loaded)

    def modalities(self) -> list[str]:
        return [name for name in super().modalities() if served_by(name) not in ("embeddings", "rerank")]

    def embeddings(self, request: Embeddings, sink: Sink) -> None:
        """Refuse: files that embed are another class's."""
        raise InvalidRequest("this model does not serve embeddings", param="model")

    def rerank(self, request: Rerank, sink: Sink) -> None:
        """Refuse: files that rank are another class's."""
        raise InvalidRequest("this model does not serve rerank", param="model")

    def chat(self, request: chat.Request, sink: Sink) -> None:
        """Answer the conversation, under the chat template of the GGUF file."""
        running = RunningRequest(
            sink, "messages", request.top_logprobs or 0, request.choices, request.seed, request.stops
        )
        check_bias(request, self._vocabulary)
        media = sink.media
        plan = None if media else self._planner.at_once(request)
        if plan is None:
            self._plan(running, lambda: [self._planner.converse(request, media)])
        else:
            self._begin(running, [plan])

    def completions(self, request: completions.Request, sink: Sink) -> None:
        """Continue each prompt."""
        running = RunningRequest(
            sink,
            "prompt",
            request.logprobs or 0,
            request.choices,
            request.seed,
            request.stops,
            request.generates,
        )
        check_bias(request, self._vocabulary)
        if not all(request.prompts):
            raise InvalidRequest("a prompt is empty", param="prompt")
        if "image_url" in self.honours:
            refuse_beside_projector(request)
        for prompt in request.prompts:
            check_ids(() if isinstance(prompt, str) else prompt, self._vocabulary, "prompt")
        prompts: Sequence[str | list[int]] = request.prompts
        plans = [
            Plan(
                wire.completion_body(request, prompt, self._context),
                echo=prompt if request.echo else None,
                score=PromptScore(request.logprobs or 0) if request.scored else None,
            )
            for prompt in prompts
        ]
        if self._planner.waits(request):
            self._plan(running, lambda: self._planner.complete(request, plans))
        else:
            self._begin(running, plans)

    def tokenize(self, request: Tokenize, sink: Sink) -> None:
        """Answer with the tokens of the prompt that an answer would have."""
        self._side_answers.ask(sink, lambda: self._planner.tokens_of(request))

    def detokenize(self, request: Detokenize, sink: Sink) -> None:
        """Answer with the text of tokens; bytes that are no characters become U+FFFD."""
        self._side_answers.ask(sink, lambda: self._text(request.tokens))

    def abort(self, rid: str) -> None:
        self._requests.abort(rid)

    def close(self) -> None:
        self._requests.end_all()
        self._threads.shutdown()
        self._asking.shutdown(cancel_futures=True)
        self._planning.shutdown(cancel_futures=True)
        self._confirming.shutdown(cancel_futures=True)
        self._planner.close()
        del self._server  # its destructor ends llama.cpp's own threads

    def alive(self) -> bool:
        """False once a grammar has kept llama.cpp busy for too long: only the end of the process ends such a step."""
        return not self._under_grammar or time.monotonic() - self._last_chunk_at < STUCK_S

    def counters(self) -> dict[str, int]:
        return {"tokens": self._tokens, "aborts": self._requests.aborts}

    # ---- on the event loop ----

    def _plan(self, request: RunningRequest, find: Callable[[], list[Plan]]) -> None:
        """Begin the request once a thread has made the plans."""
        self._requests.add(request.sink.rid, request)
        future = self._loop.run_in_executor(self._planning, find)
        future.add_done_callback(partial(self._planned, request))

    def _planned(self, request: RunningRequest, future: "asyncio.Future[list[Plan]]") -> None:
        error = None if future.cancelled() else future.exception()
        if request.over or future.cancelled():
            return
        if error is None:
            self._begin(request, future.result())
        else:
            self._fail(request, error)

    def _begin(self, request: RunningRequest, plans: list[Plan]) -> None:
        self._requests.add(request.sink.rid, request)
        calls = [
            ChoiceCall(
                request,
                number * request.choices + choice,
                plan,
                wire.with_seed(plan.body, request.seed, choice),
                plan.splitter() if plan.splitter else None,
                StopScanner(request.stops),
                StopScanner(request.stops),
                plan.answer_tokens(self._scored, self._planner.prompt_tokens),
            )
            for number, plan in enumerate(plans)
            for choice in range(request.choices)
        ]
        request.open = len(calls)
        self._calls.add(calls)
        for _ in calls:
            self._threads.submit(self._run)

    def _end(self, request: RunningRequest) -> None:
        request.over = True
        self._requests.remove(request.sink.rid)

    def _fail(self, request: RunningRequest, error: BaseException) -> None:
        self._end(request)
        if not isinstance(error, HeadraceError):
            _log.error("a call into llama.cpp failed", exc_info=error)
            error = EngineFailure(f"llama.cpp: {type(error).__name__}")
        request.sink.fail(error)

    def _drain(self) -> None:
        self._woken = False
        while self._events:
            call, event = self._events.popleft()
            if isinstance(event, wire.Chunk):
                self._tokens += bool(event.piece)
            if call.request.over or call.over:
                continue
            if isinstance(event, wire.Chunk):
                self._deliver(call, event)
            elif isinstance(event, Delta):
                call.request.sink.delta(event)
            else:
                self._fail(call.request, event)

    def _deliver(self, call: ChoiceCall, chunk: wire.Chunk) -> None:
        if chunk.prompt_progress is not None:
            call.prompt_tokens, call.cached_tokens = chunk.prompt_progress.total, chunk.prompt_progress.cache
        raw = chunk.piece
        piece = call.read(raw)
        call.tokens = max(call.tokens + bool(raw), chunk.computed)
        if call.plan.grammar:
            call.texts.append(raw.text)
        if call.splitter is not None:
            piece = Piece() if call.splitter.full else call.splitter.feed(piece.text)
        logprobs = chunk.logprobs(call.request.top) if raw else ()
        if piece or logprobs:
            call.deltas += 1
            call.request.sink.delta(call.delta(piece, logprobs))
        call.finish = chunk.finish or call.finish
        if call.stop or (call.splitter is not None and call.splitter.repeated):
            call.over, call.finish = True, "stop"
            self._confirm(call, call.usage())
        elif chunk.usage is not None and call.finish is not None:
            self._confirm(call, chunk.usage)

    def _confirm(self, call: ChoiceCall, usage: wire.ChunkUsage) -> None:
        """End a choice, once it is known that its answer follows its grammar."""
        if not call.plan.grammar:
            self._finish(call, usage)
            return
        cut = call.over or call.finish == "length" or call.request.stops
        answer, whole = "".join(call.texts), not cut
        future = self._loop.run_in_executor(
            self._confirming, partial(self._planner.confirm, call.plan, answer, whole=whole)
        )
        future.add_done_callback(partial(self._confirmed, call, usage))

    def _confirmed(self, call: ChoiceCall, usage: wire.ChunkUsage, future: "asyncio.Future[None]") -> None:
        error = None if future.cancelled() else future.exception()
        if call.request.over or future.cancelled():
            return
        if error is None:
            self._finish(call, usage)
        else:
            self._fail(call.request, error)

    def _finish(self, call: ChoiceCall, usage: wire.ChunkUsage) -> None:
        """End a choice, and with its last choice the request."""
        request = call.request
        request.completion_tokens += usage.completion_tokens
        if call.index % request.choices == 0:  # a prompt counts once, however many choices it has
            request.prompt_tokens += usage.prompt_tokens
            request.cached_tokens += usage.prompt_tokens_details.cached_tokens
        silent = max(0, usage.completion_tokens - call.deltas)
        last = call.flush()
        finish = "tool_calls" if call.splitter and call.splitter.called and call.finish == "stop" else call.finish
        request.sink.delta(Delta(last.text, call.index, (), finish, silent, last.reasoning, last.tools, stop=call.stop))
        request.open -= 1
        if not request.open:
            self._end(request)
            request.sink.done(Usage(request.prompt_tokens, request.completion_tokens, request.cached_tokens))

    # ---- in a thread ----

    def _run(self) -> None:
        call = self._calls.take()
        if call.request.over:
            return
        server = self._server
        handle = server.handle_chat_completions if call.plan.chats else server.handle_completions
        self._last_chunk_at = time.monotonic()
        if call.plan.grammar:
            self._under_grammar.add(call)

        def on_chunk(data: bytes) -> bool:
            """Take a chunk of the answer. Returns whether the call is to end."""
            self._last_chunk_at = time.monotonic()
            if not (call.request.over or call.over):
                self._take_chunk(call, data)
            return call.request.over or call.over

        try:
            if call.plan.echo is not None:
                self._echo(call, call.plan.echo)
            if not (call.ended or call.request.over or call.over):
                handle(call.body, on_chunk)
            if not (call.ended or call.request.over or call.over):
                self._put(call, EngineFailure("llama.cpp ended an answer without saying why"))
        except HeadraceError as error:
            self._put(call, error)
        except (ValueError, RuntimeError) as error:  # xllamacpp turns C++ exceptions into these
            self._put(call, _raised(call, error))
        except Exception as error:  # noqa: BLE001  # the request ends here, and its client must get an error
            _log.exception("a call into llama.cpp failed")
            self._put(call, EngineFailure(f"llama.cpp: {type(error).__name__}"))
        finally:
            self._under_grammar.discard(call)

    def _echo(self, call: ChoiceCall, prompt: str | list[int]) -> None:
        """Give the prompt before the answer; without an answer to follow, the call ends with it."""
        text = prompt if isinstance(prompt, str) else self._text(prompt)
        scores: tuple[TokenLogprob, ...] = ()
        tokens = 0
        if call.plan.score is not None or not call.request.generates:
            ids = self._planner.prompt_tokens(prompt)
            tokens = len(ids)
            if call.plan.score is not None:
                scores = call.plan.score.tokens(self._scored, ids, lambda: call.request.over)
        self._put(call, Delta(text, call.index, scores, tokens=0))
        if not call.request.generates:
            call.ended = True
            self._put(call, wire.prompt_only(tokens))

    def _complete(self, body: dict[str, Any]) -> bytes:
        """llama.cpp's whole answer to a completion that is not streamed."""
        answers: list[bytes] = []
        self._server.handle_completions(wire.encode(body), answers.append)
        return answers[-1]

    def _take_chunk(self, call: ChoiceCall, data: bytes) -> None:
        chunk = wire.decode(data)
        if chunk.error is not None:
            call.ended = True
            self._put(call, wire.refusal(chunk.error, call.request.param))
        elif chunk.choices or chunk.usage is not None:
            call.has_output = True
            call.ended = chunk.usage is not None
            if call.answer_tokens is not None:
                call.answer_tokens.complete(chunk)
            self._put(call, chunk)

    def _put(self, call: ChoiceCall, event: wire.Chunk | Delta | HeadraceError) -> None:
        """Pass an event to the loop, which takes all events that have come since in one iteration."""
        self._events.append((call, event))
        if not self._woken:
            self._woken = True
            try:
                self._loop.call_soon_threadsafe(self._drain)
            except RuntimeError:  # the loop is closed: nobody waits for the answer any more
                call.request.over = True

    def _text(self, tokens: list[int]) -> str:
        check_ids(tokens, self._vocabulary, "tokens")
        return str(self._http.ask("/detokenize", {"tokens": tokens})["content"])


def _raised(call: ChoiceCall, error: Exception) -> HeadraceError:
    if call.has_output:
        _log.error("a call into llama.cpp failed", exc_info=error)
        return EngineFailure("llama.cpp failed amid the answer")
    return InvalidRequest(str(error))  # the request is at fault: its schema, its grammar, or the template refuses it
