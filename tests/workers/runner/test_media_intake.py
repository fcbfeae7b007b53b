"""What messages show, taken in: from data and from URLs, whatever they turn out to be. Real servers, real files."""

import asyncio
import base64
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from PIL import Image

from models.errors import InvalidRequest
from models.modalities import chat
from models.modalities.chat.messages import Media
from tests.models.test_inline_data import WRITTEN
from tests.support.pictures import BROKEN, bomb, data_url, saved
from tests.support.sounds import RATE, encoded, silence
from tests.support.web import Handler, Server, serving
from workers.runner import media_intake
from workers.runner.media_intake import MediaIntake

HERE = "127.0.0.0/8"
PLACE = "messages[0].content[1].image_url"
PNG = saved("png")


@pytest.fixture
def server() -> Iterator[Server]:
    with serving(Server()) as found:
        yield found


@pytest.fixture
def intake() -> Iterator[MediaIntake]:
    found = MediaIntake(HERE)
    yield found
    found.close()


def image(url: str) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": url, "detail": "high"}}


def sound(data: bytes) -> dict[str, Any]:
    return {"type": "input_audio", "input_audio": {"data": base64.b64encode(data).decode(), "format": "wav"}}


async def take(intake: MediaIntake, *parts: dict[str, Any]) -> list[Media]:
    text = {"type": "text", "text": "What is this?"}
    request = chat.Request.model_validate({"model": "m", "messages": [{"role": "user", "content": [text, *parts]}]})
    return list(await intake.take(list(request.media)))


async def refused(intake: MediaIntake, *parts: dict[str, Any], place: str = PLACE) -> str:
    with pytest.raises(InvalidRequest) as caught:
        await take(intake, *parts)
    assert (caught.value.code, caught.value.param) == ("invalid_value", place)
    return caught.value.message


# ---- from data ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["png", "jpeg", "webp", "gif", "avif", "bmp", "tiff"])
async def test_a_picture_is_what_its_bytes_are_whatever_its_url_says(intake: MediaIntake, form: str) -> None:
    data = saved(form)
    for said in (f"image/{form}", "image/png", "text/html", ""):
        assert await take(intake, image(data_url(data, said))) == [Media("image", f"image/{form}", data)]


async def test_all_are_taken_in_their_order(intake: MediaIntake, server: Server) -> None:
    datas = [saved("png", Image.new("RGB", (8 + n, 8))) for n in range(6)]

    def slow(handler: Handler) -> None:
        time.sleep(0.3)
        handler.answer(datas[1], content_type="image/png")

    server.routes["/slow"] = slow
    urls = [data_url(one) for one in datas]
    urls[1] = f"{server.url}/slow"
    assert [one.data for one in await take(intake, *map(image, urls))] == datas


@pytest.mark.parametrize("what", BROKEN)
async def test_what_is_no_picture_is_refused(intake: MediaIntake, what: str) -> None:
    assert len(await refused(intake, image(data_url(BROKEN[what])))) < 200


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("data:image/png,%89PNG", "not a PNG"),
        ("data:image/png,iVBORw0KGgo", "without ';base64,'"),
        ("data:image/png;base64", "without ';base64,'"),
        ("data:", "without ';base64,'"),
        ("data:image/png;base64,####", "not valid base64"),
        ("data:image/png;base64,iVBORw0KGgoAA", "not valid base64"),
        ("data:image/png;base64,é", "not valid base64"),
        ("file:///etc/passwd", "https://"),
        ("ftp://example.com/a.png", "https://"),
        ("http://93.184.216.34/a.png", "https://"),
        ("/etc/passwd", "https://"),
        ("https://10.0.0.1/a.png", "public addresses"),
        ("https://169.254.169.254/latest/meta-data", "public addresses"),
    ],
)
async def test_other_urls_are_refused(intake: MediaIntake, url: str, why: str) -> None:
    assert why in await refused(intake, image(url))


async def test_a_data_url_may_be_percent_encoded_and_in_capitals(intake: MediaIntake) -> None:
    url = data_url(PNG).replace("data:", "DATA:").replace(";base64", ";Base64").replace("+", "%2B").replace("/", "%2F")
    assert (await take(intake, image(url)))[0].data == PNG


@pytest.mark.parametrize("way", WRITTEN)
async def test_base64_is_read_however_it_is_written(intake: MediaIntake, way: str) -> None:
    bare = WRITTEN[way](PNG).strip()
    for url in [f"data:image/png;base64,{bare}", *([] if "%" in bare else [bare])]:
        assert [one.data for one in await take(intake, image(url))] == [PNG]
    wav = encoded(silence(0.1), "wav", "pcm_s16le", RATE)
    heard = {"type": "input_audio", "input_audio": {"data": WRITTEN[way](wav), "format": "wav"}}
    assert [one.data for one in await take(intake, heard)] == [wav]


@pytest.mark.parametrize("size", [(1, 1), (1, 200), (200, 1), (3, 3)])
async def test_small_and_narrow_pictures_are_pictures(intake: MediaIntake, size: tuple[int, int]) -> None:
    assert len(await take(intake, image(data_url(saved("png", Image.new("RGB", size)))))) == 1


@pytest.mark.parametrize("size", [(1, 201), (30_000, 100)])
async def test_a_picture_far_longer_than_wide_is_refused(intake: MediaIntake, size: tuple[int, int]) -> None:
    message = await refused(intake, image(data_url(saved("png", Image.new("1", size)))))
    assert f"{size[0]}x{size[1]}" in message


@pytest.mark.parametrize("mode", ["CMYK", "I;16", "P", "LA", "1"])
async def test_pictures_of_any_mode_are_taken(intake: MediaIntake, mode: str) -> None:
    form = "jpeg" if mode == "CMYK" else "png"
    assert await take(intake, image(data_url(saved(form, Image.new("L", (60, 40), 200).convert(mode)))))


async def test_a_picture_of_the_largest_size_holds_up_nobody(intake: MediaIntake) -> None:
    large = saved("png", Image.new("RGB", (8192, 4096)))
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    counting = asyncio.create_task(count())
    await take(intake, image(data_url(large)))
    counting.cancel()
    assert turns > 100, "the loop turns while it is looked at"


async def test_too_much_of_anything_is_refused(intake: MediaIntake, monkeypatch: pytest.MonkeyPatch) -> None:
    small = image(data_url(PNG))
    over = f"messages[0].content[{media_intake.MOST + 1}].image_url"
    assert "more than 64" in await refused(intake, *[small] * (media_intake.MOST + 1), place=over)
    assert len(await take(intake, *[small] * media_intake.MOST)) == media_intake.MOST

    monkeypatch.setattr(media_intake, "MOST_BYTES", len(PNG) - 1)
    assert "bytes" in await refused(intake, small)
    monkeypatch.undo()
    monkeypatch.setattr(media_intake, "MOST_BYTES_IN_ALL", 3 * len(PNG))
    assert "bytes in all" in await refused(intake, *[small] * 4, place="messages[0].content[4].image_url")
    monkeypatch.undo()
    monkeypatch.setattr(media_intake, "MOST_PIXELS_IN_ALL", 3 * 64 * 64)
    with pytest.raises(InvalidRequest, match="pixels in all"):
        await take(intake, *[small] * 4)


async def test_the_first_bad_one_is_named_and_the_others_are_let_go(
    intake: MediaIntake, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(media_intake, "FETCH_S", 3600)
    server.routes["/"] = Handler.hang
    parts = [image(server.url), image("file:///x"), image(server.url)]
    async with asyncio.timeout(30):
        await refused(intake, *parts, place="messages[0].content[2].image_url")


# ---- from URLs ---------------------------------------------------------------------------------------------


def _drip(handler: Handler) -> None:
    handler.send_response(200)
    handler.send_header("content-type", "image/png")
    handler.end_headers()
    for _ in range(100):
        handler.wfile.write(PNG[:10])
        time.sleep(0.05)


ANSWERS: dict[str, tuple[Callable[[Handler], Any], str]] = {
    "a page": (lambda handler: handler.answer(b"<html>", content_type="text/html"), "must give image/*"),
    "no type": (lambda handler: handler.answer(PNG), "must give image/*"),
    "another's type": (lambda handler: handler.answer(b"<html>", content_type="image/png"), "not a PNG"),
    "an SVG": (lambda handler: handler.answer(b"<svg/>", content_type="image/svg+xml"), "not a PNG"),
    "nothing": (lambda handler: handler.answer(b"", content_type="image/png"), "not a PNG"),
    "a bomb": (lambda handler: handler.answer(bomb(50_000, 50_000), content_type="image/png"), "pixels"),
    "an error": (lambda handler: handler.answer(b"", status=404), "404"),
    "inwards": (lambda handler: handler.answer(status=302, location="https://10.0.0.1/"), "public addresses"),
    "a file": (lambda handler: handler.answer(status=302, location="file:///etc/passwd"), "https://"),
    "slow": (_drip, "not fetched within"),
    "silent": (Handler.hang, "not fetched within"),
    "too large": (lambda handler: handler.answer(bytes(21 << 20), content_type="image/png"), "more than"),
}


@pytest.mark.parametrize("what", ANSWERS)
async def test_what_a_url_gives_is_looked_at(
    intake: MediaIntake, server: Server, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(media_intake, "FETCH_S", 0.7)
    server.routes["/"], why = ANSWERS[what]
    assert why in await refused(intake, image(server.url))


async def test_a_url_gives_a_picture(intake: MediaIntake, server: Server) -> None:
    server.routes["/a"] = lambda handler: handler.answer(status=307, location="/b")
    server.routes["/b"] = lambda handler: handler.answer(PNG, content_type="application/octet-stream")
    assert await take(intake, image(f"{server.url}/a")) == [Media("image", "image/png", PNG)]


async def test_private_addresses_need_to_be_allowed(server: Server) -> None:
    closed = MediaIntake()
    server.routes["/"] = lambda handler: handler.answer(PNG, content_type="image/png")
    assert "public addresses" in await refused(closed, image(server.url))
    assert server.seen == []
    closed.close()


# ---- recordings --------------------------------------------------------------------------------------------


async def test_recordings_are_heard_to_their_end(intake: MediaIntake, server: Server) -> None:
    wav, mp3 = encoded(silence(2), "wav", "pcm_s16le"), encoded(silence(1), "mp3", "libmp3lame")
    server.routes["/"] = lambda handler: handler.answer(mp3, content_type="audio/mpeg")
    url = {"type": "audio_url", "audio_url": {"url": server.url}}
    assert await take(intake, sound(wav), url) == [Media("audio", "audio/wav", wav), Media("audio", "audio/mpeg", mp3)]


@pytest.mark.parametrize("data", [PNG, b"RIFF", b"#EXTM3U\nfile:///etc/passwd\n", np.zeros(100).tobytes()], ids=str)
async def test_what_is_no_recording_is_refused(intake: MediaIntake, data: bytes) -> None:
    place = "messages[0].content[1].input_audio"
    assert "cannot be read as sound" in await refused(intake, sound(data), place=place)


async def test_a_recording_that_lasts_too_long_is_refused(intake: MediaIntake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(media_intake, "MOST_SECONDS_IN_ALL", 2.5)
    place = "messages[0].content[1].input_audio"
    long = encoded(silence(3), "flac", "flac", RATE)
    assert "the recording lasts 3 s" in await refused(intake, sound(long), place=place)
    short = sound(encoded(silence(1), "flac", "flac", RATE))
    with pytest.raises(InvalidRequest, match="seconds of sound in all"):
        await take(intake, short, short, short)
