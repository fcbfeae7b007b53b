"""The image endpoints through OpenAI's own client and by hand, on weights that draw what is asked."""

import base64
import re
import struct
import time
import zlib
from typing import Any

import httpx
import numpy as np
import openai
import pytest
from PIL import Image

from tests.e2e.media.studio import KEY, URL_TTL_S, Studio, data_url, file_of, hang_up, opened, picture, refusal, seen
from tests.glyphs import glyphworld as world
from tests.support.servers import wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.weights]

LONG = {"model": "glyphs", "prompt": "a red seven", "n": 16, "steps": 250}
BOUNDARY = "multipart/form-data; boundary=edge"


def test_a_picture_is_drawn(studio: Studio) -> None:
    answer = studio.sdk.images.generate(
        model="glyphs", prompt="a red seven", n=2, response_format="b64_json", extra_body={"seed": 3}
    )
    assert answer.data is not None
    assert [seen(one.b64_json or "") for one in answer.data] == ["red seven"] * 2
    assert answer.output_format == "png"


def test_hints_are_steps_or_are_named_and_an_answer_has_both_forms(studio: Studio) -> None:
    body = {"model": "glyphs", "prompt": "a red seven", "seed": 3, "quality": "hd", "style": "natural"}
    usual, better = [
        studio.http.post("/v1/images/generations", json=one)
        for one in ({**body, "quality": "standard", "style": "vivid", "sampler_name": "default"}, body)
    ]
    assert "x-headrace-ignored" not in usual.headers
    assert better.headers["x-headrace-ignored"] == "style"
    steps = []
    for answer in (usual, better):
        [image] = answer.json()["data"]
        assert httpx.get(image["url"]).content == base64.b64decode(image["b64_json"])
        found = re.search(r"Steps: (\d+)", opened(image["b64_json"]).info["parameters"])
        assert found is not None
        steps.append(int(found[1]))
    assert steps[1] == round(steps[0] * 1.5)


def test_a_url_serves_the_picture_to_whoever_has_it_until_it_expires(studio: Studio) -> None:
    answer = studio.sdk.images.generate(model="glyphs", prompt="a green star", extra_body={"seed": 1})
    signed = time.monotonic()  # at the latest
    assert answer.data is not None
    url = answer.data[0].url
    assert url is not None
    assert url.startswith(studio.url)
    file = httpx.get(url)
    assert (file.status_code, file.headers["content-type"]) == (200, "image/png")
    assert seen(file.content) == "green star"
    assert refusal(httpx.get(url.replace("/0.png", "/1.png")))[:2] == (403, "bad_signature")
    time.sleep(max(URL_TTL_S + 1.1 - (time.monotonic() - signed), 0))
    assert refusal(httpx.get(url))[:2] == (403, "url_expired")


def test_a_picture_is_edited(studio: Studio) -> None:
    answer = studio.sdk.images.edit(
        model="glyphs",
        image=("seven.png", picture(), "image/png"),
        prompt="a blue seven",
        response_format="b64_json",
        output_format="webp",
        extra_body={"strength": 0.8, "steps": 10, "seed": 1},
    )
    assert answer.data is not None
    assert seen(answer.data[0].b64_json or "") == "blue seven"


@pytest.mark.parametrize("way", ["openai", "xinference", "json"])
def test_only_what_the_mask_shows_is_drawn_anew(studio: Studio, way: str) -> None:
    original = picture("square", "red")
    hole = Image.new("L", (64, 64))
    hole.paste(255, (0, 0, 48, 64))
    mask = file_of(hole)
    fields = {"prompt": "a blue square", "response_format": "b64_json"}
    if way == "openai":
        transparent = Image.new("RGBA", (64, 64), "white")
        transparent.putalpha(hole.point(lambda value: 255 - value))
        answer = studio.sdk.images.edit(
            image=[original],
            mask=file_of(transparent),
            extra_body={"seed": 1},
            **fields,  # type: ignore[call-overload]
        )
        drawn = answer.data[0].b64_json
    elif way == "xinference":
        files = {"image": ("a.png", original, "image/png"), "mask_image": ("b.png", mask, "image/png")}
        form = fields | {"model": "glyphs", "n": "1", "size": "64*64", "kwargs": '{"seed": 1}'}
        drawn = studio.http.post("/v1/images/inpainting", data=form, files=files).json()["data"][0]["b64_json"]
    else:
        named = {"images": [{"image_url": data_url(original)}], "mask": data_url(mask)}
        body = fields | named | {"model": "glyphs", "seed": 1}
        drawn = studio.http.post("/v1/images/edits", json=body).json()["data"][0]["b64_json"]
    before, after = np.asarray(opened(original)), np.asarray(opened(drawn))
    assert (before[:, 48:] == after[:, 48:]).all()
    assert world.colour_of(after[:, :48]) == "blue"


@pytest.mark.filterwarnings("ignore:deprecated:DeprecationWarning")  # OpenAI has no model for it any more
def test_a_picture_is_varied(studio: Studio) -> None:
    answer = studio.sdk.images.create_variation(
        image=picture("star", "green", form="jpeg"),
        n=2,
        response_format="b64_json",
        extra_body={"strength": 0.3, "steps": 10, "seed": 7},
    )
    assert answer.data is not None
    assert [world.colour_of(opened(one.b64_json or "")) for one in answer.data] == ["green"] * 2


def test_a_picture_is_streamed_and_kept_alive(studio: Studio) -> None:
    events = list(
        studio.sdk.images.generate(
            model="glyphs", prompt="a red seven", stream=True, partial_images=2, n=1, extra_body={"seed": 1}
        )
    )
    assert [one.type for one in events][-1] == "image_generation.completed"
    assert [one.type for one in events[:-1]] == ["image_generation.partial_image"] * (len(events) - 1)
    assert seen(events[-1].b64_json) == "red seven"

    body = LONG | {"n": 2, "steps": 60, "stream": True}
    with studio.http.stream("POST", "/v1/images/generations", json=body) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        lines = list(answer.iter_lines())
    assert lines[0] == ": keep-alive"
    assert sum(line == "event: image_generation.completed" for line in lines) == 2


def test_who_would_rather_not_wait_gets_a_job(studio: Studio) -> None:
    body = {"model": "glyphs", "prompt": "a cyan ring", "response_format": "b64_json", "seed": 2}
    asked: list[dict[str, Any]] = [
        {"json": body | {"background": True}},
        {"json": body, "headers": {"Prefer": "wait=1, respond-async"}},
    ]
    for how in asked:
        answer = studio.http.post("/v1/images/generations", **how)
        assert answer.status_code == 202
        job = answer.json()
        assert (job["object"], job["kind"], job["deadline"]) == ("job", "images.generations", None)
        assert answer.headers["location"] == job["status_url"]
        assert answer.headers["x-job-id"] == job["id"]
        assert studio.ended(job["id"])["state"] == "succeeded"
        result = studio.http.get(f"/v1/jobs/{job['id']}/result").json()
        assert seen(result["data"][0]["b64_json"]) == "cyan ring"
    form = {"prompt": "a cyan ring", "background": "true"}
    assert studio.http.post("/v1/images/edits", data=form, files={"image": picture()}).status_code == 202


def test_who_hangs_up_cancels_the_job(studio: Studio) -> None:
    gone = studio.metric("headrace_client_hangups_total", model="glyphs")
    connection = studio.open("/v1/images/generations", LONG)
    job = studio.running("images.generations")
    assert studio.metric("headrace_requests_inflight", model="glyphs") == 1
    hang_up(connection)
    assert studio.ended(job)["state"] == "cancelled"
    studio.stands_still("headrace_engine_steps_total", model="glyphs")
    assert studio.metric("headrace_client_hangups_total", model="glyphs") == gone + 1
    assert studio.metric("headrace_requests_inflight", model="glyphs") == 0


def test_who_hangs_up_at_fals_run_cancels_the_job(studio: Studio) -> None:
    asked = {name: value for name, value in LONG.items() if name != "model"}
    connection = studio.open("/fal/run/headrace/glyphs", asked)
    job = studio.running("images.generations")
    hang_up(connection)
    assert studio.ended(job)["state"] == "cancelled"


def test_who_hangs_up_amid_a_stream_cancels_the_job(studio: Studio) -> None:
    connection = studio.open("/v1/images/generations", LONG | {"stream": True})
    job = studio.running("images.generations")
    wait_for(lambda: b"keep-alive" in connection.recv(4096), 5)
    hang_up(connection)
    assert studio.ended(job)["state"] == "cancelled"


def test_an_idempotency_key_makes_one_job_that_outlives_its_connection(studio: Studio) -> None:
    headers = {"Idempotency-Key": f"draw-{time.time()}"}
    form = {"model": "glyphs", "prompt": "a blue seven", "seed": "1", "strength": "0.9", "steps": "100", "n": "4"}
    files = {"image": picture()}
    with pytest.raises(httpx.ReadTimeout):
        studio.http.post("/v1/images/edits", data=form, files=files, headers=headers, timeout=0.4)
    job = studio.running("images.edits")
    answer = studio.http.post("/v1/images/edits", data=form, files=files, headers=headers)
    assert (answer.status_code, answer.headers["x-job-id"]) == (200, job)
    assert answer.headers["idempotent-replayed"] == "true"
    other = {"image": picture("star")}
    answer = studio.http.post("/v1/images/edits", data=form, files=other, headers=headers)
    assert refusal(answer) == (409, "idempotency_key_in_use", "Idempotency-Key")
    kept = [one.name for one in (studio.home / "artifacts" / "jobs").iterdir()]
    assert job in kept
    assert all(studio.http.get(f"/v1/jobs/{id}").status_code == 200 for id in kept), "files of jobs that are not"


def test_requests_are_counted(studio: Studio) -> None:
    labels = {"model": "glyphs", "modality": "images"}
    before = studio.metric("headrace_requests_total", code="200", **labels)
    body = {"prompt": "a red seven", "steps": 2}
    assert studio.http.post("/v1/images/generations", json=body).status_code == 200
    assert studio.http.post("/v1/images/generations", json=body | {"size": "4096x4096"}).status_code == 400
    assert studio.metric("headrace_requests_total", code="200", **labels) == before + 1
    assert studio.metric("headrace_requests_inflight", **labels) == 0
    assert studio.metric("headrace_request_seconds_count", **labels) > before


# ---- what is refused ---------------------------------------------------------------------------------------


def bomb() -> bytes:
    """A PNG of 900 megapixels in 100 bytes."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", 30_000, 30_000, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b"")


FILES = {
    "nothing": b"",
    "text": b"not a picture at all",
    "cut off": picture()[:300],
    "a head alone": picture()[:8],
    "a bomb": bomb(),
    "a vector drawing": b"<svg xmlns='http://www.w3.org/2000/svg'/>",
}


@pytest.mark.parametrize("name", FILES)
def test_a_bad_file_is_refused(studio: Studio, name: str) -> None:
    files = {"image": ("picture.png", FILES[name], "image/png")}
    answer = studio.http.post("/v1/images/edits", data={"prompt": "a star"}, files=files)
    assert refusal(answer) == (400, "invalid_value", "image")
    answer = studio.http.post(
        "/v1/images/inpainting", data={"prompt": "x"}, files={"image": picture(), "mask": FILES[name]}
    )
    assert refusal(answer) == (400, "invalid_value", "mask")
    body = {"prompt": "a star", "image": data_url(FILES[name])}
    assert refusal(studio.http.post("/v1/images/edits", json=body)) == (400, "invalid_value", "image")


def test_a_models_defaults_are_told_and_what_it_does_not_heed_is_named(studio: Studio) -> None:
    answer = studio.http.post(
        "/v1/images/generations",
        json={"prompt": "a red seven", "negative_prompt": "blue", "guidance_scale": 0, "steps": 2},
    )
    (told,) = [one["defaults"] for one in studio.http.get("/v1/models").json()["data"] if one["defaults"]]

    assert (answer.status_code, answer.headers["x-headrace-ignored"]) == (200, "negative_prompt")
    assert answer.json()["ignored"] == ["negative_prompt"]
    assert (told["steps"], told["size"], told["distilled"]) == (8, "64x64", False)


def test_of_two_pictures_the_first_is_changed_and_the_other_is_named(studio: Studio) -> None:
    parts = [("prompt", (None, "a red seven")), ("quality", (None, "low")), ("size", (None, "null"))]
    files: Any = [*parts, ("image[]", picture()), ("image[]", picture("star"))]
    answer = studio.http.post("/v1/images/edits", files=files)
    assert (answer.status_code, answer.headers["x-headrace-ignored"]) == (200, "image[1]")


def test_a_name_or_type_of_a_file_says_nothing(studio: Studio) -> None:
    for name, media_type in (("seven.mp3", "audio/mpeg"), ("x", "\x7f;;"), ("../../etc/passwd", "text/plain")):
        files = {"image": (name, picture(), media_type)}
        assert studio.http.post("/v1/images/edits", data={"prompt": "a star"}, files=files).status_code == 200


PNG = ("a.png", picture(), "image/png")
Parts = list[tuple[str, Any]]
FORMS: dict[str, tuple[Parts, tuple[int, str, str | None]]] = {
    "no file": ([("prompt", (None, "x"))], (400, "invalid_value", "image")),
    "an empty file of a browser": ([("image", ("", b"")), ("prompt", (None, "x"))], (400, "invalid_value", "image")),
    "two masks": ([("image", PNG), ("mask", PNG), ("mask", PNG)], (400, "unsupported_parameter", "mask")),
    "a file that is not wanted": ([("image", PNG), ("portrait", PNG)], (400, "unknown_parameter", "portrait")),
    "a field as a file": ([("image", PNG), ("prompt", PNG)], (400, "unknown_parameter", "prompt")),
    "a misspelt field": ([("image", PNG), ("seeds", (None, "1"))], (400, "unknown_parameter", "seeds")),
    "a field twice": (
        [("image", PNG), ("prompt", (None, "x")), ("prompt", (None, "y"))],
        (400, "invalid_value", "prompt"),
    ),
    "a field in two ways": ([("image", PNG), ("n", (None, "1")), ("n[]", (None, "1"))], (400, "invalid_value", "n")),
    "no number": ([("image", PNG), ("n", (None, "many"))], (400, "invalid_value", "n")),
    "a path as a file": ([("image", (None, "/etc/passwd"))], (400, "invalid_value", "image")),
    "a private URL": ([("image", (None, "http://127.0.0.1/a.png"))], (400, "invalid_value", "image")),
    "another's file": ([("image", (None, "file-0123456789abcdef"))], (404, "not_found", "file_id")),
    "an unknown model": ([("image", PNG), ("model", (None, "dall-e"))], (404, "model_not_found", "model")),
    "a model that cannot draw": ([("image", PNG), ("model", (None, "echo"))], (400, "invalid_value", "model")),
    "too many fields": ([(f"f{number}", (None, "x")) for number in range(100)], (400, "invalid_value", None)),
    "too many files": ([(f"f{number}", PNG) for number in range(30)], (400, "invalid_value", None)),
    "a long field": ([("image", PNG), ("prompt", (None, "x" * 300_000))], (400, "invalid_value", None)),
}


@pytest.mark.parametrize("name", FORMS)
def test_a_bad_form_is_refused(studio: Studio, name: str) -> None:
    parts, expected = FORMS[name]
    assert refusal(studio.http.post("/v1/images/edits", files=parts)) == expected


BODIES: dict[str, tuple[bytes, str, int]] = {
    "no boundary": (b"--edge--\r\n", "multipart/form-data", 400),
    "another boundary": (b"--other--\r\n", BOUNDARY, 400),
    "no boundary in sight": (b"what is this", BOUNDARY, 400),
    "nothing": (b"", BOUNDARY, 400),
    "no name": (b"--edge\r\nContent-Disposition: form-data\r\n\r\nx\r\n--edge--\r\n", BOUNDARY, 400),
    "no headers": (b"--edge\r\n\r\nx\r\n--edge--\r\n", BOUNDARY, 400),
    "cut off": (b'--edge\r\nContent-Disposition: form-data; name="image"; filename="a"\r\n\r\nx', BOUNDARY, 400),
    "no charset": (
        b'--edge\r\nContent-Disposition: form-data; name="n"\r\n\r\n1\r\n--edge--\r\n',
        f"{BOUNDARY}; charset=undefined",
        400,
    ),
    "JSON that is not": (b"{", "application/json", 400),
    "JSON that is no object": (b"[]", "application/json", 400),
    "JSON that is deep": (b"[" * 100_000, "application/json", 400),
    "no Unicode": (b'{"prompt": "\xff"}', "application/json", 400),
    "half a character": (b'{"prompt": "\\ud800", "image": "x"}', "application/json", 400),
    "another type": (b"prompt=x", "text/csv", 415),
    "no type at all": (b"{}", "", 400),
    "a bare file": (picture(), "image/png", 415),
}


@pytest.mark.parametrize("name", BODIES)
def test_a_bad_body_is_refused(studio: Studio, name: str) -> None:
    content, media_type, status = BODIES[name]
    answer = studio.http.post("/v1/images/edits", content=content, headers={"content-type": media_type})
    assert refusal(answer)[0] == status


def test_what_is_too_large_is_refused_before_it_is_sent(studio: Studio) -> None:
    connection = studio.raw("/v1/images/edits", b"--edge\r\n", BOUNDARY, 4 << 30)
    assert connection.recv(4096).startswith(b"HTTP/1.1 413")
    connection.close()
    connection = studio.raw("/v1/images/generations", b"{", "application/json", 17 << 20)
    assert connection.recv(4096).startswith(b"HTTP/1.1 413")
    connection.close()


def test_openais_client_understands_a_refusal(studio: Studio) -> None:
    with pytest.raises(openai.NotFoundError) as missing:
        studio.sdk.images.generate(model="sora", prompt="x")
    assert missing.value.code == "model_not_found"
    with pytest.raises(openai.BadRequestError) as bad:
        studio.sdk.images.generate(model="glyphs", prompt="x", size="100x100")
    assert bad.value.param == "size"
    with pytest.raises(openai.BadRequestError) as wrong:
        studio.sdk.images.generate(model="whisper", prompt="x")
    assert wrong.value.param == "model"
    assert httpx.post(f"{studio.url}/v1/images/generations", json={"prompt": "x"}).status_code == 401
    assert KEY not in studio.logs()
