"""llama.cpp, in this process, through xllamacpp: GGUF weights on a CPU or a GPU.

llama.cpp batches by itself over ``n_parallel`` slots. Each choice of each request is one blocking call in a thread
that streams through a callback; the call ends, and its slot is free one step later, when the callback returns True.
A call that waits inside llama.cpp for a slot has no callback to be stopped by, so the waiting is done here, where
requests take turns: one of many choices does not hold up the others.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial

from models.errors import EngineFailure, HeadraceError, InvalidRequest, UnsupportedParameter
from models.modalities import chat, completions
from models.modalities.base import Usage
from models.modalities.detokenize import Request as Detokenize
from models.modalities.text import Delta, FinishReason, TokenLogprob
from models.modalities.tokenize import Request as Tokenize
from workers.engines.base import AnyRequest, Engine, EngineSite, Report, Sink
from workers.engines.llama_cpp import wire
from workers.engines.llama_cpp.load import LlamaCppOptions, LoadedGguf, load_model
from workers.engines.llama_cpp.plan import Plan, Planner
from workers.engines.llama_cpp.round_robin import RoundRobin
from workers.engines.text.answers import Piece, Splitter
from workers.engines.text.limits import check_bias, check_ids
from workers.engines.threads.open_requests import OpenRequests
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
"""Silence after which a step under a grammar is taken for one that never ends."""


@dataclass(eq=False, slots=True)
class _Request:
    """One request; its calls share its sink. Belongs to the event loop, but for ``over``, which threads read."""

    sink: Sink
    param: str
    top: int
    choices: int
    seed: int | None
    stops: bool
    open: int = 0
    over: bool = False
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0


@dataclass(eq=False, slots=True)
class _Call:
    """One choice: a blocking call into llama.cpp."""

    request: _Request
    index: int
    plan: Plan
    body: bytes
    splitter: Splitter | None
    said: list[str] = field(default_factory=list)  # on the loop; where there is a grammar
    token_logprob: int = 0  # deltas with text, on the loop
    prompt_tokens: int = 0  # on the loop
    finish: FinishReason | None = None  # on the loop
    spoke: bool = False  # in the thread
    ended: bool = False  # in the thread

    def delta(self, piece: Piece, logprobs: tuple[TokenLogprob, ...]) -> Delta:
        """What one token made."""
        return Delta(
            piece.text,
            self.index,
            logprobs,
            reasoning=piece.reasoning,
            tools=piece.tools,
            prompt_tokens=self.prompt_tokens,
        )


class LlamaCpp(Engine[LoadedGguf]):
    """Chat and completions over a GGUF file.

    Penalties look at the prompt as well as at the answer, as llama.cpp's do. A character made of several tokens
    has the log probability of its last token alone. Which stop string ended an answer llama.cpp does not tell.
    """

    honours = HONOURS
    gather_s = 0.002

    def __init__(self, loaded: LoadedGguf) -> None:
        super().__init__(loaded)
        self._server = loaded.server
        self._http = loaded.http
        self._context = loaded.context
        self._vocabulary = loaded.vocabulary
        self._planner = Planner(loaded)
        self._threads = ThreadPoolExecutor(loaded.parallel, thread_name_prefix="llama.cpp")
        self._asking = ThreadPoolExecutor(1, thread_name_prefix="ask llama.cpp")  # its server has one thread, too
        self._planning = ThreadPoolExecutor(1, thread_name_prefix="plan")
        self._confirming = ThreadPoolExecutor(1, thread_name_prefix="confirm")
        self._asides = SideAnswers(self._asking)
        self._requests = OpenRequests[_Request](self._asides, self._end)
        self._calls: RoundRobin[_Call] = RoundRobin()
        self._events: deque[tuple[_Call, wire.Chunk | Delta | HeadraceError]] = deque()
        self._woken = False
        self._held: set[_Call] = set()
        self._heard = time.monotonic()
        self._tokens = 0
        self._loop = asyncio.get_running_loop()

    @classmethod
    def load(cls, placement: EngineSite, report: Report) -> LoadedGguf:
        return load_model(placement, LlamaCppOptions.read(placement), report)

    def check(self, request: AnyRequest) -> None:
        super().check(request)
        if isinstance(request, completions.Request) and request.echo and request.logprobs is not None:
            raise UnsupportedParameter("'echo' with 'logprobs' is not supported by this engine", param="echo")

    def chat(self, request: chat.Request, sink: Sink) -> None:
        """Answer the conversation, under the chat template of the GGUF file."""
        taken = _Request(
            sink, "messages", request.top_logprobs or 0, request.choices, request.seed, bool(request.stops)
        )
        check_bias(request, self._vocabulary)
        plan = self._planner.at_once(request)
        if plan is None:
            self._plan(taken, lambda: [self._planner.converse(request)])
        else:
            self._begin(taken, [plan])

    def completions(self, request: completions.Request, sink: Sink) -> None:
        """Continue each prompt."""
        taken = _Request(sink, "prompt", request.logprobs or 0, request.choices, request.seed, bool(request.stops))
        check_bias(request, self._vocabulary)
        if not all(request.prompts):
            raise InvalidRequest("a prompt is empty", param="prompt")
        for prompt in request.prompts:
            check_ids(() if isinstance(prompt, str) else prompt, self._vocabulary, "prompt")
        plans = [
            Plan(wire.completion_body(request, prompt, self._context), echo=prompt if request.echo else None)
            for prompt in request.prompts
        ]
        if self._planner.waits(request):
            self._plan(taken, lambda: self._planner.complete(request, plans))
        else:
            self._begin(taken, plans)

    def tokenize(self, request: Tokenize, sink: Sink) -> None:
        """The tokens that an answer would read."""
        self._asides.ask(sink, lambda: self._planner.tokens_of(request))

    def detokenize(self, request: Detokenize, sink: Sink) -> None:
        """The text of tokens; bytes that are no characters become U+FFFD."""
        self._asides.ask(sink, lambda: self._text(request.tokens))

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
        """False once a grammar has kept llama.cpp busy for too long: nothing ends a step but the process's end."""
        return not self._held or time.monotonic() - self._heard < STUCK_S

    def counters(self) -> dict[str, int]:
        return {"tokens": self._tokens, "aborts": self._requests.aborts}

    # ---- on the event loop ----

    def _plan(self, request: _Request, find: Callable[[], list[Plan]]) -> None:
        """Begin, once a thread has found the plans."""
        self._requests.add(request.sink.rid, request)
        future = self._loop.run_in_executor(self._planning, find)
        future.add_done_callback(partial(self._planned, request))

    def _planned(self, request: _Request, future: "asyncio.Future[list[Plan]]") -> None:
        error = None if future.cancelled() else future.exception()
        if request.over or future.cancelled():
            return
        if error is None:
            self._begin(request, future.result())
        else:
            self._fail(request, error)

    def _begin(self, request: _Request, plans: list[Plan]) -> None:
        self._requests.add(request.sink.rid, request)
        calls = [
            _Call(
                request,
                number * request.choices + choice,
                plan,
                wire.with_seed(plan.body, request.seed, choice),
                plan.splitter() if plan.splitter else None,
            )
            for number, plan in enumerate(plans)
            for choice in range(request.choices)
        ]
        request.open = len(calls)
        self._calls.add(calls)
        for _ in calls:
            self._threads.submit(self._run)

    def _end(self, request: _Request) -> None:
        request.over = True
        self._requests.remove(request.sink.rid)

    def _fail(self, request: _Request, error: BaseException) -> None:
        self._end(request)
        if not isinstance(error, HeadraceError):
            _log.error("a call into llama.cpp failed", exc_info=error)
            error = EngineFailure(f"llama.cpp: {error!r}")
        request.sink.fail(error)

    def _drain(self) -> None:
        self._woken = False
        while self._events:
            call, event = self._events.popleft()
            if isinstance(event, wire.Chunk):
                self._tokens += bool(event.piece)
            if call.request.over:
                continue
            if isinstance(event, wire.Chunk):
                self._deliver(call, event)
            elif isinstance(event, Delta):
                call.request.sink.delta(event)
            else:
                self._fail(call.request, event)

    def _deliver(self, call: _Call, chunk: wire.Chunk) -> None:
        if chunk.prompt_progress is not None:
            call.prompt_tokens = chunk.prompt_progress.total
        raw = piece = chunk.piece
        if call.plan.grammar:
            call.said.append(raw.text)
        if call.splitter is not None:
            piece = Piece() if call.splitter.full else call.splitter.feed(raw.text)
        logprobs = chunk.logprobs(call.request.top) if raw else ()
        if piece or logprobs:
            call.token_logprob += 1
            call.request.sink.delta(call.delta(piece, logprobs))
        call.finish = chunk.finish or call.finish
        if chunk.usage is None or call.finish is None:
            return
        if not call.plan.grammar:
            self._finish(call, chunk.usage)
            return
        said, whole = "".join(call.said), call.finish != "length" and not call.request.stops
        future = self._loop.run_in_executor(
            self._confirming, partial(self._planner.confirm, call.plan, said, whole=whole)
        )
        future.add_done_callback(partial(self._confirmed, call, chunk.usage))

    def _confirmed(self, call: _Call, usage: wire.ChunkUsage, future: "asyncio.Future[None]") -> None:
        error = None if future.cancelled() else future.exception()
        if call.request.over or future.cancelled():
            return
        if error is None:
            self._finish(call, usage)
        else:
            self._fail(call.request, error)

    def _finish(self, call: _Call, usage: wire.ChunkUsage) -> None:
        """The choice has ended."""
        request = call.request
        request.completion_tokens += usage.completion_tokens
        if call.index % request.choices == 0:  # a prompt counts once, however many choices it has
            request.prompt_tokens += usage.prompt_tokens
            request.cached_tokens += usage.prompt_tokens_details.cached_tokens
        silent = max(0, usage.completion_tokens - call.token_logprob)
        last = call.splitter.flush() if call.splitter else Piece()
        finish = "tool_calls" if call.splitter and call.splitter.called and call.finish == "stop" else call.finish
        request.sink.delta(Delta(last.text, call.index, (), finish, silent, last.reasoning, last.tools))
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
        self._heard = time.monotonic()
        if call.plan.grammar:
            self._held.add(call)

        def hear(data: bytes) -> bool:
            """True ends the call."""
            self._heard = time.monotonic()
            if not call.request.over:
                self._hear(call, data)
            return call.request.over

        try:
            echo = call.plan.echo
            if echo is not None:
                text = echo if isinstance(echo, str) else self._text(echo)
                self._put(call, Delta(text, call.index, tokens=0))
            handle(call.body, hear)
            if not call.ended and not call.request.over:
                self._put(call, EngineFailure("llama.cpp ended an answer without saying why"))
        except (ValueError, RuntimeError) as error:  # what xllamacpp makes of a C++ exception
            self._put(call, _raised(call, error))
        except Exception as error:  # noqa: BLE001  # here the request's life ends: its client must hear of it
            _log.exception("a call into llama.cpp failed")
            self._put(call, EngineFailure(f"llama.cpp: {error!r}"))
        finally:
            self._held.discard(call)

    def _hear(self, call: _Call, data: bytes) -> None:
        chunk = wire.decode(data)
        if chunk.error is not None:
            call.ended = True
            self._put(call, wire.refusal(chunk.error, call.request.param))
        elif chunk.choices or chunk.usage is not None:
            call.spoke = True
            call.ended = chunk.usage is not None
            self._put(call, chunk)

    def _put(self, call: _Call, event: wire.Chunk | Delta | HeadraceError) -> None:
        """Hand an event to the loop, which takes all that came since it last looked in one turn."""
        self._events.append((call, event))
        if not self._woken:
            self._woken = True
            try:
                self._loop.call_soon_threadsafe(self._drain)
            except RuntimeError:  # the loop is closed: nobody listens any more
                call.request.over = True

    def _text(self, tokens: list[int]) -> str:
        check_ids(tokens, self._vocabulary, "tokens")
        return str(self._http.ask("/detokenize", {"tokens": tokens})["content"])


def _raised(call: _Call, error: Exception) -> HeadraceError:
    if call.spoke:
        return EngineFailure(f"llama.cpp: {error}")
    return InvalidRequest(str(error))  # the request's own fault: a schema, a grammar, or what the template refuses
