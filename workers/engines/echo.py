"""The engine without weights: it repeats the prompt's words, at a set pace. It is only for testing the platform.

So that every protocol can be tested with it, it thinks where thinking is enabled, calls the first tool where it must
call one, and states how many pictures and recordings it was given. It batches as a real engine does: in each step every
request in flight gets one token.
"""

import asyncio
import re
import time
from collections import deque
from dataclasses import dataclass, field
from typing import cast
from zlib import crc32

import msgspec

from models.errors import InvalidRequest
from models.launching.options.echo import EchoOptions
from models.modalities import chat, completions, detokenize, tokenize
from models.modalities.base import Usage
from models.modalities.chat.tools import Tool
from models.modalities.text import Delta, FinishReason, TextRequest, TokenLogprob, ToolDelta
from models.modalities.videos import Request as Videos
from workers.engines.base import Capacity, Engine, EngineSite, MediaSink, Report, Sink
from workers.engines.echo_videos import EchoVideos
from workers.engines.text.limits import too_long
from workers.engines.text.stops import StopScanner

_WORD = re.compile(r"\s*\S+|\s+$")
_THOUGHT = "They said something. I shall say it again."


@dataclass(slots=True)
class _Choice:
    """One choice in flight: its thoughts come first, then a call, or else its words until it is stopped.

    ``spoken`` counts the words, ``tokens`` all tokens.
    """

    index: int
    words: list[str]
    limit: int
    scanner: StopScanner
    thoughts: deque[str] = field(default_factory=deque)
    call: deque[ToolDelta] = field(default_factory=deque)
    spoken: int = 0
    tokens: int = 0
    finish: FinishReason | None = None


@dataclass(slots=True)
class _Running:
    sink: Sink
    choices: list[_Choice]
    prompt_tokens: int
    logprobs: bool
    top: int
    tokens: int = 0
    open: list[_Choice] = field(default_factory=list)


class LoadedEcho(EchoOptions):
    """The options: there is nothing else to load."""

    @property
    def capacity(self) -> Capacity:
        """See ``Loaded``."""
        return Capacity(self.max_inflight, self.context_length)


class Echo(Engine[LoadedEcho]):
    """Repeats the last message, word by word, for ever, until a limit or a stop string ends it."""

    honours = frozenset(
        [
            "max_tokens",
            "max_completion_tokens",
            "n",
            "stop",
            "seed",
            "temperature",
            "top_p",
            "ignore_eos",
            "logprobs",
            "top_logprobs",
            "echo",
            "best_of",
            "tools",
            "tool_choice",
            "parallel_tool_calls",
            "chat_template_kwargs",
            "enable_thinking",
            "reasoning_effort",
            "continue_final_message",
            "image_url",
            "input_audio",
            "audio_url",
        ]
    )

    def __init__(self, loaded: LoadedEcho) -> None:
        super().__init__(loaded)
        self._options = loaded
        self._running: dict[str, _Running] = {}
        self._waiting: dict[str, _Running] = {}
        self._steps = self._aborts = self._tokens = 0
        self._work = asyncio.Event()
        self._stepping = asyncio.create_task(self._run(), name="echo steps")

    @classmethod
    def load(cls, site: EngineSite, report: Report) -> LoadedEcho:
        options = LoadedEcho.read(site.options)
        for done in range(100):
            report("loading", done / 100)
            time.sleep(options.load_s / 100)
        return options

    @classmethod
    async def start(cls, loaded: LoadedEcho) -> "Echo":
        if loaded.modality == "videos":
            return cast("Echo", EchoVideos(loaded))  # another engine, which the runner asks as it asks any
        return cls(loaded)

    def modalities(self) -> list[str]:
        return [name for name in super().modalities() if name != "videos"]

    def videos(self, request: Videos, sink: MediaSink) -> None:
        """Refuse: videos are another class's."""
        raise InvalidRequest("this model does not serve videos", param="model")

    def chat(self, request: chat.Request, sink: Sink) -> None:
        """Repeat the last message."""
        prompt_tokens = sum(len(_words(message.text)) for message in request.messages)
        text = request.messages[-1].text
        media = sum(1 for message in request.messages for _ in message.media)
        words = _words(f"[{media} media] {text}" if media else text)
        choices = self._choices(request, [words] * request.choices)
        for choice in choices:
            if request.template_kwargs.get("enable_thinking"):
                choice.thoughts.extend(_words(_THOUGHT))
            if request.must_call and request.callable_tools:
                choice.call.extend(_call(request.callable_tools[0], text, f"call_{sink.rid}_{choice.index}"))
        self._take(request, sink, choices, prompt_tokens, bool(request.logprobs), request.top_logprobs or 0)

    def completions(self, request: completions.Request, sink: Sink) -> None:
        """Repeat each prompt; token ids are written as numbers. With ``echo``, the prompt precedes its answer."""
        texts = [p if isinstance(p, str) else " ".join(map(str, p)) for p in request.prompts]
        words = [_words(text) for text in texts for _ in range(request.choices)]
        prompt_tokens = sum(len(_words(text)) for text in texts)
        choices = self._choices(request, words)
        self._take(request, sink, choices, prompt_tokens, request.logprobs is not None, request.logprobs or 0)
        if request.echo:
            for index, text in enumerate(t for t in texts for _ in range(request.choices)):
                sink.delta(Delta(text=text, index=index, tokens=0))

    def tokenize(self, request: tokenize.Request, sink: Sink) -> None:
        """A token is a word; there is no vocabulary, so its id is a checksum."""
        texts = [message.text for message in request.messages or []] if request.prompt is None else [request.prompt]
        words = [word for text in texts for word in _words(text)]
        ids = [crc32(word.encode()) & 0x7FFFFFFF for word in words]
        tokens = tokenize.Tokens(ids, words if request.return_token_strs else None, self._options.context_length)
        sink.done(Usage(0, 0), tokens)

    def detokenize(self, request: detokenize.Request, sink: Sink) -> None:
        """Write token ids as numbers."""
        sink.done(Usage(0, 0), " ".join(map(str, request.tokens)))

    def abort(self, rid: str) -> None:
        if self._waiting.pop(rid, None) or self._running.pop(rid, None):
            self._aborts += 1

    def close(self) -> None:
        self._stepping.cancel()

    def counters(self) -> dict[str, int]:
        return {"steps": self._steps, "aborts": self._aborts, "tokens": self._tokens}

    def _choices(self, request: TextRequest, words: list[list[str]]) -> list[_Choice]:
        limit = request.token_limit or self._options.max_tokens
        return [_Choice(at, some or ["..."], limit, StopScanner(request.stops)) for at, some in enumerate(words)]

    def _take(
        self,
        request: TextRequest,
        sink: Sink,
        choices: list[_Choice],
        prompt_tokens: int,
        logprobs: bool,
        top: int,
    ) -> None:
        room = self._options.context_length - prompt_tokens
        if room < 1:
            param = "messages" if isinstance(request, chat.Request) else "prompt"
            raise too_long(prompt_tokens, self._options.context_length, param)
        for choice in choices:
            choice.limit = min(choice.limit, room)
        self._waiting[sink.rid] = _Running(sink, choices, prompt_tokens, logprobs, top, open=list(choices))
        self._work.set()

    async def _run(self) -> None:
        clock = asyncio.get_running_loop().time
        due = clock()
        while True:
            if not self._running and not self._waiting:
                self._work.clear()
                await self._work.wait()
                due = clock()
            self._admit()
            self._step()
            due = max(due + self._options.step_ms / 1000, clock())
            await asyncio.sleep(due - clock())

    def _admit(self) -> None:
        while self._waiting and len(self._running) < self._options.max_inflight:
            rid = next(iter(self._waiting))
            self._running[rid] = self._waiting.pop(rid)

    def _step(self) -> None:
        self._steps += 1
        for rid, running in list(self._running.items()):
            for choice in running.open:
                self._say(running, choice)
            if any(choice.finish for choice in running.open):
                running.open = [choice for choice in running.open if choice.finish is None]
            if not running.open:
                del self._running[rid]
                running.sink.done(Usage(running.prompt_tokens, running.tokens))

    def _say(self, running: _Running, choice: _Choice) -> None:
        choice.tokens += 1
        running.tokens += 1
        self._tokens += 1
        last, known = choice.tokens >= choice.limit, running.prompt_tokens
        if choice.thoughts:
            choice.finish = "length" if last else None
            thought = choice.thoughts.popleft()
            delta = Delta("", choice.index, finish=choice.finish, reasoning=thought, prompt_tokens=known)
        elif choice.call:
            piece = choice.call.popleft()
            choice.finish = ("length" if last else None) if choice.call else "tool_calls"
            delta = Delta("", choice.index, finish=choice.finish, tools=(piece,), prompt_tokens=known)
        else:
            delta = self._word(running, choice, last=last)
        running.sink.delta(delta)

    def _word(self, running: _Running, choice: _Choice, *, last: bool) -> Delta:
        word = choice.words[choice.spoken % len(choice.words)]
        if choice.spoken and not word[0].isspace():
            word = " " + word
        choice.spoken += 1
        text, stopped = choice.scanner.feed(word)
        if stopped:
            choice.finish = "stop"
        elif last:
            choice.finish, text = "length", text + choice.scanner.flush()
        logprobs: tuple[TokenLogprob, ...] = ()
        if running.logprobs:  # an echo is certain of every word
            logprobs = (TokenLogprob(word, 0.0, (TokenLogprob(word, 0.0),) if running.top else ()),)
        met, known = choice.scanner.met, running.prompt_tokens
        return Delta(text, choice.index, logprobs, choice.finish, stop=met, prompt_tokens=known)


def _call(tool: Tool, text: str, name: str) -> list[ToolDelta]:
    """A call of this tool in pieces, with the text as its first argument, if it takes any."""
    argument = next(iter((tool.function.parameters or {}).get("properties") or ()), "text")
    arguments = msgspec.json.encode({argument: text} if tool.function.takes_arguments else {}).decode()
    return [ToolDelta(0, name, tool.function.name), *(ToolDelta(0, arguments=piece) for piece in _words(arguments))]


def _words(text: str) -> list[str]:
    return _WORD.findall(text)
