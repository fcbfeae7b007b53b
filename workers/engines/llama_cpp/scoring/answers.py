"""The tokens of an answer that llama.cpp's server does not report: those that end within a character.

It waits for the rest of the character, and reports the last token only, with the text of them all. How many there are
follows from its count of tokens. So they are looked for among the tokens that may follow there, in another slot, where
the prompt is read once more. If all slots are busy, the answer is held up until one is free.
"""

import logging
from collections.abc import Callable

import msgspec

from models.errors import HeadraceError
from workers.engines.llama_cpp import wire
from workers.engines.llama_cpp.scoring.model import LIKELY, ScoredModel

_log = logging.getLogger(__name__)


class AnswerTokens:
    """Completes the tokens of one answer. ``prompt`` gives the ids of its prompt, and blocks.

    Where tokens cannot be found, those that come later are left as they are.
    """

    def __init__(self, model: ScoredModel, prompt: Callable[[], list[int]], top: int) -> None:
        self._model = model
        self._prompt = prompt
        self._top = top
        self._ids: list[int] = []
        self._made = 0
        self._lost = False

    def complete(self, chunk: wire.Chunk) -> None:
        """Put the missing tokens of a chunk before the one that it has. Blocks where there are any."""
        tokens = chunk.tokens
        if self._lost or not tokens:
            return
        made, self._made = self._made, chunk.computed
        if chunk.computed - made > len(tokens):
            found = self._found(tokens[-1], chunk.computed - made)
            self._lost = not found
            tokens[:] = found or tokens
        self._ids += [token.id for token in tokens]

    def _found(self, last: wire.Token, count: int) -> list[wire.Token]:
        """The ``count`` tokens up to ``last``, which is reported with the text of them all; none if not found."""
        octets = bytes(last.octets)
        if count > len(octets):
            return []
        try:
            before = [*self._prompt(), *self._ids]
            for most in (LIKELY, self._model.vocabulary):
                ways = [way for way in self._ways(before, octets, count, most) if way[-1].id == last.id]
                if ways:
                    return max(ways, key=lambda way: sum(token.logprob for token in way))
        except HeadraceError as error:
            _log.warning("tokens of an answer are left out: %s", error)
        return []

    def _ways(self, before: list[int], octets: bytes, count: int, most: int) -> list[list[wire.Token]]:
        """All rows of ``count`` tokens whose bytes are ``octets``, if they are among the ``most`` likeliest."""
        ways = []
        likeliest = self._model.likeliest(before, most)
        for token in likeliest:
            piece = bytes(token.octets)
            if not piece or not octets.startswith(piece) or len(octets) - len(piece) < count - 1:
                continue
            rest = octets[len(piece) :]
            scored = msgspec.structs.replace(token, top_logprobs=likeliest[: self._top])
            if count > 1:
                ways += [[scored, *way] for way in self._ways([*before, token.id], rest, count - 1, most)]
            elif not rest:
                ways.append([scored])
        return ways
