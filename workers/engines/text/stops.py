"""Stop strings over a stream of text: hold back what may become one, cut before the first that is complete."""


class StopScanner:
    """Feed it text as it comes; it gives back what can be shown. ``met`` is the stop string that was, if one was."""

    def __init__(self, stops: list[str]) -> None:
        self.met = ""
        self._stops = stops
        self._held = ""

    def feed(self, text: str) -> tuple[str, bool]:
        """What may be shown now, and whether a stop string was met (it is not shown; feed nothing more)."""
        if not self._stops:
            return text, False
        self._held += text
        found = [(at, stop) for stop in self._stops if (at := self._held.find(stop)) >= 0]
        if found:
            at, self.met = min(found, key=lambda one: one[0])
            return self._held[:at], True
        keep = max(map(self._overlap, self._stops))
        shown = self._held[: len(self._held) - keep]
        self._held = self._held[len(self._held) - keep :]
        return shown, False

    def flush(self) -> str:
        """What was held back, once no more text will come."""
        held, self._held = self._held, ""
        return held

    def _overlap(self, stop: str) -> int:
        """Length of the longest end of the held text that begins ``stop``."""
        return next((n for n in range(min(len(stop) - 1, len(self._held)), 0, -1) if self._held.endswith(stop[:n])), 0)
