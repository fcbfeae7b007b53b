"""The pictures and recordings of a request's messages, before the engine is asked: fetched, and seen to be such.

All of them are strangers' files at strangers' addresses. A URL is https at a public address
(``models.storage.outbound``), or data; what it or a header says of the type counts for nothing. A picture's pixels
are bounded before any is decoded, then all are; a recording is decoded to its end, part by part. This happens in
threads, and leaves nothing on disk.
"""

import asyncio
import base64
import binascii
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import unquote_to_bytes

from models.errors import InvalidRequest, UnsupportedParameter
from models.modalities.chat.messages import AudioPart, ImagePart, Media, MediaPart

if TYPE_CHECKING:
    from models.storage.outbound import Outbound

MOST = 64
"""Pictures and recordings of one request."""
MOST_BYTES = 20 << 20
"""Of one of them."""
MOST_BYTES_IN_ALL = 64 << 20
MOST_PIXELS_IN_ALL = 1 << 27
MOST_SECONDS_IN_ALL = 1800.0
LONGEST_SHAPE = 200
"""How many times as long as wide a picture may be: engines scale the shorter side up to what they look at."""
FETCH_S = 10.0
"""For one URL, redirects included."""
IN_ALL_S = 60.0

_FETCHES = 64
"""URLs that are fetched at once, of all requests; of one request, a sixteenth of them."""
_THREADS = 2
_TYPES = {"image": ("image/*", "application/octet-stream"), "audio": ("audio/*", "video/*", "application/octet-stream")}
_FORMS = {
    "wav": "audio/wav",
    "mp3": "audio/mpeg",
    "flac": "audio/flac",
    "ogg": "audio/ogg",
    "mov,mp4,m4a,3gp,3g2,mj2": "audio/mp4",
    "matroska,webm": "audio/webm",
}

T = TypeVar("T")


@dataclass(slots=True)
class _Held:
    """What the media of one request come to."""

    bytes: int = 0
    pixels: int = 0
    seconds: float = 0.0
    fetching: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_FETCHES // 16))

    def add(self, param: str, size: int, pixels: int, seconds: float) -> None:
        """Count one more. Raises InvalidRequest where that is too much."""
        self.bytes += size
        self.pixels += pixels
        self.seconds += seconds
        for held, most, unit in (
            (self.bytes, MOST_BYTES_IN_ALL, "bytes"),
            (self.pixels, MOST_PIXELS_IN_ALL, "pixels"),
            (self.seconds, MOST_SECONDS_IN_ALL, "seconds of sound"),
        ):
            if held > most:
                raise InvalidRequest(f"the request's media have more than {most:g} {unit} in all", param=param)


class MediaIntake:
    """Takes in the media of one runner's requests. ``allow``: private networks that URLs may reach, CIDRs."""

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
        """These parts, each with its place, as ``BaseRequest.media`` has them; what they hold, in their order.

        Raises InvalidRequest, with the place as its parameter, for whatever is wrong with one of them.
        """
        if len(parts) > MOST:
            raise InvalidRequest(f"{len(parts)} pictures and recordings are more than {MOST}", param=parts[MOST][0])
        held = _Held()
        tasks = [asyncio.create_task(self._one(place, part, held)) for place, part in parts]
        try:
            async with asyncio.timeout(IN_ALL_S):
                return tuple(await asyncio.gather(*tasks))
        except TimeoutError:
            raise InvalidRequest(f"the media were not fetched within {IN_ALL_S:g} s", param=parts[0][0]) from None
        finally:
            for task in tasks:
                task.cancel()

    async def _one(self, place: str, part: MediaPart, held: _Held) -> Media:
        if isinstance(part, AudioPart):
            data = await self._thread(lambda: _from_base64(part.input_audio.data.encode(), place))
            return await self._checked("audio", data, place, held)
        kind, url = ("image", part.image_url.url) if isinstance(part, ImagePart) else ("audio", part.audio_url.url)
        if url[:5].lower() == "data:":
            data = await self._thread(lambda: _from_data_url(url, place))
        else:
            async with held.fetching, self._fetching:
                found = await self._reach().fetch(
                    url, param=place, max_bytes=MOST_BYTES, types=_TYPES[kind], timeout_s=FETCH_S
                )
            data = found.body
        return await self._checked(kind, data, place, held)

    async def _checked(self, kind: str, data: bytes, place: str, held: _Held) -> Media:
        if len(data) > MOST_BYTES:
            raise InvalidRequest(f"'{place}' has more than {MOST_BYTES} bytes", param=place)
        held.add(place, len(data), 0, 0)
        if kind == "image":
            media, pixels, seconds = await self._thread(lambda: (*_picture(data, place), 0.0))
        else:
            media, pixels, seconds = await self._thread(lambda: _recording(data, place))
        held.add(place, 0, pixels, seconds)
        return media

    async def _thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    def _reach(self) -> "Outbound":
        if self._outbound is None:
            from models.storage.outbound import (
                Outbound,  # with what it needs, a quarter of a second: most runners never pay it
            )

            self._outbound = Outbound(self._allow)
        return self._outbound


def _from_data_url(url: str, place: str) -> bytes:
    """RFC 2397, in base64."""
    head, comma, body = url.partition(",")
    if not comma or not head.lower().endswith(";base64"):
        raise InvalidRequest(f"'{place}' is a data URL without ';base64,'", param=place)
    return _from_base64(unquote_to_bytes(body) if "%" in body else body.encode(), place)


def _from_base64(text: bytes, place: str) -> bytes:
    if len(text) // 4 * 3 > MOST_BYTES + 3:
        raise InvalidRequest(f"'{place}' has more than {MOST_BYTES} bytes", param=place)
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise InvalidRequest(f"'{place}' is not valid base64", param=place) from None


def _picture(data: bytes, place: str) -> tuple[Media, int]:
    from workers.engines.media import pictures

    media_type, (width, height) = pictures.looked_at(data, place)
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
        return Media("audio", _FORMS.get(recording.form, "audio/x-unknown"), data), 0, recording.decoded_s
