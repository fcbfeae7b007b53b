"""Token ids to text, one at a time: never half a character, and nothing lost at the end."""

from collections.abc import Callable, Sequence

_WINDOW = 16  # tokens decoded again at each step, before the window moves on


class Detokenizer:
    """Feed it ids as they come. ``decode`` makes text of several ids at once.

    An id's text depends on its neighbours (a leading space, a character made of several ids), so it is the difference
    between the text of a short window with it and without; the window begins in the prompt.
    """

    def __init__(self, decode: Callable[[list[int]], str], prompt: Sequence[int]) -> None:
        self._decode = decode
        self._ids = list(prompt[-5:])
        self._shown = len(decode(self._ids))  # characters of the window's text that need not be given again

    def feed(self, token: int) -> str:
        """The text that this token completes; often a word, sometimes nothing."""
        self._ids.append(token)
        text = self._decode(self._ids)
        if text.endswith("\ufffd"):  # a character that has more tokens to come
            return ""
        fresh = text[self._shown :]
        self._shown = len(text)
        if len(self._ids) > _WINDOW:
            self._ids = self._ids[-5:]
            self._shown = len(self._decode(self._ids))
        return fresh

    def flush(self) -> str:
        """What is left once no more tokens come; a character cut in half cannot be shown."""
        return self._decode(self._ids)[self._shown :].rstrip("\ufffd")
