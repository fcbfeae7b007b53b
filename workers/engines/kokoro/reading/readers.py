"""The readers, each made when a text first needs it: their dictionaries take a second and some memory."""

from workers.engines.kokoro.reading.base import Reader
from workers.engines.kokoro.reading.chinese import Chinese
from workers.engines.kokoro.reading.english import English
from workers.engines.kokoro.reading.japanese import Japanese


class Readers:
    """The readers by the codes of their languages. To be used by one thread at a time."""

    def __init__(self) -> None:
        self._made: dict[str, Reader] = {}

    def __getitem__(self, code: str) -> Reader:
        if code not in self._made:
            self._made[code] = self._make(code)
        return self._made[code]

    def _make(self, code: str) -> Reader:
        match code:
            case "ja":
                return Japanese(self["en-us"])
            case "zh":
                return Chinese(self["en-us"])
            case _:
                return English(british=code == "en-gb")
