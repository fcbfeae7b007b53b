"""Token ids to text, one at a time: never half a character, and nothing lost at the end."""

from collections.abc import Callable, Sequence

_WINDOW = 16  # tokens decoded again at each step, before the window moves on
_CHARACTER = 4  # tokens of one character, at most
_HOPELESS = 8  # tokens that have made no character, and never will
_BROKEN = "\ufffd"


class Detokenizer:
    """Feed it ids as they come. ``decode`` makes text of several ids at once.

    An id's text depends on its neighbours (a leading space, a character made of several ids), so it is the difference
    between the text of a short window with it and without; the window begins in the prompt. It begins with a whole
    character: some tokenizers make nothing of any byte in a row of bytes whose first are no character.
    """

    def __init__(self, decode: Callable[[list[int]], str], prompt: Sequence[int]) -> None:
        self._decode = decode
        self._held = 0  # tokens of a character that has more to come
        self._ids, self._shown = self._window(list(prompt[-_WINDOW:]))

    def feed(self, token: int) -> str:
        """The text that this token completes; often a word, sometimes nothing."""
        self._ids.append(token)
        text = self._decode(self._ids)
        whole = text.rstrip(_BROKEN)
        waits = whole != text and self._held < _HOPELESS  # for the rest of a character
        self._held = self._held + 1 if waits and len(whole) <= self._shown else 0
        fresh = (whole if waits else text)[self._shown :]
        self._shown += len(fresh)
        if len(self._ids) > (4 if waits else 1) * _WINDOW:
            self._ids, self._shown = self._window(self._ids)
        return fresh

    def flush(self) -> str:
        """What is left once no more tokens come; a character cut in half cannot be shown."""
        return self._decode(self._ids)[self._shown :].rstrip(_BROKEN)

    def _window(self, shown: list[int]) -> tuple[list[int], int]:
        """The last of these ids, whose text was shown, to go on from; and how many characters their text has."""
        ids, text = shown, ""
        for length in range(_CHARACTER + 1, 2 * _CHARACTER + 1):
            ids = shown[-length:]
            text = self._decode(ids)
            if not text.startswith(_BROKEN):
                break
        return ids, len(text)
