"""Encodes sound into the formats that clients ask for, piece by piece as it is made, with FFmpeg through PyAV."""

import io
import struct
from dataclasses import dataclass, field
from typing import Protocol

import av
import numpy as np
import numpy.typing as npt
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream

Samples = npt.NDArray[np.float32]
"""Mono, -1 to 1."""

FORMATS = ("mp3", "opus", "aac", "flac", "wav", "pcm")

_UNKNOWN = 0xFFFFFFFF


class Encoder(Protocol):
    """Encodes one sound. The bytes that ``feed`` and ``close`` return make a stream that can be played."""

    def feed(self, samples: Samples) -> bytes:
        """Add sound. Returns the bytes that are ready, maybe none."""

    def close(self) -> bytes:
        """The last bytes."""

    def whole(self) -> bytes:
        """The whole file, after ``close``. Unlike the stream's, its header states its length."""


def encoder(audio_format: str, rate: int) -> Encoder:
    """An encoder for one of FORMATS. ``rate`` in Hz is kept; the format must support it (all support 24000)."""
    if audio_format in ("wav", "pcm"):
        return _Plain(rate, header=audio_format == "wav")
    return _Compressed(_CODINGS[audio_format], rate)


class _Plain:
    """16-bit little-endian samples, with a header or without."""

    def __init__(self, rate: int, *, header: bool) -> None:
        self._rate = rate
        self._header = header
        self._begun = False
        self._made = io.BytesIO()

    def feed(self, samples: Samples) -> bytes:
        body = np.round(np.clip(samples, -1.0, 1.0) * 32767).astype("<i2").tobytes()
        first, self._begun = self._header and not self._begun, True
        self._made.write(body)
        return self._head(_UNKNOWN) + body if first else body

    def close(self) -> bytes:
        return b"" if self._begun else self.feed(np.zeros(0, np.float32))

    def whole(self) -> bytes:
        return (self._head(self._made.tell()) if self._header else b"") + self._made.getvalue()

    def _head(self, size: int) -> bytes:
        """The header of a WAV file, see http://soundfile.sapp.org/doc/WaveFormat/. A stream's length is all ones."""
        riff = struct.pack("<4sI4s", b"RIFF", min(size + 36, _UNKNOWN), b"WAVE")
        chunk = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, self._rate, 2 * self._rate, 2, 16)
        return riff + chunk + struct.pack("<4sI", b"data", size)


@dataclass(frozen=True, slots=True)
class _Coding:
    """How FFmpeg makes a format. ``bit_rate`` is in bit/s, for mono speech."""

    container: str
    codec: str
    bit_rate: int | None = None
    options: dict[str, str] = field(default_factory=dict)


_CODINGS = {
    # without the Xing header, which would state a length of zero in a stream
    "mp3": _Coding("mp3", "libmp3lame", 64_000, {"write_xing": "0", "id3v2_version": "0"}),
    "opus": _Coding("ogg", "libopus", 48_000, {"page_duration": "200000"}),
    "aac": _Coding("adts", "aac", 64_000),
    "flac": _Coding("flac", "flac"),
}


class _Compressed:
    """Encodes with an encoder and a muxer of FFmpeg. The muxer may go back and correct its header: see ``whole``."""

    def __init__(self, coding: _Coding, rate: int) -> None:
        self._rate = rate
        self._made = io.BytesIO()
        self._given = self._samples = 0
        options = coding.options | {"flush_packets": "1"}
        self._container = av.open(self._made, "w", format=coding.container, container_options=options)
        stream = self._container.add_stream(coding.codec, rate=rate, layout="mono")
        assert isinstance(stream, AudioStream)
        self._stream = stream
        if coding.bit_rate:
            self._stream.bit_rate = coding.bit_rate

    def feed(self, samples: Samples) -> bytes:
        if len(samples):
            frame = AudioFrame.from_ndarray(np.clip(samples, -1.0, 1.0)[None, :], format="fltp", layout="mono")
            frame.sample_rate, frame.pts = self._rate, self._samples
            self._samples += len(samples)
            self._container.mux(self._stream.encode(frame))
        return self._fresh()

    def close(self) -> bytes:
        self._container.mux(self._stream.encode(None))
        end = self._made.seek(0, io.SEEK_END)
        self._container.close()
        self._made.seek(max(end, self._made.seek(0, io.SEEK_END)))
        return self._fresh()

    def whole(self) -> bytes:
        return self._made.getvalue()

    def _fresh(self) -> bytes:
        end = self._made.tell()
        with self._made.getbuffer() as made:
            fresh = bytes(made[self._given : end])
        self._given = max(self._given, end)
        return fresh
