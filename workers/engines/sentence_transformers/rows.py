"""From texts to token ids inside a frame: what is around a text stays, whatever must be cut of it."""

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, NamedTuple

from workers.engines.sentence_transformers.frames import DOCUMENT, QUERY, Frame
from workers.engines.sentence_transformers.text import LONG, MARGIN, Name, SequenceReader, beyond, groups


class FramedRow(NamedTuple):
    """One sequence. ``type_ids`` is empty: models with frames have none."""

    ids: list[int]
    type_ids: list[int]


class _Around(NamedTuple):
    """What is around a text: ids of the parts before, words before and after it in its own part, ids of those after."""

    left: list[int]
    head: str
    tail: str
    right: list[int]


class _Read(NamedTuple):
    """All ids of a sequence, in three: only those of the text itself may be cut."""

    before: list[int]
    text: list[int]
    after: list[int]


class FramedReader(SequenceReader):
    """Reads texts, or pairs of a query and a document, inside a frame. Token ids are read without one."""

    def __init__(self, tokenizer: Any, context: int, vocabulary: int, frames: Mapping[str, Frame]) -> None:
        """``frames`` by prompt."""
        super().__init__(tokenizer, context, vocabulary)
        self._frames = frames

    def text(self, prompt: str, texts: Sequence[str], keep: int | None, name: Name) -> Iterator[list[Any]]:
        """See ``SequenceReader``."""
        frame = self._frames[prompt]
        around = self._around_text(frame, "")
        most = self.context if keep is None else min(keep, self.context)
        for at, group in groups(texts):
            rows = []
            for number, one in enumerate(self._read(frame, around, group, most), at):
                words = len(one.before) + len(one.after)
                if keep is None and len(one.text) + words > most:
                    raise beyond(texts[number], len(one.text) + words, self.context, name(number))
                rows.append(FramedRow([*one.before, *self._short(one.text, max(most - words, 1)), *one.after], []))
            yield rows

    def pairs(
        self, query: str, texts: Sequence[str], keep: int | None, chunks: int | None, name: Name, cut: set[int]
    ) -> Iterator[list[tuple[int, Any]]]:
        """See ``SequenceReader``."""
        frame = self._frames[""]
        around = self._around_text(frame, query)
        for at, group in groups(texts):
            found: list[tuple[int, Any]] = []
            for number, one in enumerate(self._read(frame, around, group, self.context * (chunks or 1)), at):
                room = self.context - len(one.before) - len(one.after)
                if room < 1:
                    raise beyond(query, self.context - room, self.context - 1, "query")
                if len(one.text) > room and keep is None and chunks is None:
                    raise beyond(texts[number], len(one.text) + self.context - room, self.context, name(number))
                limit = room if keep is None else min(keep, room)
                if len(one.text) > limit * (chunks or 1):
                    cut.add(number)
                pieces = [self._short(one.text, limit)]
                if chunks is not None:
                    starts = range(0, max(len(one.text), 1), limit)[:chunks]
                    pieces = [one.text[start : start + limit] for start in starts]
                found += [(number, FramedRow([*one.before, *piece, *one.after], [])) for piece in pieces]
            yield found

    def _around_text(self, frame: Frame, query: str) -> _Around:
        asked = query.strip() if frame.stripped else query
        where = next(number for number, part in enumerate(frame.parts) if DOCUMENT in part)
        ids = [
            [] if number == where else self._encode([part.replace(QUERY, asked)])[0].ids
            for number, part in enumerate(frame.parts)
        ]
        head, tail = (part.replace(QUERY, asked) for part in frame.parts[where].split(DOCUMENT))
        return _Around([*chain(*ids[:where])], head, tail, [*chain(*ids[where + 1 :])])

    def _read(self, frame: Frame, around: _Around, texts: Sequence[str], enough: int) -> Iterator[_Read]:
        """Each text with what is around it. Of a long one, a part that has more than ``enough`` tokens may do."""
        inner = [text.strip() for text in texts] if frame.stripped else list(texts)
        if all(len(text) <= LONG for text in inner):
            found = self._encode([around.head + text + around.tail for text in inner])
            yield from (_parted(around, text, one) for text, one in zip(inner, found, strict=True))
            return
        for text in inner:
            size = LONG
            while True:
                part = text[:size] if self._side == "right" else text[-size:]
                read = _parted(around, part, self._encode([around.head + part + around.tail])[0])
                if size >= len(text) or len(read.text) > enough + MARGIN:
                    break
                size *= 2
            yield read

    def _short(self, ids: list[int], limit: int) -> list[int]:
        return ids[:limit] if self._side == "right" else ids[-limit:]


def _parted(around: _Around, text: str, found: Any) -> _Read:
    """The ids of one text's part of the frame. A blank before the text is of the text: many tokens begin with one."""
    starts = [start for start, _ in found.offsets]
    first = bisect_left(starts, len(around.head.removesuffix(" ")))
    last = bisect_left(starts, len(around.head) + len(text), first)
    ids = found.ids
    return _Read([*around.left, *ids[:first]], ids[first:last], [*ids[last:], *around.right])
