"""Fetches the pictures and recordings of a request's messages, and checks them, before the engine is asked.

All of them are strangers' files at strangers' addresses. A URL must be https at a public address
(``models.storage.outbound``), or a data URL; the type that the URL or a header states is not trusted. A picture's
number of pixels is bounded before any is decoded, then all are decoded; a recording is decoded to its end, part by
part. This happens in threads, and leaves nothing on disk.
"""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from models import inline_data
from models.errors import InvalidRequest, UnsupportedParameter
from models.modalities.chat.messages import AudioPart, ImagePart, Media, MediaPart

if TYPE_CHECKING:
    from models.storage.outbound import Outbound

MOST = 64
"""Pictures and recordings of one request."""
MOST_BYTES = 20 << 20
"""Bytes of one picture or recording."""
MOST_BYTES_IN_ALL = 64 << 20
MOST_PIXELS_IN_ALL = 1 << 27
MOST_SECONDS_IN_ALL = 1800.0
LONGEST_SHAPE = 200
"""How many times as long as wide a picture may be: engines scale its shorter side up to a size of their own."""
FETCH_S = 10.0
"""Longest time for one URL, redirects included."""
IN_ALL_S = 60.0
"""Longest time for all of one request."""

_FETCHES = 64
"""URLs that are fetched at once for all requests together; for one request, a sixteenth of them."""
_THREADS = 2
_TYPES = {"image": ("image/*", "application/octet-stream"), "audio": ("audio/*", "video/*", "application/octet-stream")}
_MEDIA_TYPES = {
    "wav": "audio/wav",
    "mp3": "audio/mpeg",
    "flac": "audio/flac",
    "ogg": "audio/ogg",
    "mov,mp4,m4a,3gp,3g2,mj2": "audio/mp4",
    "matroska,webm": "audio/webm",
}
"""Media types of recordings, by FFmpeg's name of their container."""

T = TypeVar("T")


@dataclass(slots=True)
class _Totals:
    """How much the media of one request are in all, as far as they are fetched."""

    bytes: int = 0
    pixels: int = 0
    seconds: float = 0.0
    fetching: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_FETCHES // 16))

    def add(self, param: str, size: int, pixels: int, seconds: float) -> None:
        """Add to the totals. Raises InvalidRequest where that is too much."""
        self.bytes += size
        self.pixels += pixels
        self.seconds += seconds
        for total, most, unit in (
            (self.bytes, MOST_BYTES_IN_ALL, "bytes"),
            (self.pixels, MOST_PIXELS_IN_ALL, "pixels"),
            (self.seconds, MOST_SECONDS_IN_ALL, "seconds of sound"),
        ):
            if total > most:
                raise InvalidRequest(f"the request's media have more than {most:g} {unit} in all", param=param)


class MediaIntake:
    """Fetches and checks the media of one runner's requests. ``allow``: private networks that URLs may reach, CIDRs."""

    def __init__(self, allow: str = "") -> None:
        self._allow = allow
        self._fetching = asyncio.Semaphore(_FETCHES)
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="media")
        self._outbound: Outbound | None = None  # made for the first URL

    def close(self) -> None:
        """Take nothing more."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        if self._outbound is not None:
            self._outbound.close()

    async def take(self, parts: Sequence[tuple[str, MediaPart]]) -> tuple[Media, ...]:
        """The contents of these parts, in their order. Each part comes with its place, as in ``BaseRequest.media``.

        Raises InvalidRequest, with the place as its parameter, for anything that is wrong with one of them.
        """
        if len(parts) > MOST:
            raise InvalidRequest(f"{len(parts)} pictures and recordings are more than {MOST}", param=parts[MOST][0])
        totals = _Totals()
        tasks = [asyncio.create_task(self._take_part(place, part, totals)) for place, part in parts]
        try:
            async with asyncio.timeout(IN_ALL_S):
                return tuple(await asyncio.gather(*tasks))
        except TimeoutError:
            raise InvalidRequest(f"the media were not fetched within {IN_ALL_S:g} s", param=parts[0][0]) from None
        finally:
            for task in tasks:
                task.cancel()

    async def _take_part(self, place: str, part: MediaPart, totals: _Totals) -> Media:
        if isinstance(part, AudioPart):
            data = await self._thread(lambda: _inline(part.input_audio.data, place))
            return await self._checked("audio", data, place, totals)
        kind, url = ("image", part.image_url.url) if isinstance(part, ImagePart) else ("audio", part.audio_url.url)
        if inline_data.is_data_url(url) or inline_data.may_be_base64(url):
            data = await self._thread(lambda: _inline(url, place))
        else:
            async with totals.fetching, self._fetching:
                response = await self._client().fetch(
                    url, param=place, max_bytes=MOST_BYTES, types=_TYPES[kind], timeout_s=FETCH_S
                )
            data = response.body
        return await self._checked(kind, data, place, totals)

    async def _checked(self, kind: str, data: bytes, place: str, totals: _Totals) -> Media:
        if len(data) > MOST_BYTES:
            raise InvalidRequest(f"'{place}' has more than {MOST_BYTES} bytes", param=place)
        totals.add(place, len(data), 0, 0)
        if kind == "image":
            media, pixels, seconds = await self._thread(lambda: (*_picture(data, place), 0.0))
        else:
            media, pixels, seconds = await self._thread(lambda: _recording(data, place))
        totals.add(place, 0, pixels, seconds)
        return media

    async def _thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    def _client(self) -> "Outbound":
        if self._outbound is None:
            # This import takes a quarter of a second, and most runners never need it.
            from models.storage.outbound import Outbound

            self._outbound = Outbound(self._allow)
        return self._outbound


def _inline(text: str, place: str) -> bytes:
    """The data of a data URL, or of base64."""
    try:
        if inline_data.is_data_url(text):
            return inline_data.from_data_url(text)[1]
        return inline_data.from_base64(text)
    except ValueError as error:
        raise InvalidRequest(f"'{place}' {error}", param=place) from None


def _picture(data: bytes, place: str) -> tuple[Media, int]:
    from workers.engines.media import pictures

    media_type, data, (width, height) = pictures.checked(data, place)
    if max(width, height) > LONGEST_SHAPE * min(width, height):
        raise InvalidRequest(
            f"'{place}' is {width}x{height}: more than {LONGEST_SHAPE} times as long as wide", param=place
        )
    return Media("image", media_type, data), width * height


def _recording(data: bytes, place: str) -> tuple[Media, int, float]:
    try:
        from workers.engines.media.recording import Recording
    except ImportError:
        raise UnsupportedParameter("recordings need the package 'av' beside this engine", param=place) from None
    with Recording(data, MOST_SECONDS_IN_ALL, place) as recording:
        for _ in recording.parts():
            pass
        media_type = _MEDIA_TYPES.get(recording.container_name, "audio/x-unknown")
        return Media("audio", media_type, data), 0, recording.decoded_s
