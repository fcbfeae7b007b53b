"""vLLM: its asynchronous engine and its own serving layer run in this process, the model in processes that it starts.

Chat templates, tool and reasoning parsers, structured output and errors are those of vLLM's server: a request becomes a
request of vLLM, and the events that its server would send become deltas. Only HTTP is left out. Importing this needs
vLLM.
"""

import asyncio
import logging
import os
import time
from argparse import Namespace
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Self

from starlette.datastructures import State

if find_spec("vllm") is None:  # a process that cannot use it keeps its environment as it is
    raise ModuleNotFoundError("No module named 'vllm'", name="vllm")

os.environ |= {"VLLM_NO_USAGE_STATS": "1", "VLLM_WORKER_MULTIPROC_METHOD": "spawn", "HF_HUB_OFFLINE": "1"}
os.environ["PYTHONPATH"] = os.pathsep.join(
    filter(None, [str(Path(__file__).parent / "site"), os.environ.get("PYTHONPATH")])
)

from vllm.engine.arg_utils import AsyncEngineArgs
from vllm.entrypoints.launchers.api_server.app_state import init_app_state
from vllm.entrypoints.launchers.cli_args import FrontendArgs
from vllm.entrypoints.openai.chat_completion.protocol import ChatCompletionRequest
from vllm.entrypoints.openai.completion.protocol import CompletionRequest
from vllm.entrypoints.openai.models.protocol import LoRAModulePath
from vllm.entrypoints.serve.tokenize.protocol import DetokenizeRequest, TokenizeChatRequest, TokenizeCompletionRequest
from vllm.platforms import current_platform
from vllm.usage.usage_lib import UsageContext
from vllm.v1.engine.async_llm import AsyncLLM

from models.errors import EngineFailure, HeadraceError, InvalidRequest, UnsupportedParameter
from models.modalities.base import Usage
from models.modalities.chat import Request as Chat
from models.modalities.completions import Request as Completions
from models.modalities.detokenize import Request as Detokenize
from models.modalities.structure import Constraint
from models.modalities.tokenize import Request as Tokenize
from models.modalities.tokenize import Tokens
from workers.engines.base import AnyRequest, Capacity, Engine, EngineSite, Report, Sink
from workers.engines.vllm import memory, options, wire
from workers.engines.vllm.answer import Answer, NullSink, answered, checked
from workers.engines.vllm.grammar import ConstraintChecker

log = logging.getLogger(__name__)
HONOURS = frozenset(
    [
        *("max_tokens", "max_completion_tokens", "min_tokens", "n", "best_of", "echo"),
        *("stop", "stop_token_ids", "ignore_eos"),
        *("temperature", "top_p", "top_k", "min_p", "seed", "logit_bias", "logprobs", "top_logprobs"),
        *("frequency_penalty", "presence_penalty", "repetition_penalty", "continue_final_message"),
        *("response_format", "structured_outputs", "tools", "tool_choice", "parallel_tool_calls"),
        *("chat_template_kwargs", "enable_thinking", "reasoning_effort", "lora_name"),
        *("image_url", "input_audio", "audio_url"),
    ]
)
_Work = Callable[[], Coroutine[Any, Any, None]]
_CONTEXT = UsageContext.OPENAI_API_SERVER


class _Counts:
    """A logger of vLLM's statistics, called once a step. It counts all that the engine computes, delivered or not."""

    def __init__(self) -> None:
        self.steps = self.tokens = self.cached = 0

    def record(
        self, scheduler_stats: Any, iteration_stats: Any, mm_cache_stats: Any = None, engine_idx: int = 0
    ) -> None:
        self.steps += 1
        if iteration_stats is not None:
            self.tokens += iteration_stats.num_generation_tokens
        if scheduler_stats is not None:
            self.cached += scheduler_stats.prefix_cache_stats.hits

    def log_engine_initialized(self) -> None:
        pass

    def log(self) -> None:
        pass

    def record_sleep_state(self, is_awake: int, level: int) -> None:
        pass


class _Thoughtless:
    """vLLM's engine for completions, where a grammar applies from the first token on.

    Where vLLM has a parser for thoughts, it would apply the grammar only after them; but a completion has no thoughts.
    """

    def __init__(self, llm: AsyncLLM) -> None:
        self._llm = llm

    def __getattr__(self, name: str) -> Any:
        return getattr(self._llm, name)

    def generate(self, *arguments: Any, **keywords: Any) -> Any:
        return self._llm.generate(*arguments, **keywords, reasoning_ended=True)


@dataclass(frozen=True, slots=True)
class LoadedVllm:
    """vLLM's engine with its weights. ``serving``: the arguments of its serving layer, a ``FrontendArgs``."""

    source: str
    plan: options.LaunchPlan
    serving: Any
    llm: AsyncLLM
    counts: _Counts
    grammars: ConstraintChecker | None
    capacity: Capacity


class Vllm(Engine[LoadedVllm]):
    """Chat and completions over what vLLM can load."""

    honours = HONOURS
    spawns = True

    def __init__(self, loaded: LoadedVllm, state: State) -> None:
        """``state``: vLLM's serving layer, as ``init_app_state`` makes it."""
        super().__init__(loaded)
        self._plan = loaded.plan
        self._serving = loaded.serving
        self._grammars = loaded.grammars
        self._counts = loaded.counts
        self._llm = loaded.llm
        self._context = loaded.capacity.context_length
        self._state = state
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._aborts = self._sleeps = 0
        self._asleep = False
        self._waking = asyncio.Lock()
        self._asked_at = time.monotonic()
        after_s = loaded.plan.sleep_after_s
        self._dozing = None if after_s is None else asyncio.create_task(self._doze(after_s))

    @classmethod
    def load(cls, site: EngineSite, report: Report) -> LoadedVllm:
        kind = site.device.partition(":")[0]
        if current_platform.device_type != kind:
            raise InvalidRequest(f"this build of vLLM runs on {current_platform.device_type or 'nothing here'}")
        plan = options.plan(site.options, options.arguments(), trusted=site.trust_remote_code)
        backend = plan.engine["structured_outputs_config"]["backend"]
        if backend != "xgrammar":
            os.environ["VLLM_ENFORCE_STRICT_TOOL_CALLING"] = "0"  # tags that xgrammar alone compiles
        serving = checked(FrontendArgs, plan.serving)
        options.check_parsers(plan)
        engine = {"disable_log_stats": True, **memory.placed(options.read(plan.engine), plan.memory_bytes, site)}
        engine |= {"model": site.source, "trust_remote_code": site.trust_remote_code}
        report("loading", 0.0)
        config = checked(checked(AsyncEngineArgs, engine).create_engine_config, {"usage_context": _CONTEXT})
        counts = _Counts()
        llm = AsyncLLM.from_vllm_config(
            config, usage_context=_CONTEXT, disable_log_stats=True, stat_loggers=[lambda config, index: counts]
        )
        report("warming", 0.0)
        return LoadedVllm(
            source=site.source,
            plan=plan,
            serving=serving,
            llm=llm,
            counts=counts,
            grammars=ConstraintChecker() if backend == "guidance" else None,
            capacity=Capacity(int(config.scheduler_config.max_num_seqs), int(config.model_config.max_model_len)),
        )

    @classmethod
    async def start(cls, loaded: LoadedVllm) -> Self:
        """Make vLLM's serving layer, which belongs to the event loop, load the adapters, and warm up."""
        state = await _serve(loaded)
        await _warm(loaded, state)
        return cls(loaded, state)

    def check(self, request: AnyRequest) -> None:
        super().check(request)
        if isinstance(request, Chat | Completions) and request.min_tokens and wire.is_constrained(request):
            why = "'min_tokens' beside a structure is not supported by this engine: the structure says where to end"
            raise UnsupportedParameter(why, param="min_tokens")
        # vLLM applies adapters to the logits of the last position alone: others end its engine.
        if isinstance(request, Completions) and request.scored and self._llm.vllm_config.lora_config is not None:
            message = "'echo' with 'logprobs' is not supported by a model that was launched with LoRA adapters"
            raise UnsupportedParameter(message, param="echo")

    def chat(self, request: Chat, sink: Sink) -> None:
        """Answer the conversation, under the model's chat template and parsers."""
        if request.callable_tools and self._serving.tool_call_parser is None:
            raise UnsupportedParameter("'tools' need a model launched with 'tool_call_parser'", param="tools")
        body = self._request(ChatCompletionRequest, wire.chat_body(request, sink.media, self._context), request)
        call = partial(self._state.openai_serving_chat.create_chat_completion, body)
        answer = Answer(sink, "messages", request.constraint, self._context)
        constraints = [request.constraint] if request.constraint else []
        constraints += [Constraint("json", schema, "tools") for schema in wire.called_with(request)]
        self._begin(sink, partial(answer.read, [(wire.chat_choices(request), call)]), constraints)

    def completions(self, request: Completions, sink: Sink) -> None:
        """Continue each prompt. Each is a request of its own for vLLM, so that the tokens of each are counted."""
        calls = []
        prompts: Sequence[str | list[int]] = request.prompts
        for number, prompt in enumerate(prompts):
            if not prompt:
                raise InvalidRequest("a prompt is empty", param="prompt")
            body = self._request(CompletionRequest, wire.completion_body(request, prompt, self._context), request)
            if request.token_limit is None:
                body.max_tokens = None  # vLLM's own class makes its default of a None that it is given
            first, top = number * request.choices, request.logprobs or 0
            choices = wire.Choices(first, top, prompt_only=not request.generates)
            calls.append((choices, partial(_complete, self._state, self._context, body)))
        constraint = request.structured_outputs.constraint if request.structured_outputs else None
        answer = Answer(sink, "prompt", constraint, self._context)
        self._begin(sink, partial(answer.read, calls), [constraint] if constraint else [])

    def tokenize(self, request: Tokenize, sink: Sink) -> None:
        """Answer with the tokens of the prompt that an answer would have."""
        body: dict[str, Any] = {"return_token_strs": bool(request.return_token_strs)}
        if request.conversation is None:
            body |= {"prompt": request.prompt, "add_special_tokens": request.add_special_tokens is not False}
            asked = checked(TokenizeCompletionRequest, body)
        else:
            chatting = wire.chat_body(request.conversation, sink.media, self._context)
            body |= {name: chatting[name] for name in ("messages", "tools", "chat_template_kwargs") if name in chatting}
            body |= {"add_generation_prompt": request.opens_answer}
            body["continue_final_message"] = request.continue_final_message
            asked = checked(TokenizeChatRequest, body)
        self._begin(sink, partial(self._answer_whole, sink, partial(self._tokens, asked)))

    def detokenize(self, request: Detokenize, sink: Sink) -> None:
        """Answer with the text of tokens."""
        size = self._llm.model_config.get_vocab_size()
        if request.tokens and max(request.tokens) >= size:
            raise InvalidRequest(f"token ids must be below {size}", param="tokens")
        self._begin(
            sink, partial(self._answer_whole, sink, partial(self._text, DetokenizeRequest(tokens=request.tokens)))
        )

    def abort(self, rid: str) -> None:
        task = self._tasks.pop(rid, None)
        if task is not None:
            task.cancel()  # vLLM aborts a request when nobody reads its answer any more
            self._aborts += 1

    def close(self) -> None:
        if self._grammars is not None:
            self._grammars.close()
        self._llm.shutdown(timeout=1)  # its processes have nothing to save, and end slowly by themselves

    def alive(self) -> bool:
        return not self._llm.errored

    def counters(self) -> dict[str, int]:
        counts = self._counts
        computed = {"steps": counts.steps, "tokens": counts.tokens, "cached_tokens": counts.cached}
        return computed | {"aborts": self._aborts, "sleeps": self._sleeps}

    # ---- requests ----

    def _request(self, cls: Any, body: dict[str, Any], asked: Chat | Completions) -> Any:
        if asked.lora_name is not None and asked.lora_name not in self._plan.adapters:
            known = ", ".join(self._plan.adapters) or "none"
            raise InvalidRequest(f"there is no adapter '{asked.lora_name}'; there are: {known}", param="lora_name")
        return checked(cls, body)

    def _begin(self, sink: Sink, work: _Work, constraints: Sequence[Constraint] = ()) -> None:
        task = asyncio.create_task(self._run(sink, work, constraints))
        self._tasks[sink.rid] = task
        task.add_done_callback(lambda _: self._tasks.pop(sink.rid, None))

    async def _run(self, sink: Sink, work: _Work, constraints: Sequence[Constraint]) -> None:
        """Serve one request. After it is cancelled it puts nothing more into its sink."""
        self._asked_at = time.monotonic()
        try:
            if self._grammars is not None:
                await self._grammars.check(constraints)
            await self._wake()
            await work()
        except HeadraceError as error:
            sink.fail(error)
        except Exception as error:  # the request ends here, and its client must get an error
            log.exception("vLLM failed on request %s", sink.rid)
            sink.fail(EngineFailure(f"vLLM: {type(error).__name__}"))
        finally:
            self._asked_at = time.monotonic()

    async def _tokens(self, asked: Any) -> Tokens:
        answer = await answered(self._state.serving_tokenization.create_tokenize(asked, None))
        return Tokens(answer.tokens, answer.token_strs, self._context)

    async def _text(self, asked: Any) -> str:
        return str((await answered(self._state.serving_tokenization.create_detokenize(asked, None))).prompt)

    async def _answer_whole(self, sink: Sink, find: Callable[[], Awaitable[Any]]) -> None:
        sink.done(Usage(0, 0), await find())

    # ---- sleep ----

    async def _doze(self, after_s: float) -> None:
        """Free the device's memory while there are no requests: weights go to host memory, the KV cache is dropped."""
        while True:
            await asyncio.sleep(max(0.05, self._asked_at + after_s - time.monotonic()))
            async with self._waking:
                if not self._tasks and not self._asleep and time.monotonic() - self._asked_at >= after_s:
                    await self._llm.sleep(level=1)
                    self._asleep = True
                    self._sleeps += 1
            if self._asleep:
                self._asked_at = time.monotonic()

    async def _wake(self) -> None:
        if self._plan.sleep_after_s is None:
            return
        async with self._waking:
            if self._asleep:
                await self._llm.wake_up()
                self._asleep = False


async def _serve(loaded: LoadedVllm) -> State:
    """vLLM's serving layer, with the adapters. Raises InvalidRequest for a model that does not generate text."""
    given = {"model": loaded.source, "served_model_name": [loaded.source], "enable_log_requests": False}
    given |= {"disable_log_stats": True, "enable_prompt_tokens_details": True}
    given["structured_outputs_config"] = loaded.llm.vllm_config.structured_outputs_config
    given["lora_modules"] = [LoRAModulePath(name, str(path)) for name, path in loaded.plan.adapters.items()] or None
    state = State()
    tasks = await loaded.llm.get_supported_tasks()
    if "generate" not in tasks:
        raise InvalidRequest("vLLM cannot generate text with this model", param="model_engine")
    await init_app_state(loaded.llm, state, Namespace(**vars(loaded.serving) | given), tasks)
    state.openai_serving_completion.engine_client = _Thoughtless(loaded.llm)
    return state


async def _warm(loaded: LoadedVllm, state: State) -> None:
    """Generate one token, with its probability: some code is compiled at its first use, which is now."""
    context = loaded.capacity.context_length
    body = wire.completion_body(Completions(model="-", prompt="Hi", max_tokens=1), "Hi", context)
    if loaded.llm.model_config.max_logprobs:
        body["logprobs"] = 1
    call = partial(_complete, state, context, checked(CompletionRequest, body))
    await Answer(NullSink(), "prompt", None, context).read([(wire.Choices(0, 0), call)])


async def _complete(state: State, context: int, body: Any) -> Any:
    stream = await state.openai_serving_completion.create_completion(body)
    if body.max_tokens is None:  # all that the context holds; vLLM's stream only needs that it is not None
        body.max_tokens = context
    return stream
