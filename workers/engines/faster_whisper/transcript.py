"""Makes the answer to a request from its segments: the text as it grows, and at the end what its format asks for."""

from typing import Any

from models.modalities.transcription import Request


class Transcript:
    """The transcript of one request, to which segments are added. The pieces that ``add`` returns make up its text."""

    def __init__(self, request: Request) -> None:
        self._request = request
        self._pieces: list[str] = []
        self._segments: list[dict[str, Any]] = []
        self._words: list[dict[str, Any]] = []

    def add(self, segment: dict[str, Any]) -> str:
        """Take the next segment. Returns the text that it adds."""
        piece: str = segment["text"] if self._pieces else segment["text"].lstrip()
        if piece:
            self._pieces.append(piece)
        words = segment.pop("words", None) or []
        for word in words if self._request.wants_words else []:
            word["word"] = word["word"].strip()
            before = self._words[-1]["end"] if self._words else 0.0
            word["start"] = max(word["start"], before)
            word["end"] = max(word["end"], word["start"])
            self._words.append(word)
        if self._request.wants_segments:
            self._segments.append({"id": len(self._segments)} | segment)
        return piece

    def body(self, language: str | None, duration: float) -> dict[str, Any]:
        """The outcome's body: see ``models.modalities.transcription``."""
        body: dict[str, Any] = {"text": "".join(self._pieces), "language": language, "duration": round(duration, 3)}
        if self._request.wants_segments:
            body["segments"] = self._segments
            if self._request.response_format != "verbose_json":
                names = ("start", "end", "text")
                body["segments"] = [{name: segment[name] for name in names} for segment in self._segments]
        if self._request.wants_words:
            body["words"] = self._words
        return body
