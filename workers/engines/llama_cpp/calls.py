"""A request to llama.cpp while it is answered, and its calls, each of which makes one choice."""

from dataclasses import dataclass, field

from models.modalities.text import Delta, FinishReason, TokenLogprob
from workers.engines.base import Sink
from workers.engines.llama_cpp import wire
from workers.engines.llama_cpp.plan import Plan
from workers.engines.llama_cpp.scoring import AnswerTokens
from workers.engines.text.answers import Piece, Splitter
from workers.engines.text.stops import StopScanner


@dataclass(eq=False, slots=True)
class RunningRequest:
    """One request; its calls share its sink. Belongs to the event loop, except ``over``, which threads read."""

    sink: Sink
    param: str
    top: int
    choices: int
    seed: int | None
    stops: list[str]
    generates: bool = True
    open: int = 0
    over: bool = False
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0


@dataclass(eq=False, slots=True)
class ChoiceCall:
    """One choice: a blocking call into llama.cpp."""

    request: RunningRequest
    index: int
    plan: Plan
    body: bytes
    splitter: Splitter | None
    scanner: StopScanner
    thoughts: StopScanner
    answer_tokens: AnswerTokens | None  # in the thread
    texts: list[str] = field(default_factory=list)  # on the loop; the answer so far, where there is a grammar
    deltas: int = 0  # on the loop; deltas that were put into the sink
    prompt_tokens: int = 0  # on the loop
    cached_tokens: int = 0  # on the loop
    tokens: int = 0  # on the loop
    over: bool = False  # nothing more is wanted; set on the loop, read in the thread
    finish: FinishReason | None = None  # on the loop
    has_output: bool = False  # in the thread
    ended: bool = False  # in the thread

    def delta(self, piece: Piece, logprobs: tuple[TokenLogprob, ...]) -> Delta:
        """The delta of one token."""
        return Delta(
            piece.text,
            self.index,
            logprobs,
            reasoning=piece.reasoning,
            tools=piece.tools,
            prompt_tokens=self.prompt_tokens,
        )

    @property
    def stop(self) -> str:
        """The stop string that was met, or empty. llama.cpp would not report which one it is."""
        return self.scanner.met or self.thoughts.met

    def read(self, raw: Piece) -> Piece:
        """What can be shown of a piece: nothing from the first stop string on, nor what may become one."""
        if not self.request.stops:
            return raw
        reasoning, met = self.thoughts.feed(raw.reasoning)
        if met:
            return Piece("", reasoning)
        if raw.text or raw.tools:
            reasoning += self.thoughts.flush()
        text, met = self.scanner.feed(raw.text)
        if met:
            return Piece(text, reasoning)
        return Piece(text + self.scanner.flush() if raw.tools else text, reasoning, raw.tools)

    def flush(self) -> Piece:
        """The last piece: what was held back."""
        held = Piece() if self.stop else Piece(self.scanner.flush(), self.thoughts.flush())
        if self.splitter is None:
            return held
        read = Piece() if self.splitter.full else self.splitter.feed(held.text)
        return read + self.splitter.flush()

    def usage(self) -> wire.ChunkUsage:
        """The tokens of a call that was ended, of which llama.cpp gives no count."""
        return wire.ChunkUsage(self.prompt_tokens, self.tokens, wire.PromptDetails(self.cached_tokens))
