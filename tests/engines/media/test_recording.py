"""Recordings as they are decoded: length, limits, and what a stranger's file may not do. No weights."""

import http.server
import io
import threading
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream

from models.errors import InvalidRequest
from tests.support.sounds import RATE, Samples, decoded, encoded, silence, spoken
from workers.engines.faster_whisper.clips import gather, merge, whole
from workers.engines.faster_whisper.clips import spoken as clips_of
from workers.engines.media.recording import Recording, quietest


def tone(seconds: float, rate: int = RATE) -> Samples:
    made: Samples = (0.3 * np.sin(np.arange(int(seconds * rate)) * 0.05)).astype(np.float32)
    return made


def stereo(left: Samples, right: Samples) -> bytes:
    made = io.BytesIO()
    with av.open(made, "w", format="wav") as out:
        stream = out.add_stream("pcm_s16le", rate=RATE, layout="stereo")
        assert isinstance(stream, AudioStream)
        frame = AudioFrame.from_ndarray(np.stack([left, right]), format="fltp", layout="stereo")
        frame.sample_rate = RATE
        out.mux([*stream.encode(frame), *stream.encode(None)])
    return made.getvalue()


@pytest.mark.parametrize(
    ("left", "right", "heard"),
    [(1, 1, 1), (1, -1, 1), (1, 0, 0.5), (0, 1, 0.5), (-0.8, 1, 1), (0.5, 1, 0.75)],
    ids=["the same", "in antiphase", "left alone", "right alone", "in antiphase, and weaker", "one weaker"],
)
def test_two_channels_never_cancel_each_other(left: float, right: float, heard: float) -> None:
    sound = tone(2)
    with Recording(stereo(left * sound, right * sound), 60) as recording:
        mono = np.concatenate(list(recording.parts()))

    assert mono == pytest.approx(heard * sound, abs=1e-3)


def length(path: Path, most: float = 3600) -> tuple[float | None, float]:
    with Recording(path, most) as recording:
        samples = sum(map(len, recording.parts()))
        assert samples / RATE == pytest.approx(recording.decoded_s)
        return recording.length_s, recording.decoded_s


@pytest.mark.parametrize(("container", "codec"), [("wav", "pcm_s16le"), ("flac", "flac"), ("ogg", "libopus")])
def test_a_long_recording_is_known_before_it_is_decoded(tmp_path: Path, container: str, codec: str) -> None:
    path = tmp_path / "file"
    path.write_bytes(encoded(silence(600), container, codec))

    assert list(length(path)) == pytest.approx([600, 600], abs=0.1)
    with pytest.raises(InvalidRequest, match="lasts 600 s"), Recording(path, 300):
        pass


def test_a_long_recording_that_does_not_say_so_is_given_up(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(encoded(silence(600), "adts", "aac"))
    with Recording(path, 60) as recording, pytest.raises(InvalidRequest, match="more than 60 s"):
        for _ in recording.parts():
            pass

    assert recording.decoded_s < 62


def test_recordings_in_a_row_are_one(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(encoded(tone(2), "mp3", "libmp3lame") + encoded(tone(3, 44_100), "mp3", "libmp3lame", 44_100))

    assert length(path)[1] == pytest.approx(5, abs=0.3)


def test_a_film_has_sound(tmp_path: Path) -> None:
    path = tmp_path / "file.mp4"
    with av.open(path, "w") as film:
        video = film.add_stream("mpeg4", rate=10, width=32, height=32, pix_fmt="yuv420p")
        sound = film.add_stream("aac", rate=48_000, layout="stereo")
        for _ in range(10):
            film.mux(video.encode(av.VideoFrame(32, 32, "yuv420p")))
        frame = av.AudioFrame.from_ndarray(np.tile(tone(1, 48_000), (2, 1)), format="fltp", layout="stereo")
        frame.sample_rate = 48_000
        film.mux(sound.encode(frame))
        film.mux(sound.encode(None))
        film.mux(video.encode(None))
    silent = tmp_path / "silent.mp4"
    with av.open(silent, "w") as film:
        video = film.add_stream("mpeg4", rate=10, width=32, height=32, pix_fmt="yuv420p")
        film.mux(video.encode(av.VideoFrame(32, 32, "yuv420p")))
        film.mux(video.encode(None))

    assert length(path)[1] == pytest.approx(1, abs=0.1)
    with pytest.raises(InvalidRequest, match="no sound in it"):
        Recording(silent, 60)


def test_the_shortest_recording(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(encoded(tone(0.001), "wav", "pcm_s16le"))
    with Recording(path, 60) as recording:
        sound = np.concatenate(list(recording.parts()))

    assert RATE / 10 <= len(sound) < RATE


def test_a_playlist_opens_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """FFmpeg would: files of this machine, and addresses within its network."""
    asked = []

    class Secret(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(404)

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Secret)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    (tmp_path / "secret.wav").write_bytes(spoken("en", "hello_world").path.read_bytes())
    monkeypatch.chdir(tmp_path)
    address = f"http://127.0.0.1:{server.server_port}/secret.wav"
    playlists = [
        *(
            f"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{one}\n"
            for one in (address, f"file://{tmp_path}/secret.wav")
        ),
        "ffconcat version 1.0\nfile 'secret.wav'\n",
        "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio 5004 RTP/AVP 0\n",
        f'<MPD type="static"><Period><AdaptationSet><BaseURL>{address}</BaseURL></AdaptationSet></Period></MPD>',
    ]
    for number, text in enumerate(playlists):
        path = tmp_path / f"list{number}.m3u8"
        path.write_text(text)
        with pytest.raises(InvalidRequest):
            length(path)
    server.shutdown()
    server.server_close()
    assert not asked


# ---- clips ----


def test_clips_hold_all_that_is_said_and_little_else() -> None:
    from faster_whisper.vad import VadOptions

    word = decoded(spoken("en", "counting").path)
    sound = np.concatenate([part for _ in range(30) for part in (word, silence(0.4))] + [silence(200), word])
    parts = iter(np.array_split(sound, 999))
    heard = list(clips_of(parts, VadOptions(max_speech_duration_s=30, min_silence_duration_ms=160)))
    clips = [clip for one in heard for clip in one.clips]

    ends = [(clip.start_s, clip.start_s + len(clip.sound) / RATE) for clip in clips]
    assert all(end - start <= 30 for start, end in ends)
    assert all(one[1] <= other[0] for one, other in pairwise(ends))
    assert all(np.array_equal(clip.sound, sound[round(clip.start_s * RATE) :][: len(clip.sound)]) for clip in clips)
    loud = np.abs(sound) > 0.05
    for start, end in ends:
        loud[round(start * RATE) : round(end * RATE)] = False
    assert loud.sum() < RATE / 10
    assert sum(end - start for start, end in ends) < 115
    assert len(clips) <= 7, "they are long"
    assert heard[-1].until_s == pytest.approx(len(sound) / RATE)
    assert [one.until_s for one in heard] == sorted(one.until_s for one in heard)


def test_blocks_are_cut_where_it_is_quiet() -> None:
    sound = tone(250)
    sound[110 * RATE : 110 * RATE + 1600] = 0
    blocks = [clip for heard in whole(iter(np.array_split(sound, 500))) for clip in heard.clips]

    assert np.array_equal(np.concatenate([one.sound for one in blocks]), sound)
    assert len(blocks[0].sound) / RATE == pytest.approx(110.05, abs=0.1)
    assert blocks[1].start_s == len(blocks[0].sound) / RATE
    assert len(blocks) == 3


def test_neighbours_are_joined_up_to_a_window() -> None:
    cases = [
        ([(0, 10), (11, 20), (21, 31), (32, 33), (40, 41)], [(0, 20), (21, 33), (40, 41)]),
        ([(0, 5), (6, 16), (18, 26), (27, 33), (34, 36)], [(0, 16), (18, 36)]),
        ([(0, 30), (30, 60)], [(0, 30), (30, 60)]),
        ([], []),
    ]
    for given, wanted in cases:
        merged = merge([(start * RATE, end * RATE) for start, end in given])
        assert [(start // RATE, end // RATE) for start, end in merged] == wanted


def test_gathering_ends_with_the_sound() -> None:
    parts = iter([tone(1), tone(1), tone(1)])

    assert [(len(sound) // RATE, more) for sound, more in (gather(parts, 2 * RATE), gather(parts, 2 * RATE))] == [
        *((2, True), (1, False)),
    ]
    assert quietest(np.concatenate([tone(1), silence(1), tone(1)]), 0) in range(RATE, 2 * RATE)
