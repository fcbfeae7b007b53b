"""What a job was asked can be had again, by whoever may see it; and jobs are found by their kind."""

import httpx
import pytest

from tests.e2e.media.studio import Studio, data_url, picture, refusal

pytestmark = [pytest.mark.e2e, pytest.mark.weights]

SEED = 2**62 + 1


def submit(studio: Studio, kind: str, **given: object) -> str:
    """Submit a job for the model that draws; its id."""
    answer = studio.http.post("/v1/jobs", json={"kind": kind, "model": "glyphs", "input": given})
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


def test_a_request_can_be_had_again_with_its_files(studio: Studio) -> None:
    file = picture()
    id = submit(studio, "images.edits", prompt="a red nine", image=data_url(file), seed=SEED, steps=2)
    found = studio.http.get(f"/v1/jobs/{id}/request").raise_for_status().json()
    image = found["files"].pop("image")
    assert found == {
        "id": id,
        "object": "job.request",
        "kind": "images.edits",
        "path": "/v1/images/edits",
        "input": {"model": "glyphs", "prompt": "a red nine", "seed": SEED, "steps": 2},
        "files": {},
        "left_out": [],
    }
    assert (image["bytes"], image["media_type"]) == (len(file), "image/png")
    served = httpx.get(image["url"])
    assert (served.content, served.headers["content-type"]) == (file, "image/png")
    assert studio.ended(id)["state"] == "succeeded"

    studio.http.delete(f"/v1/jobs/{id}").raise_for_status()
    assert refusal(studio.http.get(f"/v1/jobs/{id}/request"))[0] == 404


def test_nobody_else_is_told_what_was_asked(studio: Studio) -> None:
    id = submit(studio, "images.generations", prompt="a red nine", steps=2)
    assert httpx.get(f"{studio.url}/v1/jobs/{id}/request").status_code == 401


def test_jobs_are_listed_by_kind(studio: Studio) -> None:
    drawn = submit(studio, "images.generations", prompt="a red nine", steps=2)
    edited = submit(studio, "images.edits", prompt="a red nine", image=data_url(picture()), steps=2)
    said = {"kind": "completions", "model": "echo", "input": {"prompt": "a", "max_tokens": 1}}
    other = studio.http.post("/v1/jobs", json=said).raise_for_status().json()["id"]

    def listed(kind: str) -> list[str]:
        found = studio.http.get("/v1/jobs", params={"kind": kind, "limit": 100}).raise_for_status().json()["data"]
        return [one["id"] for one in found]

    assert listed("images")[:2] == [edited, drawn]
    assert edited not in listed("images.generations")
    assert other in listed("completions")
    assert other not in listed("images")
    assert refusal(studio.http.get("/v1/jobs", params={"kind": "image"})) == (400, "invalid_value", "kind")
