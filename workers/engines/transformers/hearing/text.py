"""From what a model writes about clips to the text of a recording, as it comes."""

from models.modalities.transcription.languages import code_of

_MARK = "<asr_text>"
_PREFIX = "language "
_LONGEST = 60
"""Characters of a language's name, at most."""


class ClipText:
    """The text of one clip. With ``language_first`` it begins as ``language English<asr_text>``, which is taken off.

    ``language``: the code of the language that was told there.
    """

    def __init__(self, *, language_first: bool) -> None:
        self.language: str | None = None
        self.text = ""
        self._head = "" if language_first else None
        self._blank = ""

    def feed(self, text: str) -> str:
        """Take what was written next. Returns what is now certain to be text, without blanks at either end."""
        if self._head is not None:
            self._head += text
            if _MARK in self._head:
                said, _, text = self._head.partition(_MARK)
                self.language = code_of(said.strip().lower().removeprefix(_PREFIX))
            elif _begins(self._head):
                return ""
            else:
                text = self._head
            self._head = None
        written = self._blank + text
        known = written.rstrip() if self.text else written.strip()
        self._blank = written[len(written.rstrip()) :] if self.text or known else ""
        self.text += known
        return known

    def end(self) -> str:
        """What is left once the clip is over."""
        text, self._head = self._head or "", None
        return self.feed(text)


def _begins(head: str) -> bool:
    """Whether this may be the beginning of a language and the mark behind it."""
    begun = head.lstrip().lower()
    if not begun.startswith(_PREFIX):
        return _PREFIX.startswith(begun)
    return len(begun) < len(_PREFIX) + _LONGEST and "\n" not in begun


def between(before: str, after: str) -> str:
    """What stands between the texts of two clips: a blank, but in scripts that have none."""
    return "" if not before or _joins(before[-1]) or _joins(after[0]) else " "


def _joins(character: str) -> bool:
    """Whether it belongs to a script that is written without blanks (Chinese, Japanese, Thai, Lao, Khmer, Burmese)."""
    code = ord(character)
    return any(
        first <= code <= last
        for first, last in ((0x0E00, 0x0EFF), (0x1000, 0x109F), (0x1780, 0x17FF), (0x2E80, 0x312F), (0x3190, 0xA4CF))
    ) or (0xF900 <= code <= 0xFAFF or 0xFF00 <= code <= 0xFF9F)
