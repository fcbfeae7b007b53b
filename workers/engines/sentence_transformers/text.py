"""From texts to token ids, as sentence-transformers would have them, but without padding, and counted before a cut."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from models.errors import ContextLengthExceeded, EngineFailure, InvalidRequest
from workers.engines.text.limits import ADDED, too_long

GROUP = 64
"""The number of texts that are read at once."""
GROUP_CHARACTERS = 1 << 16
"""About how many characters the texts that are read at once may have together."""

Name = Callable[[int], str]
"""How the request calls its text of this number."""

LONG = 1 << 17
"""Characters beyond which a text is read only as far as it takes: a token costs its tokenizer some 600 bytes."""
MARGIN = 64
"""Tokens before such an end that may be others than in the whole text."""


def slow(texts: Iterable[Any]) -> bool:
    """Whether one of these texts, or rows of ids, may take its tokenizer longer than others can wait."""
    return any(len(text) > LONG for text in texts)


class SequenceReader:
    """A fast tokenizer, with its padding and truncation turned off."""

    def __init__(self, tokenizer: Any, context: int, vocabulary: int) -> None:
        self._fast = tokenizer.backend_tokenizer
        self._fast.no_padding()
        self._fast.no_truncation()
        self._side = tokenizer.truncation_side
        self._vocabulary = vocabulary
        self.context = context
        self._before, self._after = self._around()

    def text(self, prompt: str, texts: Sequence[str], keep: int | None, name: Name) -> Iterator[list[Any]]:
        """Encodings of single texts, in groups. ``keep``: tokens to cut each to; None: one too long is refused.

        Raises ContextLengthExceeded.
        """
        room = self.context - self._fast.num_special_tokens_to_add(False)
        limit = room if keep is None else max(min(keep, self.context) - (self.context - room), 1)
        for at, group in groups(texts):
            whole = [prompt + text for text in group]
            found = self._plain(whole, limit, self._side)
            for number, one in enumerate(found):
                if len(one) > limit:
                    if keep is None:
                        raise beyond(whole[number], len(one) + self.context - room, self.context, name(at + number))
                    one.truncate(limit, direction=self._side)
            yield [self._fast.post_process(one) for one in found]

    def ids(self, many: Sequence[Sequence[int]], keep: int | None, name: Name) -> Iterator[list[list[int]]]:
        """Token ids as the model reads them: its special tokens are put around those that come without."""
        around = len(self._before) + len(self._after)
        limit = (self.context if keep is None else min(keep, self.context)) - around
        for at in range(0, len(many), GROUP):
            found = []
            for number, ids in enumerate(many[at : at + GROUP], at):
                inner = self._inner(list(ids))
                if inner and max(inner) >= self._vocabulary:
                    raise InvalidRequest(
                        f"token {max(inner)} is not in the model's vocabulary of {self._vocabulary}",
                        param=name(number),
                    )
                if len(inner) > limit:
                    if keep is None:
                        raise beyond("", len(inner) + around, self.context, name(number))
                    inner = inner[: max(limit, 1)] if self._side == "right" else inner[-max(limit, 1) :]
                found.append([*self._before, *inner, *self._after])
            yield found

    def pairs(
        self, query: str, texts: Sequence[str], keep: int | None, chunks: int | None, name: Name, cut: set[int]
    ) -> Iterator[list[tuple[int, Any]]]:
        """Encodings of the query with each text, in groups, each with its text's number.

        A text is cut to ``keep`` tokens, or made ``chunks`` pieces at most; with neither, one too long is refused. The
        numbers of texts of which something is left out are added to ``cut``. Raises ContextLengthExceeded.
        """
        special = self._fast.num_special_tokens_to_add(True)
        [asked] = self._plain([query], self.context - special, "right")
        room = self.context - special - len(asked)
        if room < 1:
            raise beyond(query, self.context - room, self.context - 1, "query")
        refuse = keep is None and chunks is None
        limit = room if keep is None else min(keep, room)
        side = "right" if chunks else self._side
        for at, group in groups(texts):
            found = []
            for number, one in enumerate(self._plain(list(group), limit * (chunks or 1), side), at):
                if len(one) > limit and refuse:
                    raise beyond(texts[number], len(one) + self.context - room, self.context, name(number))
                pieces = [one]
                if len(one) > limit:
                    one.truncate(limit, direction=side)
                    pieces += one.overflowing[: (chunks or 1) - 1]
                    if len(one.overflowing) >= len(pieces):
                        cut.add(number)
                found += [(number, self._fast.post_process(asked, piece)) for piece in pieces]
            yield found

    def length(self, prompt: str) -> int:
        """Tokens before a text that are the prompt's, with the model's own in front of it."""
        return len(self._before) + len(self._fast.encode(prompt, add_special_tokens=False))

    def _plain(self, texts: list[str], enough: int, side: str) -> list[Any]:
        """Encodings without special tokens. Of a long text one of a part may do, that has more than ``enough``."""
        if all(len(text) <= LONG for text in texts):
            return self._encode(texts)
        return [self._part(text, enough, side) for text in texts]

    def _part(self, text: str, enough: int, side: str) -> Any:
        """What is left of a text when its ``side`` is cut off, doubled until there is more than enough of it."""
        size = LONG
        while size < len(text):
            [found] = self._encode([text[:size] if side == "right" else text[-size:]])
            if len(found) > enough + MARGIN:
                return found
            size *= 2
        return self._encode([text])[0]

    def _encode(self, texts: list[str]) -> list[Any]:
        """In a batch, also if it is of one: for others the library keeps all of Python waiting."""
        found: list[Any] = self._fast.encode_batch(texts, add_special_tokens=False)
        return found

    def _around(self) -> tuple[list[int], list[int]]:
        """The special tokens that the model wants before and after a text."""
        inner = self._fast.encode("a", add_special_tokens=False).ids
        whole = self._fast.encode("a").ids
        for at in range(len(whole) - len(inner) + 1):
            if whole[at : at + len(inner)] == inner:
                return whole[:at], whole[at + len(inner) :]
        raise EngineFailure("the tokenizer's special tokens cannot be told from a text's")

    def _inner(self, ids: list[int]) -> list[int]:
        before, after = len(self._before), len(self._after)
        if before and ids[:before] == self._before:
            ids = ids[before:]
        if after and ids[-after:] == self._after:
            ids = ids[:-after]
        return ids


def groups(texts: Sequence[str]) -> Iterator[tuple[int, Sequence[str]]]:
    """The texts a few at a time, and the number of each group's first."""
    at = 0
    while at < len(texts):
        end, characters = at + 1, len(texts[at])
        while end < len(texts) and end - at < GROUP and characters + len(texts[end]) <= GROUP_CHARACTERS:
            characters += len(texts[end])
            end += 1
        yield at, texts[at:end]
        at = end


def beyond(text: str, tokens: int, context: int, param: str) -> ContextLengthExceeded:
    """``tokens`` are those of the text, or, where it is long, of a part of it."""
    about = f"at least {tokens}" if len(text) > LONG else tokens
    return too_long(about, context, param, what=f"'{param}'", hint=ADDED)
