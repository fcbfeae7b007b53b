"""transformers' continuous batching: any causal language model in safetensors (or, unpacked, in GGUF)."""

import asyncio
import contextlib
import logging
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Any

from models.errors import EngineFailure, HeadraceError, InvalidRequest, UnsupportedParameter
from models.launching.options.text import TransformersOptions
from models.modalities import chat, completions
from models.modalities.base import Usage
from models.modalities.chat.messages import Media
from models.modalities.detokenize import Request as Detokenize
from models.modalities.text import Delta, TokenLogprob
from models.modalities.tokenize import Request as Tokenize
from models.modalities.transcription import Request as Transcription
from workers.engines.base import MEDIA_PARTS, AnyRequest, Engine, EngineSite, MediaSink, Report, Sink
from workers.engines.structured.constraints import Calls, Constrained, constrain
from workers.engines.text.answers import Splitter
from workers.engines.text.dialects import beginning
from workers.engines.text.limits import check_bias
from workers.engines.text.stops import StopScanner
from workers.engines.text.thoughts import Thinking
from workers.engines.threads.open_requests import OpenRequests
from workers.engines.threads.side_answers import SideAnswers
from workers.engines.transformers.choice import Choice, sampling_of
from workers.engines.transformers.detokenizer import Detokenizer
from workers.engines.transformers.hearing.transcriptions import Transcriptions
from workers.engines.transformers.load import LoadedTransformer, load_model
from workers.engines.transformers.prompts import Body, Prompt, Prompts
from workers.engines.transformers.scoring import Scores, Scoring

log = logging.getLogger(__name__)

_Chat = chat.Request
_ENDING = 32  # the last tokens of a prompt, which show whether it has begun the thoughts


@dataclass(eq=False, slots=True)
class _Request:
    """One request. A thread prepares it; from ``_submit`` on it belongs to the event loop, except ``over``."""

    sink: Sink
    body: Body
    param: str
    media: Sequence[Media] = ()
    constrained: Constrained | None = None
    thinking: Thinking = "over"
    over: bool = False
    open: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    choices: list[Choice] = field(default_factory=list)


class Transformers(Engine[LoadedTransformer]):
    """Chat and completions. Frequency and presence penalties count the answer's tokens alone, as vLLM's do."""

    honours = frozenset(
        [
            *("max_tokens", "max_completion_tokens", "min_tokens", "n", "best_of", "stop", "ignore_eos", "echo"),
            *("temperature", "top_p", "top_k", "min_p", "seed", "logit_bias", "logprobs", "top_logprobs"),
            *("frequency_penalty", "presence_penalty", "repetition_penalty", "chat_template_kwargs"),
            *("enable_thinking", "reasoning_effort", "stop_token_ids", "continue_final_message"),
            *("response_format", "structured_outputs", "tools", "tool_choice", "parallel_tool_calls"),
            *("image_url", "input_audio", "audio_url", "mm_processor_kwargs"),
        ]
    )

    def __init__(self, loaded: LoadedTransformer) -> None:
        super().__init__(loaded)
        self.honours = self.honours - MEDIA_PARTS | loaded.takes
        self.told = {"batching": loaded.way.batching}
        self._model = loaded
        self._choices: dict[str, tuple[_Request, Choice]] = {}
        self._tokens = 0
        self._tokenizing = ThreadPoolExecutor(1, thread_name_prefix="tokenize")
        self._prompts = Prompts(loaded)
        # What is tokenized on its own may be of any length, so answers do not wait for it. But processors keep state,
        # so there all is done in one thread.
        self._asking = self._tokenizing if loaded.reader else ThreadPoolExecutor(1, thread_name_prefix="answer")
        self._side_answers = SideAnswers(self._asking)
        self._requests = OpenRequests[_Request](self._side_answers, self._end)
        self._hearing = Transcriptions(loaded, self._tokenizing, self._answer_clip)
        self._loop = asyncio.get_running_loop()
        loaded.router.connect(self._loop, self._step)

    @classmethod
    def load(cls, site: EngineSite, report: Report) -> LoadedTransformer:
        return load_model(site, TransformersOptions.read(site.options), report)

    def modalities(self) -> list[str]:
        return [name for name in super().modalities() if name != "transcription" or self._hearing.able]

    def check(self, request: AnyRequest) -> None:
        if isinstance(request, Transcription):
            self._hearing.check(request)
            return
        super().check(request)
        if isinstance(request, completions.Request) and request.scored and not self._model.scorer.able:
            raise UnsupportedParameter("'echo' with 'logprobs' is not supported for this model", param="echo")

    def chat(self, request: chat.Request, sink: Sink) -> None:
        """Answer the conversation, under the tokenizer's chat template."""
        self._take(_Request(sink, request, "messages", sink.media))

    def completions(self, request: completions.Request, sink: Sink) -> None:
        """Continue each prompt."""
        self._take(_Request(sink, request, "prompt"))

    def transcription(self, request: Transcription, sink: MediaSink) -> None:
        """Write down what is said in ``file``, clip by clip."""
        self._hearing.take(request, sink)

    def tokenize(self, request: Tokenize, sink: Sink) -> None:
        """Answer with the tokens of the prompt that an answer would have."""
        media = sink.media
        self._side_answers.ask(sink, lambda: self._prompts.tokens_of(request, media))

    def detokenize(self, request: Detokenize, sink: Sink) -> None:
        """Answer with the text of tokens; bytes that are no characters become U+FFFD."""
        self._side_answers.ask(sink, lambda: self._prompts.text_of(request.tokens))

    def abort(self, rid: str) -> None:
        self._requests.abort(self._hearing.abort(rid) or rid)

    def close(self) -> None:
        self._hearing.end_all()
        self._requests.end_all()
        self._tokenizing.shutdown(cancel_futures=True)
        self._asking.shutdown(cancel_futures=True)
        self._model.scorer.close()
        self._model.manager.stop(block=True, timeout=10, hard_stop=True)
        self._model.grammars.close()

    def alive(self) -> bool:
        return self._model.manager.background_thread_status.fatal_error is None

    def fault(self) -> str:
        error = self._model.manager.background_thread_status.fatal_error
        return f"{type(error).__name__}: {error}" if error else ""

    def counters(self) -> dict[str, int]:
        steps = getattr(self._model.manager, "current_batch", 0)
        return {"steps": steps, "tokens": self._tokens, "aborts": self._requests.aborts}

    # ---- from a request to the manager ----

    def _take(self, request: _Request) -> None:
        if not self.alive():
            raise EngineFailure("the engine's generation thread has died")
        self._requests.add(request.sink.rid, request)
        self._tokenizing.submit(self._tokenize, request)  # one thread, so requests keep their order

    def _answer_clip(self, body: Body, prompt: Prompt, sink: Sink) -> None:
        request = _Request(sink, body, "file")
        self._requests.add(sink.rid, request)
        self._submit(request, [prompt])

    def _tokenize(self, request: _Request) -> None:
        """Make the request's prompts. Runs in a thread: a long prompt must not hold up the tokens of others."""
        if request.over:
            return
        try:
            check_bias(request.body, self._model.vocabulary)
            prompts = self._prompts.bounded(request.body, request.media)
            self._prepare(request, *prompts[0][:2])
        except HeadraceError as error:
            self._hand_over(request, error)
        except Exception as error:  # a template may raise anything, and its client must get an error
            log.exception("a prompt cannot be tokenized")
            why = f"the prompt cannot be tokenized: {type(error).__name__}"
            self._hand_over(request, InvalidRequest(why, param=request.param))
        else:
            constrained = request.constrained
            if constrained is None:
                self._hand_over(request, prompts)
            else:
                self._model.grammars.check(
                    constrained.grammar, constrained.param, lambda fault: self._hand_over(request, fault or prompts)
                )

    def _hand_over(self, request: _Request, outcome: list[Prompt] | HeadraceError) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed
            self._loop.call_soon_threadsafe(self._submit, request, outcome)

    def _prepare(self, request: _Request, prompt: str, ids: list[int]) -> None:
        """Find where the answer begins, and the grammar that it must follow."""
        body, model = request.body, self._model
        if isinstance(body, completions.Request):
            constraint = body.structured_outputs.constraint if body.structured_outputs else None
            request.constrained = constrain(constraint, None, None, "over", model.marks)
            return
        prompt = prompt or model.tokenizer.decode(ids[-_ENDING:])
        request.thinking = beginning(body, prompt, model.dialect)
        calls = None
        if body.callable_tools:
            calls = Calls(model.dialect.tools, body.callable_tools, body.must_call, not body.single_call)
        request.constrained = constrain(body.constraint, calls, model.dialect.tags, request.thinking, model.marks)

    def _submit(self, request: _Request, outcome: list[Prompt] | HeadraceError) -> None:
        if request.over:
            return
        if isinstance(outcome, HeadraceError):
            self._fail(request, outcome)
            return
        body = request.body
        prompts = [
            (prompt, [self._choice(request, prompt[1], number) for number in range(body.choices)]) for prompt in outcome
        ]
        request.prompt_tokens = sum(len(ids) for _, ids, _ in outcome)
        if isinstance(body, completions.Request) and body.scored:
            self._model.scorer.add([self._scoring(request, *prompt) for prompt in prompts])
            return
        for prompt, choices in prompts:
            if not request.over:
                self._open(request, prompt, choices)

    def _scoring(self, request: _Request, prompt: Prompt, choices: list[Choice]) -> Scoring:
        """The work that finds the log probabilities of a prompt, after which its choices begin."""

        def done(scores: Scores | Exception) -> None:
            """Pick the only token of short answers, for which the prompt need not be computed again. In a thread."""
            firsts: list[int] = []
            if isinstance(scores, Scores) and choices[0].limit == 1 and request.constrained is None:
                firsts = [choice.sampling.pick(scores.following) for choice in choices]
            with contextlib.suppress(RuntimeError):  # the loop is closed
                self._loop.call_soon_threadsafe(self._scored, request, prompt, choices, scores, firsts)

        top = getattr(request.body, "logprobs", None) or 0
        return Scoring(prompt[1], top, lambda: request.over, done)

    def _scored(
        self,
        request: _Request,
        prompt: Prompt,
        choices: list[Choice],
        scores: Scores | Exception,
        firsts: list[int],
    ) -> None:
        if request.over:
            return
        if isinstance(scores, Exception):
            log.error("a prompt cannot be scored", exc_info=scores)
            known = scores if isinstance(scores, HeadraceError) else None
            self._fail(request, known or EngineFailure(f"transformers: {type(scores).__name__}"))
            return
        self._open(request, prompt, choices, scores.tokens, firsts)

    def _open(
        self,
        request: _Request,
        prompt: Prompt,
        choices: list[Choice],
        scores: tuple[TokenLogprob, ...] = (),
        firsts: Sequence[int] = (),
    ) -> None:
        """Begin the choices of a prompt. ``firsts``: their only tokens, where these are already picked."""
        text, ids, inputs = prompt
        for choice, first in zip_longest(choices, firsts):
            if isinstance(request.body, completions.Request) and request.body.echo:
                request.sink.delta(Delta(text, choice.index, scores, tokens=0))
            if not choice.limit:
                request.sink.delta(Delta("", choice.index, finish="length", tokens=0))
                self._close(request)
            elif first is not None:
                self._emit_token(request, choice, first)
            elif not self._add(request, choice, ids, inputs):
                self._fail(request, EngineFailure("the engine's generation thread has died"))
                return

    def _choice(self, request: _Request, ids: list[int], number: int) -> Choice:
        body, model = request.body, self._model
        room = model.context - len(ids)
        index = len(request.choices)
        ends = set() if body.ignore_eos and request.constrained is None else set(model.ends)
        ends |= set(body.stop_token_ids or ())
        choice = Choice(
            id=f"{request.sink.rid}/{index}",
            index=index,
            limit=room if body.token_limit is None else min(body.token_limit, room),
            ends=frozenset(ends),
            sampling=sampling_of(body, model.sampling, ids, number, sorted(ends)),
            words=Detokenizer(model.decode_marked if isinstance(body, chat.Request) else model.decode, ids),
            scanner=StopScanner(body.stops),
            splitter=self._splitter(body, request.thinking) if isinstance(body, chat.Request) else None,
        )
        if request.constrained is not None:
            choice.sampling.walk = model.grammars.walk(request.constrained.grammar, request.constrained.param)
        request.choices.append(choice)
        request.open += 1
        return choice

    def _splitter(self, body: _Chat, thinking: Thinking) -> Splitter | None:
        dialect = self._model.dialect.under(body)
        functions = {tool.function.name: tool.function.parameters for tool in body.callable_tools}
        if dialect.tags is None and not functions:
            return None
        single, must = body.single_call, body.must_call
        return Splitter(dialect.tags, thinking, dialect.written, functions, single=single, must=must)

    def _add(self, request: _Request, choice: Choice, ids: list[int], inputs: Mapping[str, Any]) -> bool:
        self._choices[choice.id] = (request, choice)
        rules: dict[str, Any] = {} if choice.sampling.plain else {"sampling": choice.sampling}
        if inputs:
            rules["inputs"] = inputs
        added = self._model.manager.add_request(
            ids,
            request_id=choice.id,
            max_new_tokens=choice.limit,
            streaming=True,
            eos_token_id=sorted(choice.ends) or -1,
            **rules,
        )
        return added is not None

    # ---- from the manager to the sink ----

    def _step(self, outputs: list[Any]) -> None:
        """Deliver the outputs of one step, within one iteration of the loop."""
        for output in outputs:
            request, choice = self._choices.get(output.request_id, (None, None))
            if request is None or choice is None:
                continue
            if output.error is not None:
                self._fail(request, EngineFailure(f"transformers: {output.error}"))
                continue
            fresh = output.generated_tokens[choice.seen :]
            choice.seen += len(fresh)
            for token in fresh:
                self._tokens += 1
                if self._emit_token(request, choice, token):
                    break

    def _emit_token(self, request: _Request, choice: Choice, token: int) -> bool:
        """Give one token to the sink. Returns whether it was the choice's last."""
        walk = choice.sampling.walk
        if choice.broken and walk is not None:
            self._fail(request, walk.fault or EngineFailure("a grammar was lost"))
            return True
        request.completion_tokens += 1
        delta, cut = choice.take(token, request.prompt_tokens, self._model.name_of)
        if delta is not None:
            request.sink.delta(delta)
        if delta is None or delta.finish is None:
            return False
        if self._leave(choice) and cut:
            self._model.manager.cancel_request(choice.id)
        self._close(request)
        return True

    def _close(self, request: _Request) -> None:
        """One choice has ended, and with the last one the request."""
        request.open -= 1
        if not request.open:
            self._requests.remove(request.sink.rid)
            request.sink.done(Usage(request.prompt_tokens, request.completion_tokens))

    def _leave(self, choice: Choice) -> bool:
        """Forget a choice, of which nothing more is wanted. Returns whether the manager computes it."""
        if choice.sampling.walk is not None:
            choice.sampling.walk.leave()
        return self._choices.pop(choice.id, None) is not None

    def _end(self, request: _Request) -> None:
        request.over = True
        self._requests.remove(request.sink.rid)
        for choice in request.choices:
            if self._leave(choice):
                self._model.manager.cancel_request(choice.id)

    def _fail(self, request: _Request, error: HeadraceError) -> None:
        self._end(request)
        request.sink.fail(error)
