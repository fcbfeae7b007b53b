"""A request to llama.cpp while it is answered, and its calls, each of which makes one choice."""

from dataclasses import dataclass, field

from models.modalities.text import Delta, FinishReason, TokenLogprob
from workers.engines.base import Sink
from workers.engines.llama_cpp import wire
from workers.engines.llama_cpp.plan import Plan
from workers.engines.text.answers import Piece, Splitter


@dataclass(eq=False, slots=True)
class RunningRequest:
    """One request; its calls share its sink. Belongs to the event loop, except ``over``, which threads read."""

    sink: Sink
    param: str
    top: int
    choices: int
    seed: int | None
    stops: bool
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

    def usage(self) -> wire.ChunkUsage:
        """The tokens of a call that was ended, of which llama.cpp gives no count."""
        return wire.ChunkUsage(self.prompt_tokens, self.tokens, wire.PromptDetails(self.cached_tokens))
