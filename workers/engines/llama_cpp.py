"""llama.cpp, in this process, through xllamacpp: GGUF weights on a CPU or a GPU.

llama.cpp batches by itself over ``n_parallel`` slots. Each choice of each request is one blocking call in a thread
that streams through a callback; the call ends, and its slot is free one step later, when the callback returns True.
A call that waits inside llama.cpp for a slot has no callback to be stopped by, so the waiting is done here.
"""

import asyncio
import http.client
import logging
import secrets
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import msgspec
from pydantic import Field

from models.errors import EngineFailure, HeadraceError, InvalidRequest, UnsupportedParameter
from models.modalities import chat, completions
from models.modalities.base import Usage
from models.modalities.detokenize import Request as Detokenize
from models.modalities.text import Delta, FinishReason
from models.modalities.tokenize import Request as Tokenize
from models.modalities.tokenize import Tokens
from workers.engines import llama_cpp_wire as wire
from workers.engines.asides import Asides
from workers.engines.base import AnyRequest, Capacity, Engine, Options, Placement, Report, Sink

_log = logging.getLogger(__name__)
HONOURS = frozenset(
    [
        *("max_tokens", "max_completion_tokens", "n", "best_of", "stop", "ignore_eos", "echo"),
        *("temperature", "top_p", "top_k", "min_p", "seed", "logit_bias", "logprobs", "top_logprobs"),
        *("frequency_penalty", "presence_penalty", "repetition_penalty"),
        *("response_format", "chat_template_kwargs"),
    ]
)
_CacheType = Literal["f32", "f16", "bf16", "q8_0", "q5_1", "q5_0", "q4_1", "q4_0"]


class LlamaCppOptions(Options):
    """Counts of tokens, unless said otherwise. ``None`` means what suits the device."""

    n_ctx: int = Field(4096, ge=64, le=1 << 24, description="Context of each request, prompt and answer together.")
    n_parallel: int = Field(8, ge=1, le=256, description="Requests computed at once; each holds n_ctx of KV cache.")
    n_threads: int | None = Field(None, ge=1, le=1024, description="CPU threads.")
    n_gpu_layers: int | None = Field(None, ge=0, description="Layers on the GPU; all of them by default.")
    n_batch: int | None = Field(None, ge=32, le=1 << 16, description="Most of one step; 256 on a CPU, 2048 on a GPU.")
    n_ubatch: int = Field(512, ge=32, le=1 << 16, description="Most of one computation within a step.")
    flash_attn: Literal["auto", "on", "off"] = "auto"
    cache_type_k: _CacheType = "f16"
    cache_type_v: _CacheType = "f16"
    cache_ram_mib: int = Field(0, ge=0, description="MiB of host memory to keep the KV cache of past prompts in.")


@dataclass(eq=False, slots=True)
class _Request:
    """One request; its calls share its sink. Belongs to the event loop, but for ``over``, which threads read."""

    sink: Sink
    param: str
    top: int
    choices: int
    calls: list["_Call"] = field(default_factory=list)
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
    body: bytes
    echo: str | list[int] | None = None
    told: int = 0  # deltas with text, on the loop
    prompt_tokens: int = 0  # on the loop
    finish: FinishReason | None = None  # on the loop
    spoke: bool = False  # in the thread
    ended: bool = False  # in the thread
    future: "Future[None] | None" = None


class LlamaCpp(Engine):
    """Chat and completions over a GGUF file.

    Penalties look at the prompt as well as at the answer, as llama.cpp's do. A character made of several tokens
    has the log probability of its last token alone. Which stop string ended an answer llama.cpp does not tell.
    """

    honours = HONOURS
    gather_s = 0.002

    def check(self, request: AnyRequest) -> None:
        super().check(request)
        if isinstance(request, completions.Request) and request.echo and request.logprobs is not None:
            raise UnsupportedParameter("'echo' with 'logprobs' is not supported by this engine", param="echo")

    def load(self, placement: Placement, report: Report) -> Capacity:
        options = LlamaCppOptions.read(placement)
        path = _gguf(Path(placement.source))
        report("loading", 0.0)
        self._secret = secrets.token_urlsafe(32)
        self._server = _serve(path, placement.device, options, self._secret)
        report("warming", 0.0)
        self._warm()
        threads = options.n_parallel
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="llama.cpp")
        self._asking = ThreadPoolExecutor(1, thread_name_prefix="ask llama.cpp")  # its server has one thread, too
        self._asides = Asides(self._asking)
        self._requests: dict[str, _Request] = {}
        self._events: deque[tuple[_Call, Any]] = deque()
        self._woken = False
        self._tokens = self._aborts = 0
        self._context = int(self._ask("/props")["default_generation_settings"]["n_ctx"])
        self._vocabulary = int(self._ask("/v1/models")["data"][0]["meta"]["n_vocab"])
        return Capacity(options.n_parallel, self._context)

    def start(self) -> None:
        self._loop = asyncio.get_running_loop()

    def chat(self, request: chat.Request, sink: Sink) -> None:
        """Answer the conversation, under the chat template of the GGUF file."""
        body = wire.chat_body(request)
        taken = _Request(sink, "messages", request.top_logprobs or 0, request.choices)
        taken.calls = [
            _Call(taken, index, wire.with_seed(body, request.seed, index)) for index in range(request.choices)
        ]
        self._take(taken)

    def completions(self, request: completions.Request, sink: Sink) -> None:
        """Continue each prompt."""
        taken = _Request(sink, "prompt", request.logprobs or 0, request.choices)
        for prompt in request.prompts:
            if not prompt:
                raise InvalidRequest("a prompt is empty", param="prompt")
            body = wire.completion_body(request, prompt)
            echo = prompt if request.echo else None
            taken.calls += [
                _Call(taken, len(taken.calls) + choice, wire.with_seed(body, request.seed, choice), echo)
                for choice in range(request.choices)
            ]
        self._take(taken)

    def tokenize(self, request: Tokenize, sink: Sink) -> None:
        """The tokens that an answer would read."""
        self._asides.ask(sink, lambda: self._tokens_of(request))

    def detokenize(self, request: Detokenize, sink: Sink) -> None:
        """The text of tokens; bytes that are no characters become U+FFFD."""
        self._asides.ask(sink, lambda: self._text(request.tokens))

    def abort(self, rid: str) -> None:
        self._asides.abort(rid)
        request = self._requests.get(rid)
        if request is not None:
            self._end(request)
            self._aborts += 1

    def close(self) -> None:
        for request in list(self._requests.values()):
            self._end(request)
        self._threads.shutdown()
        self._asking.shutdown(cancel_futures=True)
        del self._server  # its destructor ends llama.cpp's own threads

    def counters(self) -> dict[str, int]:
        return {"tokens": self._tokens, "aborts": self._aborts}

    # ---- on the event loop ----

    def _take(self, request: _Request) -> None:
        self._requests[request.sink.rid] = request
        request.open = len(request.calls)
        for call in request.calls:
            call.future = self._threads.submit(self._run, call)

    def _end(self, request: _Request) -> None:
        request.over = True
        self._requests.pop(request.sink.rid, None)
        for call in request.calls:
            if call.future is not None:
                call.future.cancel()

    def _drain(self) -> None:
        self._woken = False
        while self._events:
            call, event = self._events.popleft()
            if isinstance(event, wire.Chunk):
                self._tokens += bool(event.text)
            if call.request.over:
                continue
            if isinstance(event, wire.Chunk):
                self._deliver(call, event)
            elif isinstance(event, Delta):
                call.request.sink.delta(event)
            else:
                self._end(call.request)
                call.request.sink.fail(event)

    def _deliver(self, call: _Call, chunk: wire.Chunk) -> None:
        request = call.request
        if chunk.prompt_progress is not None:
            call.prompt_tokens = chunk.prompt_progress.total
        if chunk.text:
            call.told += 1
            logprobs = chunk.logprobs(request.top)
            request.sink.delta(Delta(chunk.text, call.index, logprobs, prompt_tokens=call.prompt_tokens))
        call.finish = chunk.finish or call.finish
        if chunk.usage is None or call.finish is None:
            return
        usage = chunk.usage
        request.completion_tokens += usage.completion_tokens
        if call.index % request.choices == 0:  # a prompt counts once, however many choices it has
            request.prompt_tokens += usage.prompt_tokens
            request.cached_tokens += usage.prompt_tokens_details.cached_tokens
        silent = max(0, usage.completion_tokens - call.told)
        request.sink.delta(Delta("", call.index, finish=call.finish, tokens=silent))
        request.open -= 1
        if not request.open:
            self._end(request)
            request.sink.done(Usage(request.prompt_tokens, request.completion_tokens, request.cached_tokens))

    # ---- in a thread ----

    def _run(self, call: _Call) -> None:
        if call.request.over:
            return
        chat_call = call.request.param == "messages"
        handle = self._server.handle_chat_completions if chat_call else self._server.handle_completions

        def hear(data: bytes) -> bool:
            """True ends the call."""
            if not call.request.over:
                self._hear(call, data)
            return call.request.over

        try:
            if call.echo is not None:
                text = call.echo if isinstance(call.echo, str) else self._text(call.echo)
                self._put(call, Delta(text, call.index, tokens=0))
            handle(call.body, hear)
            if not call.ended and not call.request.over:
                self._put(call, EngineFailure("llama.cpp ended an answer without saying why"))
        except (ValueError, RuntimeError) as error:  # what xllamacpp makes of a C++ exception
            self._put(call, _raised(call, error))
        except Exception as error:  # noqa: BLE001  # here the request's life ends: its client must hear of it
            _log.exception("a call into llama.cpp failed")
            self._put(call, EngineFailure(f"llama.cpp: {error!r}"))

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

    def _tokens_of(self, request: Tokenize) -> Tokens:
        text, special = request.prompt, request.add_special_tokens is not False
        if request.conversation is not None:  # special tokens are added there, too, and taken out of the template
            text, special = self._ask("/apply-template", wire.template_body(request))["prompt"], True
        body = {"content": text, "add_special": special, "parse_special": True, "with_pieces": True}
        found = self._ask("/tokenize", body)["tokens"]
        texts = [wire.piece(one["piece"]) for one in found] if request.return_token_strs else None
        return Tokens([one["id"] for one in found], texts, self._context)

    def _text(self, tokens: list[int]) -> str:
        if tokens and max(tokens) >= self._vocabulary:
            raise InvalidRequest(f"token ids must be below {self._vocabulary}", param="tokens")
        return str(self._ask("/detokenize", {"tokens": tokens})["content"])

    def _warm(self) -> None:
        """The first chat compiles the template and touches the weights: 2 s that no client should wait."""
        said: list[bytes] = []
        body = {"messages": [{"role": "user", "content": "Hi"}], "max_tokens": 1}
        try:
            self._server.handle_chat_completions(wire.encode(body), said.append)
        except (ValueError, RuntimeError) as error:
            _log.warning("this model cannot chat: %s", error)

    def _ask(self, path: str, body: dict[str, Any] | None = None) -> Any:
        """Ask llama.cpp's own HTTP server, which alone knows some things. Blocks."""
        address = urlsplit(self._server.listening_address)
        connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=30)
        try:
            headers = {"Authorization": f"Bearer {self._secret}", "Content-Type": "application/json"}
            connection.request("GET" if body is None else "POST", path, wire.encode(body) if body else None, headers)
            answer = connection.getresponse()
            said = msgspec.json.decode(answer.read())
            if answer.status != 200:
                raise InvalidRequest(str(said.get("error", {}).get("message", said)))
            return said
        finally:
            connection.close()


def _raised(call: _Call, error: Exception) -> HeadraceError:
    if call.spoke:
        return EngineFailure(f"llama.cpp: {error}")
    return InvalidRequest(str(error))  # the request's own fault: a schema, a grammar, or what the template refuses


def _gguf(source: Path) -> Path:
    """The file to load: itself, or the only model (or its first part) in a directory."""
    if source.is_dir():
        found = sorted(p for p in source.glob("*.gguf") if not p.name.startswith("mmproj"))
        whole = [p for p in found if "-of-" not in p.name or "-00001-of-" in p.name]
        if len(whole) != 1:
            raise InvalidRequest(f"{source} holds {len(whole)} GGUF models; name the file", param="model_path")
        source = whole[0]
    if not source.is_file():
        raise InvalidRequest(f"there is no file {source}", param="model_path")
    with source.open("rb") as file:
        if file.read(4) != b"GGUF":
            raise InvalidRequest(f"{source} is not a GGUF file", param="model_path")
    return source


def _serve(path: Path, device: str, options: LlamaCppOptions, secret: str) -> Any:
    """A running ``xllamacpp.Server``."""
    import xllamacpp

    kind, _, number = device.partition(":")
    on_gpu = kind == "cuda"
    if on_gpu and all(one["type"].name.endswith("_CPU") for one in xllamacpp.get_device_info()):
        raise InvalidRequest("this build of xllamacpp has no GPU support", param="device")
    params = xllamacpp.CommonParams()
    params.model.path = str(path)
    params.n_parallel = options.n_parallel
    params.n_ctx = options.n_ctx * options.n_parallel
    params.n_batch = options.n_batch or (2048 if on_gpu else 256)
    params.n_ubatch = min(options.n_ubatch, params.n_batch)
    params.n_gpu_layers = (999 if options.n_gpu_layers is None else options.n_gpu_layers) if on_gpu else 0
    params.main_gpu = int(number or 0)
    params.fit_params = False  # it would shrink the context in silence
    if options.n_threads is not None:
        params.cpuparams.n_threads = params.cpuparams_batch.n_threads = options.n_threads
    params.flash_attn_type = {
        "auto": xllamacpp.llama_flash_attn_type.LLAMA_FLASH_ATTN_TYPE_AUTO,
        "on": xllamacpp.llama_flash_attn_type.LLAMA_FLASH_ATTN_TYPE_ENABLED,
        "off": xllamacpp.llama_flash_attn_type.LLAMA_FLASH_ATTN_TYPE_DISABLED,
    }[options.flash_attn]
    params.cache_type_k = xllamacpp.ggml_type[f"GGML_TYPE_{options.cache_type_k.upper()}"]
    params.cache_type_v = xllamacpp.ggml_type[f"GGML_TYPE_{options.cache_type_v.upper()}"]
    params.cache_ram_mib = options.cache_ram_mib
    params.cache_idle_slots = options.cache_ram_mib > 0
    params.reasoning_format = xllamacpp.common_reasoning_format.COMMON_REASONING_FORMAT_NONE
    params.prefill_assistant = False
    params.ui = False
    params.api_keys = [secret]  # it opens a port on the loopback address in any case
    params.n_threads_http = 1
    params.verbosity = 1
    try:
        return xllamacpp.Server(params)
    except (ValueError, RuntimeError) as error:
        raise EngineFailure(f"llama.cpp cannot load {path.name}: {error}") from None
