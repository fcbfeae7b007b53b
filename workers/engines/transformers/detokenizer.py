"""Turns token ids into text, one at a time: it never gives half a character, and loses nothing at the end."""

from collections.abc import Callable, Sequence

_WINDOW = 16  # tokens decoded again at each step, before the window moves on
_CHARACTER = 4  # tokens of one character, at most
_HOPELESS = 8  # after so many tokens without a whole character, none will come
_BROKEN = "\ufffd"


class Detokenizer:
    """Feed it ids as they come. ``decode`` makes text of several ids at once.

    An id's text depends on its neighbours (a leading space, a character made of several ids). So it is taken as the
    difference between the text of a short window with the id and the text without it; the first window begins in the
    prompt. A window must begin with a whole character: some tokenizers decode no byte at all in a row of bytes that
    begins amid a character.
    """

    def __init__(self, decode: Callable[[list[int]], str], prompt: Sequence[int]) -> None:
        self._decode = decode
        self._partial = 0  # tokens of a character that is not complete yet
        self._ids, self._shown = self._window(list(prompt[-_WINDOW:]))

    def feed(self, token: int) -> str:
        """Take a token. Returns the text that it completes: often a word, sometimes nothing."""
        self._ids.append(token)
        text = self._decode(self._ids)
        whole = text.rstrip(_BROKEN)
        waits = whole != text and self._partial < _HOPELESS  # for the rest of a character
        self._partial = self._partial + 1 if waits and len(whole) <= self._shown else 0
        fresh = (whole if waits else text)[self._shown :]
        self._shown += len(fresh)
        if len(self._ids) > (4 if waits else 1) * _WINDOW:
            self._ids, self._shown = self._window(self._ids)
        return fresh

    def flush(self) -> str:
        """Returns what is left once no more tokens come, without a character that was cut in half."""
        return self._decode(self._ids)[self._shown :].rstrip(_BROKEN)

    def _window(self, shown: list[int]) -> tuple[list[int], int]:
        """The last of these ids, with which the window goes on, and how many characters their text has.

        The text of ``shown`` was returned before.
        """
        ids, text = shown, ""
        for length in range(_CHARACTER + 1, 2 * _CHARACTER + 1):
            ids = shown[-length:]
            text = self._decode(ids)
            if not text.startswith(_BROKEN):
                break
        return ids, len(text)
