"""Files through OpenAI's own client: uploaded, listed, read, deleted, refused."""

import time
from typing import Any, Literal

import httpx
import openai
import pytest

from tests.e2e.media.studio import refusal
from tests.e2e.sites import MOST_BYTES, Site, line

pytestmark = pytest.mark.e2e

KEY = {"Authorization": "Bearer one"}


def test_a_file_is_kept_as_it_was(site: Site) -> None:
    content = bytes(range(256)) * 1000
    made = site.one.files.create(file=("naïve 表.bin", content, "application/x-odd"), purpose="user_data")
    assert made.id.startswith("file-")
    assert (made.object, made.bytes, made.purpose, made.status) == ("file", 256_000, "user_data", "processed")
    assert made.filename == "naïve 表.bin"
    assert abs(made.created_at - time.time()) < 5
    assert made.expires_at == made.created_at + 30 * 86_400
    assert site.one.files.retrieve(made.id) == made
    got = site.one.files.content(made.id)
    assert got.read() == content
    assert got.response.headers["content-type"] == "application/x-odd"
    assert got.response.headers["content-disposition"].startswith("attachment")
    brief = site.one.files.create(
        file=b"x", purpose="user_data", expires_after={"anchor": "created_at", "seconds": 3600}
    )
    assert brief.expires_at == brief.created_at + 3600


def test_files_are_listed_by_pages_and_deleted(site: Site) -> None:
    purposes: list[Literal["vision", "evals"]] = ["vision", "evals"] * 3
    made = [site.two.files.create(file=(f"{n}", b"x"), purpose=one).id for n, one in enumerate(purposes)]
    assert {one.id for one in site.two.files.list()} == set(made)
    newest = [one.id for one in site.two.files.list(limit=4)]
    assert set(newest) == set(made)
    assert [one.id for one in site.two.files.list(limit=1, order="asc")] == newest[::-1]
    assert {one.id for one in site.two.files.list(purpose="vision")} == set(made[::2])
    for one in made:
        gone = site.two.files.delete(one)
        assert (gone.id, gone.object, gone.deleted) == (one, "file", True)
    assert site.two.files.list().data == []
    for ask in (site.two.files.retrieve, site.two.files.content, site.two.files.delete):
        with pytest.raises(openai.NotFoundError):
            ask(made[0])
    assert not [key for key in (site.home / "artifacts" / "files").rglob("*") if key.name in made]


def test_a_file_is_its_keys_alone(site: Site) -> None:
    mine = site.upload(line("a"))
    for ask in (site.two.files.retrieve, site.two.files.content, site.two.files.delete):
        with pytest.raises(openai.NotFoundError):
            ask(mine)
    assert mine not in [one.id for one in site.two.files.list()]
    assert site.one.files.retrieve(mine).id == mine
    assert httpx.get(f"{site.url}/v1/files/{mine}").status_code == 401


def test_a_file_that_a_batch_reads_stays(site: Site) -> None:
    made = site.batch(*(line(f"n{number}", max_tokens=50_000) for number in range(3)))
    with pytest.raises(openai.ConflictError):
        site.one.files.delete(made.input_file_id)
    site.one.batches.cancel(made.id)
    assert site.ended(made.id).status == "cancelled"
    assert site.one.files.delete(made.input_file_id).deleted


BATCH = {"purpose": "batch"}
SOUND = {"file": ("a.jsonl", b"{}")}


@pytest.mark.parametrize(
    ("files", "data", "expected"),
    [
        (SOUND, {}, (400, "invalid_value", "purpose")),
        (SOUND, {"purpose": "mischief"}, (400, "invalid_value", "purpose")),
        ({"file": ("a.jsonl", b"")}, BATCH, (400, "invalid_value", "file")),
        ({"other": ("a.jsonl", b"x")}, BATCH, (400, "invalid_value", "file")),
        ({"file": ("n" * 513, b"x")}, BATCH, (400, "invalid_value", "file")),
        ({"file": ("a.jsonl", b"x" * (MOST_BYTES + 1))}, BATCH, (413, "body_too_large", None)),
        ({"file": ("a.jsonl", b"x" * (3 * MOST_BYTES))}, BATCH, (413, "body_too_large", None)),
        (SOUND, BATCH | {"expires_after[anchor]": "created_at"}, (400, "invalid_value", "expires_after.seconds")),
        (SOUND, BATCH | {"expires_after[seconds]": "3600"}, (400, "invalid_value", "expires_after.anchor")),
        (
            SOUND,
            BATCH | {"expires_after[anchor]": "created_at", "expires_after[seconds]": "7"},
            (400, "invalid_value", "expires_after.seconds"),
        ),
        ({}, BATCH, (415, "unsupported_media_type", None)),
    ],
)
def test_what_is_no_file_is_refused(site: Site, files: Any, data: dict[str, str], expected: Any) -> None:
    answer = httpx.post(f"{site.url}/v1/files", files=files, data=data, headers=KEY, timeout=20)
    assert refusal(answer) == expected


@pytest.mark.parametrize("query", ["limit=0", "limit=10001", "order=up", "after=%00", "purpose=%F0%9F%92%A9"])
def test_pages_that_make_no_sense_are_refused(site: Site, query: str) -> None:
    assert refusal(httpx.get(f"{site.url}/v1/files?{query}", headers=KEY))[:2] == (400, "invalid_value")


def test_files_that_are_nowhere_are_not_found(site: Site) -> None:
    assert refusal(httpx.get(f"{site.url}/v1/files/file-nobody", headers=KEY)) == (404, "not_found", "file_id")
    assert refusal(httpx.get(f"{site.url}/v1/files?after=file-nobody", headers=KEY))[:2] == (404, "not_found")
