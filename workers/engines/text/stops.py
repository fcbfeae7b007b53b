"""Stop strings over a stream of text: hold back what may become one, cut before the first that is complete."""


class StopScanner:
    """Feed it text as it comes; it returns what can be shown. ``met`` is the stop string that was found, or empty."""

    def __init__(self, stops: list[str]) -> None:
        self.met = ""
        self._stops = stops
        self._held = ""

    def feed(self, text: str) -> tuple[str, bool]:
        """Take more text. Returns what may be shown now, and whether a stop string was found.

        The stop string is not shown. After it, feed nothing more.
        """
        if not self._stops:
            return text, False
        self._held += text
        places = [(at, stop) for stop in self._stops if (at := self._held.find(stop)) >= 0]
        if places:
            at, self.met = min(places, key=lambda place: place[0])
            return self._held[:at], True
        keep = max(map(self._overlap, self._stops))
        shown = self._held[: len(self._held) - keep]
        self._held = self._held[len(self._held) - keep :]
        return shown, False

    def flush(self) -> str:
        """Returns what was held back, once no more text will come."""
        held, self._held = self._held, ""
        return held

    def _overlap(self, stop: str) -> int:
        """The length of the longest end of the held text with which ``stop`` begins."""
        return next((n for n in range(min(len(stop) - 1, len(self._held)), 0, -1) if self._held.endswith(stop[:n])), 0)
