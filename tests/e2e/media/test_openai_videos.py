"""OpenAI's videos through OpenAI's own client and by hand, on the engine without weights."""

import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import httpx
import openai
import pytest
from openai.types import Video
from PIL import Image

from tests.e2e.media.studio import data_url, file_of
from tests.e2e.sites import Site
from tests.families.makers.pictures.parts import saved
from tests.families.makers.videos import wans
from tests.support.servers import wait_for
from tests.workers.steward.test_webhook_delivery import SECRET, Receiver, receiver

pytestmark = [pytest.mark.e2e, pytest.mark.filterwarnings("ignore:The Sora API:DeprecationWarning")]

__all__ = ["receiver"]

LONG: dict[str, Any] = {"steps": 250}
SIZE: Any = "96x64"
PICTURE = file_of(Image.new("RGB", (64, 64), "red"))


@pytest.fixture(scope="module")
def films(site: Site) -> Iterator[Site]:
    site.client.launch({"model_uid": "film", "model_name": "echo", "model_type": "video", "step_ms": 100})
    site.client.wait_ready("film")
    yield site
    site.client.terminate("film")


@pytest.fixture(scope="module")
def http(films: Site) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=films.url, headers={"Authorization": "Bearer one"}, timeout=60) as client:
        yield client


def make(sdk: openai.OpenAI, prompt: str = "a wandering bar", **fields: Any) -> Video:
    """A video, as it was answered. The client refuses references that are objects, which its types allow."""
    own: dict[str, Any] = {name: fields.pop(name) for name in ("size", "seconds") if name in fields}
    if isinstance(fields.get("input_reference"), tuple):
        own["input_reference"] = fields.pop("input_reference")
    return sdk.videos.create(model=fields.pop("model", "film"), prompt=prompt, extra_body=fields, **own)


@pytest.fixture
def late(films: Site) -> Iterator[str]:
    """A model that was never loaded: what it cannot make is not known before a job fails for it."""
    films.client.launch({"model_uid": "late", "model_name": "echo", "model_type": "video", "load_on_request": True})
    yield "late"
    films.client.terminate("late")


def made(sdk: openai.OpenAI, prompt: str = "a wandering bar", **fields: Any) -> Video:
    """A video, once it is made."""
    done = sdk.videos.poll(make(sdk, prompt, **fields).id, poll_interval_ms=100)
    assert done.status == "completed", done
    return done


def decoded(content: bytes) -> tuple[int, tuple[int, int]]:
    """How many frames a file has, and their width and height."""
    with av.open(io.BytesIO(content), "r") as container:
        frames = list(container.decode(video=0))
    return len(frames), (frames[0].width, frames[0].height)


def test_a_video_is_made_polled_and_downloaded(films: Site, http: httpx.Client) -> None:
    begun = make(films.one, seconds="2", size=SIZE, seed=3, metadata={"a": "b"})
    assert re.fullmatch(r"video_[0-9a-f]{24}", begun.id)
    assert (begun.object, begun.model, begun.prompt) == ("video", "film", "a wandering bar")
    assert begun.status in ("queued", "in_progress")  # a worker that waits takes it at once
    assert (begun.seconds, begun.size, begun.progress < 100) == ("2", "96x64", True)
    assert (begun.completed_at, begun.expires_at, begun.error) == (None, None, None)
    done = films.one.videos.poll(begun.id, poll_interval_ms=100)
    assert (done.status, done.progress, done.seconds, done.size) == ("completed", 100, "2.125", "96x64")
    assert begun.created_at <= (done.completed_at or 0)
    assert done.expires_at == (done.completed_at or 0) + 7 * 86400
    assert (done.error, done.remixed_from_video_id) == (None, None)
    assert done.model_extra == {"frames": 17, "fps": 8, "steps": 4, "seed": 3}

    assert decoded(films.one.videos.download_content(done.id).read()) == (17, (96, 64))
    for variant, form, size in (("thumbnail", "WEBP", (96, 64)), ("spritesheet", "JPEG", (1600, 107))):
        name: Any = variant
        picture = Image.open(io.BytesIO(films.one.videos.download_content(done.id, variant=name).read()))
        assert (picture.format, picture.size) == (form, size)
    job = http.get(f"/v1/jobs/{done.id.replace('video_', 'job_')}").json()
    assert (job["kind"], job["state"]) == ("videos.generations", "succeeded")


def test_a_part_of_a_video_is_sent(films: Site, http: httpx.Client) -> None:
    url = f"/v1/videos/{made(films.one).id}/content"
    whole = http.get(url)
    part = http.get(url, headers={"Range": "bytes=4-7"})
    again = http.get(url, headers={"If-None-Match": whole.headers["etag"]})

    assert (whole.status_code, whole.headers["content-type"]) == (200, "video/mp4")
    assert whole.headers["content-disposition"].endswith('.mp4"')
    assert (part.status_code, part.content) == (206, b"ftyp")
    assert part.headers["content-range"] == f"bytes 4-7/{len(whole.content)}"
    assert (again.status_code, again.content) == (304, b"")
    assert http.head(url).headers["content-length"] == str(len(whole.content))


def test_a_body_may_be_json_and_a_field_that_nobody_knows_is_named(films: Site, http: httpx.Client) -> None:
    body = {"model": "film", "prompt": "a bar", "num_frames": 5, "fps": 4, "colour": "red"}
    answer = http.post("/v1/videos", json=body, headers={"Prefer": "respond-async"})
    assert answer.status_code == 200, answer.text
    assert answer.headers["x-headrace-ignored"] == "colour"
    assert answer.headers["preference-applied"] == "respond-async"
    assert answer.headers["x-job-id"] == answer.json()["id"].replace("video_", "job_")
    assert (answer.json()["seconds"], answer.json()["size"]) == ("1.25", None)
    strict = http.post("/v1/videos", json=body, headers={"x-headrace-strict": "true"})
    assert refusal_of(strict) == (400, "unknown_parameter", "colour")


def test_without_a_model_the_only_one_is_asked(films: Site) -> None:
    assert films.one.videos.create(prompt="a bar").model == "film"


def test_an_idempotency_key_makes_one_video(films: Site, http: httpx.Client) -> None:
    body, headers = {"model": "film", "prompt": "a bar"}, {"Idempotency-Key": "film-1"}
    first, second = (http.post("/v1/videos", json=body, headers=headers) for _ in range(2))
    assert first.json()["id"] == second.json()["id"]
    assert second.headers["idempotent-replayed"] == "true"
    other = http.post("/v1/videos", json=body | {"prompt": "another"}, headers=headers)
    assert refusal_of(other) == (409, "idempotency_key_in_use", "Idempotency-Key")


def test_a_video_begins_with_a_picture(films: Site) -> None:
    uploaded = films.one.files.create(file=("red.png", PICTURE), purpose="user_data").id
    url = data_url(file_of(Image.effect_noise((512, 512), 90).convert("RGB")))  # more than a form's field may have
    assert len(url) > 256 << 10
    for reference in (("red.png", PICTURE), {"image_url": url}, {"file_id": uploaded}):
        done = made(films.one, input_reference=reference)
        assert done.seconds


def test_a_job_names_the_picture_as_openai_does(http: httpx.Client) -> None:
    url = data_url(PICTURE)
    job: dict[str, Any] = {"kind": "videos.generations", "model": "film", "input": {"prompt": "a bar"}}
    for reference in (url, {"image_url": url}):
        input = job["input"] | {"input_reference": reference, "last_frame": url}
        answer = http.post("/v1/jobs", json=job | {"input": input})
        assert (answer.status_code, answer.headers.get("x-headrace-ignored")) == (202, None), answer.text
    twice = job | {"input": job["input"] | {"input_reference": url, "image": url}}
    assert refusal_of(http.post("/v1/jobs", json=twice)) == (400, "invalid_value", "input.image")


def refusal_of(answer: httpx.Response) -> tuple[int, str, str | None]:
    """Status, code and parameter of an answer that is an error."""
    error = answer.json()["error"]
    return answer.status_code, error["code"], error["param"]


def test_pages_have_each_video_once_and_none_of_another_keys(films: Site) -> None:
    mine = [make(films.one, f"number {number}").id for number in range(3)]
    theirs = make(films.two).id
    newest = films.one.videos.list(limit=2)
    assert [one.id for one in newest.data] == [mine[2], mine[1]]
    assert newest.has_more
    assert newest.last_id == mine[1]
    every = [one.id for one in films.one.videos.list(limit=2)]
    assert every[:3] == mine[::-1]
    assert len(every) == len(set(every))
    assert theirs not in every
    assert [one.id for one in films.one.videos.list(limit=2, order="asc")] == every[::-1]
    assert [one.id for one in films.two.videos.list()] == [theirs]
    job = {"kind": "chat.completions", "model": "echo", "input": {"messages": [{"role": "user", "content": "x"}]}}
    other = films.one.post("/jobs", body=job, cast_to=dict[str, Any])["id"]
    assert other not in {one.id.replace("video_", "job_") for one in films.one.videos.list(limit=1)}
    for video in (theirs, other.replace("job_", "video_"), "video_", "x" * 60, "video_%00"):
        for call in (films.one.videos.retrieve, films.one.videos.delete, films.one.videos.download_content):
            with pytest.raises(openai.NotFoundError):
                call(video)
    with pytest.raises(openai.NotFoundError) as missing:
        films.one.videos.list(after=theirs)
    assert missing.value.param == "after"


def test_a_video_is_remixed_with_its_picture_and_its_seed(films: Site) -> None:
    source = made(films.one, size=SIZE, num_frames=5, input_reference=("red.png", PICTURE))
    remix = films.one.videos.remix(source.id, prompt="a blue bar")
    done = films.one.videos.poll(remix.id, poll_interval_ms=100)

    assert (done.status, done.prompt, done.remixed_from_video_id) == ("completed", "a blue bar", source.id)
    told = ("frames", "fps", "seed")
    assert [(done.model_extra or {})[name] for name in told] == [(source.model_extra or {})[name] for name in told]
    files = (films.home / "artifacts" / "jobs" / done.id.replace("video_", "job_") / "input" / "image").read_bytes()
    assert files == PICTURE
    films.one.videos.delete(source.id)
    assert films.one.videos.retrieve(done.id).remixed_from_video_id == source.id
    with pytest.raises(openai.ConflictError):
        films.one.videos.remix(make(films.one, **LONG).id, prompt="x")


def test_a_video_is_deleted_with_its_files(films: Site) -> None:
    done = made(films.one)
    folder = films.home / "artifacts" / "jobs" / done.id.replace("video_", "job_")
    assert folder.is_dir()
    gone = films.one.videos.delete(done.id)
    assert (gone.id, gone.object, gone.deleted) == (done.id, "video.deleted", True)
    assert not folder.exists()
    with pytest.raises(openai.NotFoundError):
        films.one.videos.retrieve(done.id)


def test_a_video_that_is_being_made_has_no_content_and_is_cancelled_by_its_deletion(films: Site) -> None:
    begun = make(films.one, **LONG)

    def runs() -> bool:
        now = films.one.videos.retrieve(begun.id)
        return now.status == "in_progress" and now.progress > 0

    wait_for(runs, 20, "it does not run")
    with pytest.raises(openai.ConflictError, match="is being made") as early:
        films.one.videos.download_content(begun.id)
    assert early.value.response.headers["retry-after"] == "1"
    assert films.one.videos.delete(begun.id).deleted
    with pytest.raises(openai.NotFoundError):
        films.one.videos.retrieve(begun.id)


def test_a_video_that_failed_says_why(films: Site, late: str) -> None:
    failed = films.one.videos.poll(make(films.one, model=late, num_frames=10).id, poll_interval_ms=100)
    assert failed.status == "failed"
    assert failed.error is not None
    assert failed.error.code == "invalid_value"
    assert "9 or 13" in failed.error.message
    with pytest.raises(openai.NotFoundError, match="9 or 13"):
        films.one.videos.download_content(failed.id)
    cancelled = make(films.one, **LONG)
    films.one.post(f"/jobs/{cancelled.id.replace('video_', 'job_')}/cancel", cast_to=object)
    over = films.one.videos.poll(cancelled.id, poll_interval_ms=100)
    assert (over.status, over.error and over.error.code) == ("failed", "cancelled")


def test_hosters_clients_make_and_find_videos(films: Site, http: httpx.Client) -> None:
    asked = {"input": {"prompt": "a bar", "start_image": data_url(PICTURE)}}
    done = http.post("/v1/models/anyone/film/predictions", json=asked, headers={"Prefer": "wait"}).json()
    assert done["status"] == "succeeded", done
    assert httpx.get(done["output"]).content[4:8] == b"ftyp"
    found = http.get(f"/fal/queue/film/requests/{done['id']}").json()
    assert found["video"]["content_type"] == "video/mp4"
    assert films.one.videos.retrieve(done["id"].replace("job_", "video_")).status == "completed"


def test_openais_events_are_sent(films: Site, receiver: Receiver, late: str) -> None:
    hook = f"{receiver.url}/hook"
    done, failed = make(films.one, webhook=hook), make(films.one, model=late, num_frames=10, webhook=hook)
    wait_for(lambda: len(receiver.got) == 2, 20, "no webhooks")
    unwrapped: dict[str, Any] = {}
    for _, headers, body in receiver.got:
        event: Any = films.one.webhooks.unwrap(body, headers, secret=SECRET)
        unwrapped[event.data.id if hasattr(event.data, "id") else event.data["id"]] = event
    assert (unwrapped[done.id].type, unwrapped[failed.id].type) == ("video.completed", "video.failed")
    assert json.loads(receiver.got[0][2])["object"] == "event"


# ---- what is refused ---------------------------------------------------------------------------------------

BAD: dict[str, tuple[dict[str, Any], tuple[int, str, str | None]]] = {
    "no prompt": ({"prompt": None}, (400, "invalid_value", "prompt")),
    "a size that is none": ({"size": "large"}, (400, "invalid_value", "size")),
    "an odd size": ({"size": "65x64"}, (400, "invalid_value", "size")),
    "seconds that are none": ({"seconds": "abc"}, (400, "invalid_value", "seconds")),
    "no seconds at all": ({"seconds": 0}, (400, "invalid_value", "seconds")),
    "three videos": ({"n": 3}, (400, "unsupported_parameter", "n")),
    "text for a picture": (
        {"input_reference": data_url(b"not a picture at all")},
        (400, "invalid_value", "input_reference"),
    ),
    "no URL": ({"input_reference": "red.png"}, (400, "invalid_value", "input_reference")),
    "an object of nothing": ({"input_reference": {"name": "x"}}, (400, "invalid_value", "input_reference")),
    "a number for a picture": ({"input_reference": 7}, (400, "invalid_value", "input_reference")),
    "another's file": ({"input_reference": {"file_id": "file-0123456789abcdef"}}, (404, "not_found", "file_id")),
    "an unknown model": ({"model": "sora-2"}, (404, "model_not_found", "model")),
    "a model of texts": ({"model": "echo"}, (400, "invalid_value", "model")),
    "a webhook that is none": ({"webhook": 7}, (400, "invalid_value", "webhook")),
    "a webhook within": ({"webhook": "http://10.0.0.1/"}, (400, "invalid_value", "webhook")),
    "an end without a beginning": ({"last_image": data_url(PICTURE)}, (400, "invalid_value", "input_reference")),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_body_is_refused(http: httpx.Client, name: str) -> None:
    body, expected = BAD[name]
    answer = http.post("/v1/videos", json={"model": "film", "prompt": "a bar"} | body)
    assert refusal_of(answer) == expected, answer.text


def test_what_a_model_that_was_never_loaded_cannot_make_is_refused(
    films: Site, http: httpx.Client, tmp_path: Path
) -> None:
    source = str(saved(wans.text(), tmp_path / "wan"))
    asked = {"model_uid": "wan", "model_name": "wan", "model_type": "video", "model_path": source}
    films.client.launch(asked | {"load_on_request": True})
    body = {"model": "wan", "prompt": "a bar", "input_reference": data_url(PICTURE)}
    answer = http.post("/v1/videos", json=body)
    films.client.terminate("wan")

    assert refusal_of(answer) == (400, "unsupported_parameter", "input_reference"), answer.text
    assert "makes videos of texts alone" in answer.json()["error"]["message"]


def test_a_bad_form_is_refused(http: httpx.Client, films: Site) -> None:
    form = {"model": "film", "prompt": "a bar"}
    for files, param in (
        ([("input_reference", ("a.mp4", b"\0\0\0\x20ftypisom"))], "input_reference"),
        ([("input_reference", ("a.png", PICTURE)), ("image", ("b.png", PICTURE))], "input_reference"),
        ([("input_reference", ("a.png", PICTURE)), ("film", ("b.png", PICTURE))], "film"),
    ):
        answer = http.post("/v1/videos", data=form, files=files)
        assert (answer.status_code, answer.json()["error"]["param"]) == (400, param), answer.text
    assert http.post("/v1/videos", content=b"x", headers={"content-type": "text/csv"}).status_code == 415
    assert httpx.post(f"{films.url}/v1/videos", json=form).status_code == 401


def test_what_has_no_meaning_here_is_refused_in_words(films: Site) -> None:
    video = ("a.mp4", b"ftyp")
    with pytest.raises(openai.BadRequestError, match="not from videos"):
        films.one.videos.edit(prompt="x", video=video)
    with pytest.raises(openai.BadRequestError, match="not from videos"):
        films.one.videos.extend(prompt="x", seconds="4", video=video)
    with pytest.raises(openai.BadRequestError, match="characters are not kept"):
        films.one.videos.create_character(name="x", video=b"x")
    with pytest.raises(openai.NotFoundError, match="characters are not kept"):
        films.one.videos.get_character("char_0")


def test_a_query_that_makes_no_sense_is_refused(http: httpx.Client) -> None:
    for query, param in ({"limit": 0}, "limit"), ({"order": "random"}, "order"), ({"after": "video_0"}, "after"):
        answer = http.get("/v1/videos", params=query)
        assert (answer.status_code // 100, answer.json()["error"]["param"]) == (4, param)
    answer = http.get("/v1/videos/video_0/content", params={"variant": "sound"})
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "variant")
