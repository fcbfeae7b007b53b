"""Lines of batches: which file is refused, and what a line and its files become."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from models.rows import claims, uploads
from models.rows.tables import jobs
from tests.support.batching import CHAT, World, line, world
from workers.steward import batch_lines

__all__ = ["world"]  # a fixture


# ---- reading -----------------------------------------------------------------------------------------------


def test_lines_are_read_from_anywhere(tmp_path: Path) -> None:
    path = tmp_path / "in.jsonl"
    path.write_bytes(b"\xef\xbb\xbfone\r\n\n  \n two \nthree")
    found = list(batch_lines.read(path))
    assert [text for text, _ in found] == [b"one", b"two", b"three"]
    for number, (_, offset) in enumerate(found, 1):
        assert list(batch_lines.read(path, offset)) == found[number:]


@given(st.lists(st.binary(max_size=40) | st.sampled_from([line("a"), line("b"), b"{}", b'{"a":' * 10_000, b"[]"])))
def test_no_line_is_too_strange_to_be_judged(given: list[bytes]) -> None:
    total, errors = batch_lines.check(given, 0, CHAT)
    assert total <= len(given)
    assert errors or any(batch_lines.custom_id(one) for one in given)


@pytest.mark.parametrize(
    ("content", "code", "where"),
    [
        (b"", "empty_file", None),
        (b"\n \n", "empty_file", None),
        (line("a") + b"\n" + line("b") + b"\n" + line("a"), "duplicate_custom_id", 3),
        (line("a") + b"\n" + line(None), "missing_required_parameter", 2),
        (line(""), "invalid_custom_id", 1),
        (line("a\0"), "invalid_custom_id", 1),
        (line("x" * 513), "invalid_custom_id", 1),
        (line(7), "invalid_custom_id", 1),
        (line("a", method="GET"), "invalid_method", 1),
        (line("a", url="/v1/completions"), "mismatched_url", 1),
        (line("a") + b"\n" + b'"' + b"x" * batch_lines.LINE_BYTES + b'"\n' + line("b"), "line_too_long", 2),
        (b"\x89PNG\r\n\x1a", "invalid_json_line", 1),
    ],
)
def test_a_file_that_makes_no_sense_is_refused(content: bytes, code: str, where: int | None, tmp_path: Path) -> None:
    path = tmp_path / "in.jsonl"
    path.write_bytes(content)
    _, [error, *_] = batch_lines.check((one for one, _ in batch_lines.read(path)), len(content), CHAT)
    assert (error["code"], error["line"]) == (code, where)


NAMES: dict[str, tuple[bytes, str | None]] = {
    "a line": (line("a"), "a"),
    "a lone surrogate elsewhere": (b'{"custom_id": "a", "body": {"x": "\\ud800"}}', "a"),
    "half a line": (b'{"body": {}, "custom_id":"a\\"b", "bo', 'a"b'),
    "no name": (b'{"body": ', None),
    "half a name": (b'{"custom_id": "a', None),
    "a name that cannot be stored": (b'{"custom_id": "\\ud800", ', None),
}


@pytest.mark.parametrize("case", NAMES)
def test_a_lines_name_is_read_where_it_can_be(case: str) -> None:
    content, name = NAMES[case]
    assert batch_lines.custom_id(content) == name


def test_a_line_may_hold_what_a_request_may() -> None:
    long = line("a", body={"model": "m", "messages": [{"role": "user", "content": "x" * ((16 << 20) - 100)}]})
    assert batch_lines.check([long], len(long), CHAT) == (1, [])


def test_a_file_that_is_too_large_is_refused() -> None:
    assert batch_lines.check([], 200 * 1024 * 1024 + 1, CHAT)[1][0]["code"] == "file_too_large"
    assert batch_lines.check((line(str(n)) for n in range(50_001)), 0, CHAT)[1][0]["code"] == "too_many_lines"
    assert batch_lines.check((line(str(n)) for n in range(50_000)), 0, CHAT) == (50_000, [])


# ---- files of lines, and files -----------------------------------------------------------------------------


def test_files_of_lines_are_ids_or_data_urls(world: World) -> None:
    world.launch("whisper", engine="faster_whisper")
    mine, theirs = world.file(b"sound", purpose="user_data"), world.file(b"secret", key="other")
    url = "data:audio/wav;base64," + base64.b64encode(b"RIFF").decode()
    given = {"mine": mine, "inline": url, "theirs": theirs, "web": "https://example.org/a.wav", "broken": url + "*"}
    endpoint = "/v1/audio/transcriptions"
    content = [
        json.dumps({"custom_id": k, "method": "POST", "url": endpoint, "body": {"model": "whisper", "file": v}})
        for k, v in given.items()
    ]
    content.append(json.dumps({"custom_id": "none", "method": "POST", "url": endpoint, "body": {"model": "whisper"}}))
    batch = world.batch("\n".join(content).encode(), endpoint=endpoint)
    for _ in range(2):
        world.turn()
    with world.database.begin() as connection:
        rows = {row.custom_id: row for row in connection.execute(sa.select(jobs))}
    assert {name: row.state for name, row in rows.items()} == {
        "mine": "queued",
        "inline": "queued",
        "theirs": "failed",
        "web": "failed",
        "broken": "failed",
        "none": "failed",
    }
    assert rows["mine"].files == {"file": uploads.artifact(mine)}
    assert world.store.read(rows["inline"].files["file"]) == b"RIFF"
    held = world.database.call(claims.claim, "whisper", "me", 9, 1 << 62, claims.Lease("w", "here.cpu", 60_000))
    heard = {"text": "hm", "language": "en", "duration": 1.0, "segments": []}
    world.database.call(
        claims.finish, [claims.Done(row.id, row.fence, {"body": heard, "artifacts": {}}) for row in held]
    )
    world.finish()
    succeeded, failed = world.outcome(batch)
    assert [one["response"]["body"]["text"] for one in succeeded] == ["hm", "hm"]
    assert [one["response"]["status_code"] for one in failed] == [404, 400, 400, 400]
    assert world.store.read(uploads.artifact(mine)) == b"sound"
    assert not list(world.store.listing("jobs/"))


def test_a_line_names_its_files_as_openai_does(world: World) -> None:
    world.launch("film", model_type="video")
    mine, endpoint = world.file(b"picture", purpose="vision"), "/v1/videos"
    given: dict[str, dict[str, Any]] = {
        "object": {"input_reference": {"file_id": mine}},
        "two": {"input_reference": mine, "last_frame": mine, "image": None},
        "twice": {"input_reference": mine, "image": mine},
        "odd": {"input_reference": {"file_id": mine, "name": "x"}},
    }
    content = [
        json.dumps({"custom_id": k, "method": "POST", "url": endpoint, "body": {"model": "film", "prompt": "x"} | v})
        for k, v in given.items()
    ]
    world.batch("\n".join(content).encode(), endpoint=endpoint)
    for _ in range(2):
        world.turn()
    with world.database.begin() as connection:
        rows = {row.custom_id: row for row in connection.execute(sa.select(jobs))}
    assert {name: row.state for name, row in rows.items()} == {
        "object": "queued",
        "two": "queued",
        "twice": "failed",
        "odd": "failed",
    }
    assert rows["object"].files == {"image": uploads.artifact(mine)}
    assert set(rows["two"].files) == {"image", "last_image"}


ODD = {
    "deep": b'{"a": ' * 900 + b"1" + b"}" * 900,
    "as deep as goes": b'{"a": ' * 90 + b"1" + b"}" * 90,
    "endless": b'{"x": 1e999}',
    "huge": b'{"x": 123456789012345678901234567890}',
    "nul": b'{"x": "\\u0000"}',
    "half a surrogate": b'{"x": "\\ud800"}',
}


def test_ignored_fields_of_a_line_are_named_beside_its_answer(world: World) -> None:
    batch = world.batch(line("odd", body={"unheard_of": 1, "odder": 0}) + b"\n" + line("plain"))
    world.finish()
    succeeded, _ = world.outcome(batch)
    assert [one["response"].get("headers") for one in succeeded] == [{"x-headrace-ignored": "unheard_of, odder"}, None]


def test_ignored_fields_of_a_line_are_refused_where_the_setting_says_so(world: World) -> None:
    world.settings = world.settings.model_copy(update={"strict_fields": True})
    world.batching = world.steward()
    batch = world.batch(line("odd", body={"unheard_of": 1}) + b"\n" + line("plain"))
    world.finish()
    [good], [bad] = world.outcome(batch)
    assert (good["custom_id"], bad["custom_id"]) == ("plain", "odd")
    assert bad["response"]["body"]["error"]["param"] == "unheard_of"


def test_odd_bodies_hold_up_no_other_line(world: World) -> None:
    odd = [line(name, body={"chat_template_kwargs": 0}).replace(b": 0", b": " + value) for name, value in ODD.items()]
    batch = world.batch(b"\n".join([*odd, line("last")]))
    world.finish()
    assert world.row(batch).state == "completed"
    succeeded, failed = world.outcome(batch)
    assert [one["custom_id"] for one in succeeded] == ["as deep as goes", "nul", "last"]
    assert [one["custom_id"] for one in failed] == ["deep", "endless", "huge", "half a surrogate"]


def test_pictures_are_in_the_output_itself(world: World) -> None:
    world.launch("painter", engine="diffusers")
    endpoint = "/v1/images/generations"
    content = [
        json.dumps({"custom_id": str(form), "method": "POST", "url": endpoint, "body": body})
        for form in ("url", "b64_json", None)
        for body in [{"model": "painter", "prompt": "a red seven", "response_format": form}]
    ]
    batch = world.batch("\n".join(content).encode(), endpoint=endpoint)
    for _ in range(2):
        world.turn()
    for row in world.database.call(claims.claim, "painter", "me", 9, 1 << 62, claims.Lease("w", "here.cpu", 60_000)):
        key = f"jobs/{row.id}/{row.fence}/0.png"
        kept = {"0.png": {"key": key, "media_type": "image/png", "bytes": world.store.put(key, b"PNG", "image/png")}}
        body = {"created": 1, "size": "64x64", "images": [{"artifact": "0.png", "seed": 1}]}
        done = claims.Done(row.id, row.fence, {"body": body, "artifacts": kept})
        world.database.call(claims.finish, [done])
    world.finish()
    by_url, by_json, both = [one["response"]["body"]["data"][0] for one in world.outcome(batch)[0]]
    png = base64.b64encode(b"PNG").decode()
    assert by_url == {"url": f"data:image/png;base64,{png}", "seed": 1}
    assert by_json == {"b64_json": png, "seed": 1}
    assert both == by_url | by_json
    assert not list(world.store.listing("jobs/"))
