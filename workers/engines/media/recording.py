"""Decodes recordings of any format that FFmpeg reads (through PyAV), part by part, as mono sound at 16 kHz.

A recording is a stranger's file. Only formats that hold their own data are opened: a playlist (HLS, concat, SDP) would
make FFmpeg open other files of this machine, or the network. Its length is checked before and while it is decoded, so
that a small file which unpacks to days of sound is given up early. Only the current part is in memory.
"""

import io
import logging
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import av
import numpy as np
import numpy.typing as npt
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler

from models.errors import InvalidRequest

log = logging.getLogger(__name__)

RATE = 16_000
Sound = npt.NDArray[np.float32]
"""Mono samples at RATE, -1 to 1."""

_FORMATS = (
    "aac,ac3,aiff,amr,ape,asf,au,avi,caf,dsf,dts,eac3,flac,flv,gsm,ircam,latm,loas,matroska,mov,mp3,mpc,mpc8,mpeg,"
    "mpegts,mxf,nut,ogg,rm,sox,tak,truehd,tta,voc,w64,wav,wv"
)
_NOT_MEASURED = frozenset(["aac", "ac3", "amr", "eac3", "latm", "loas", "mp3", "mpeg", "mpegts"])
"""Formats without an index, whose length FFmpeg guesses from the first bit rate that it sees."""
_PART = RATE // 2
_QUIET = RATE // 20
_MOST_ERRORS = 1000
_SHORTEST = RATE // 10
_CANCELLED = 0.05
"""The channels cancel each other where less than this part of the louder one's energy is left of them together."""
_MEMORY = 0.1
"""How much of the energies counts after a second."""


def quietest(sound: Sound, earliest: int, *, last: bool = False) -> int:
    """The sample after ``earliest`` around which 50 ms of sound have the least energy; of several the first or last."""
    tail = sound[earliest:]
    frames = tail[: len(tail) // _QUIET * _QUIET].reshape(-1, _QUIET)
    energies = np.square(frames).sum(axis=1)
    at = len(energies) - 1 - int(energies[::-1].argmin()) if last else int(energies.argmin())
    return earliest + at * _QUIET + _QUIET // 2


class Recording:
    """An open recording. ``decoded_s`` counts what ``parts`` has given out."""

    def __init__(self, source: Path | bytes, max_s: float, name: str = "file") -> None:
        """Open it. ``max_s``: most seconds of sound.

        Raises InvalidRequest, with ``name`` as the parameter, where there is no sound, or more than that.
        """
        self._max_s = max_s
        self._name = name
        self.decoded_s = 0.0
        if not (len(source) if isinstance(source, bytes) else source.stat().st_size):
            raise self._bad("it is empty")
        self._file = io.BytesIO(source) if isinstance(source, bytes) else source.open("rb")
        try:
            self._container: Any = av.open(
                self._file,
                metadata_errors="ignore",
                options={"format_whitelist": _FORMATS, "protocol_whitelist": "none"},
            )
        except av.FFmpegError as error:
            self._file.close()
            log.info("the recording cannot be opened: %r", error)  # for us alone: the text may hold a path
            raise self._bad("its format is not known, or it is broken or breaks off") from error
        try:
            self._stream = self._choose()
            self.length_s = self._length()
        except InvalidRequest:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Free the decoder and the file."""
        self._container.close()
        self._file.close()

    @property
    def container_name(self) -> str:
        """FFmpeg's name of the container's format: ``wav``, ``mp3``, ``mov,mp4,m4a,3gp,3g2,mj2``."""
        return str(self._container.format.name)

    def parts(self) -> Iterator[Sound]:
        """The sound, half a second or more at a time. What follows a damaged place is decoded as far as it can be.

        Raises InvalidRequest where nothing can be decoded, or where it lasts too long.
        """
        waiting: list[Sound] = []
        for sound in self._resampled():
            self.decoded_s += len(sound) / RATE
            if self.decoded_s > self._max_s:
                raise self._too_long(f"more than {self._max_s:g} s")
            waiting.append(sound)
            if sum(map(len, waiting)) >= _PART:
                yield np.concatenate(waiting)
                waiting = []
        if not self.decoded_s:
            raise self._bad("no sound in it can be decoded")
        if self.decoded_s * RATE < _SHORTEST:
            waiting.append(np.zeros(_SHORTEST, np.float32))
        if waiting:
            yield np.concatenate(waiting)

    def _resampled(self) -> Iterator[Sound]:
        resampler, layout, mixed = None, None, Mixdown()
        for frame in self._frames():
            now = (frame.format.name, frame.layout.name, frame.sample_rate)
            frame.pts = None  # recordings are cut and joined, so their timestamps are of no use
            try:
                if resampler is None or now != layout:
                    if resampler is not None:
                        yield from map(mixed.samples, resampler.resample(None))
                    channels = "stereo" if frame.layout.nb_channels > 1 else "mono"
                    resampler, layout = AudioResampler("fltp", channels, RATE), now
                yield from map(mixed.samples, resampler.resample(frame))
            except (av.FFmpegError, ValueError) as error:
                raise self._bad(f"its sound is of a format that cannot be resampled: {now}") from error
        if resampler is not None:
            yield from map(mixed.samples, resampler.resample(None))

    def _frames(self) -> Iterator[AudioFrame]:
        errors = 0
        packets = self._container.demux(self._stream)
        while errors < _MOST_ERRORS:
            try:
                packet = next(packets, None)
            except av.FFmpegError:  # damaged or cut off: what came before is kept
                return
            if packet is None:
                return
            try:
                yield from packet.decode()
            except av.FFmpegError:
                errors += 1
            else:
                errors = 0

    def _choose(self) -> Any:
        streams = self._container.streams.audio
        if not streams:
            raise self._bad(f"it has no sound in it ({self.container_name})")
        usable = [stream for stream in streams if stream.codec_context is not None]
        if not usable:
            raise self._bad("its sound is of a coding that cannot be decoded")
        return usable[0]

    def _length(self) -> float | None:
        """The length that the recording states, in seconds; None where it states none."""
        length: float | None = None
        if self._stream.duration is not None and self._stream.time_base is not None:
            length = float(self._stream.duration * self._stream.time_base)
        elif self._container.duration is not None:
            length = self._container.duration / 1_000_000
        measured = self.container_name not in _NOT_MEASURED
        if length is not None and measured and length > self._max_s:
            raise self._too_long(f"{length:.0f} s")
        return length if length is not None and length > 0 else None

    def _too_long(self, length: str) -> InvalidRequest:
        return InvalidRequest(f"the recording lasts {length}; the most is {self._max_s:g} s", param=self._name)

    def _bad(self, why: str) -> InvalidRequest:
        return InvalidRequest(f"the file cannot be read as sound: {why}", param=self._name)


class Mixdown:
    """Makes mono of stereo, as it comes. Where the channels cancel each other, the louder of them is taken alone."""

    def __init__(self) -> None:
        self._energies = np.zeros(3)  # of both together, left, right: of late

    def samples(self, frame: AudioFrame) -> Sound:
        """The sound of a frame with one channel or two, -1 to 1."""
        channels = np.clip(np.nan_to_num(frame.to_ndarray(), copy=False), -1.0, 1.0)
        mono: Sound = channels[0] if len(channels) == 1 else self._mixed(channels)
        return mono

    def _mixed(self, channels: Sound) -> Sound:
        both = channels.mean(axis=0)
        fresh = [float(np.dot(one, one)) for one in (both, *channels)]
        self._energies = self._energies * _MEMORY ** (len(both) / RATE) + fresh
        together, *apart = self._energies
        cancels = together < _CANCELLED * max(apart)
        mono: Sound = channels[int(np.argmax(apart))] if cancels else both
        return mono
