"""Batches through OpenAI's own client on real processes, some of which are killed."""

import json
import os
import signal
import time
from typing import Any

import httpx
import openai
import pytest
from standardwebhooks import Webhook

from tests.e2e.media.studio import seen
from tests.e2e.sites import CHAT, Site, line
from tests.support.servers import wait_for
from tests.workers.steward.test_webhook_delivery import SECRET, Receiver, receiver

__all__ = ["receiver"]  # a fixture

pytestmark = pytest.mark.e2e


def test_a_batch_is_done_whoever_is_killed(site: Site, receiver: Receiver) -> None:
    """More lines than are fed at once: whoever leads next goes on where the one before was killed."""
    lines = [line(f"n{number}") for number in range(592)]
    names = [f"n{number}" for number in range(592)]
    odd = {
        40: (b"{nonsense", None, "invalid_json_line"),
        140: (b'["no", "object"]', None, "invalid_json_line"),
        240: (line("unknown", model="nobody"), "unknown", "model_not_found"),
        340: (line("odd", temprature=1), "odd", "unknown_parameter"),
        440: (line("hot", temperature="hot"), "hot", "invalid_value"),
        520: (b"\xff\xfe", None, "invalid_json_line"),
        590: (line("last", messages=[]), "last", "invalid_value"),
    }
    for where, (content, _, _) in odd.items():
        lines.insert(where, content)
    made = site.batch(*lines, webhook=f"{receiver.url}/hook")
    assert (made.status, made.endpoint, made.completion_window) == ("validating", CHAT, "24h")
    assert made.expires_at == made.created_at + 86_400

    running = site.reaches(made.id, 30)
    assert (running.status, running.request_counts and running.request_counts.total) == ("in_progress", 599)
    site.kill("steward")
    os.kill(site.pids()["runner"][0], signal.SIGKILL)
    site.reaches(made.id, 200)
    began = time.monotonic()
    site.one.chat.completions.create(model="echo", messages=[{"role": "user", "content": "x"}], max_tokens=5)
    assert time.monotonic() - began < 5, "nobody waits for a batch"

    done = site.ended(made.id)
    assert (done.status, done.errors, done.metadata) == ("completed", None, {"whose": "mine"})
    assert done.request_counts is not None
    assert done.request_counts.to_dict() == {"total": 599, "completed": 592, "failed": 7}
    assert done.created_at <= (done.in_progress_at or 0) <= (done.finalizing_at or 0) <= (done.completed_at or 0)
    good, bad = site.entries(done.output_file_id), site.entries(done.error_file_id)
    assert [one["custom_id"] for one in good] == names
    assert [one["response"]["body"]["choices"][0]["message"]["content"].split()[0] for one in good] == names
    assert [one["custom_id"] for one in bad] == [name for _, name, _ in odd.values()]
    assert [_code(one) for one in bad] == [code for _, _, code in odd.values()]
    assert len({one["id"] for one in good + bad}) == 599
    assert done.usage is not None
    assert done.usage.output_tokens == 592 * 12

    wait_for(lambda: receiver.got, 15)
    [(path, headers, body)] = receiver.got
    told = Webhook(SECRET).verify(body, headers)
    assert (path, told["type"], told["data"]["id"]) == ("/hook", "batch.completed", made.id)


def _code(entry: dict[str, Any]) -> Any:
    if entry["error"]:
        return entry["error"]["code"]
    return entry["response"]["body"]["error"]["code"]


def test_a_cancelled_batch_keeps_what_it_has(site: Site) -> None:
    names = [f"n{number}" for number in range(300)]
    made = site.batch(*(line(name, max_tokens=30) for name in names))
    site.reaches(made.id, 20)
    assert site.one.batches.cancel(made.id).status in ("cancelling", "cancelled")
    done = site.ended(made.id, 20)
    assert done.status == "cancelled"
    assert done.cancelled_at
    assert done.request_counts is not None
    assert done.request_counts.failed == 0
    good, bad = ([one["custom_id"] for one in site.entries(f)] for f in (done.output_file_id, done.error_file_id))
    assert 20 <= len(good) == done.request_counts.completed < 300
    assert sorted(good + bad) == sorted(names)
    assert (good, bad) == (sorted(good, key=names.index), sorted(bad, key=names.index))
    assert {one["error"]["code"] for one in site.entries(done.error_file_id)} == {"batch_cancelled"}
    assert site.one.batches.cancel(made.id).status == "cancelled"


def test_lines_that_failed_are_told_with_their_cause_while_it_runs(site: Site) -> None:
    def failures(batch: str, key: str = "one", **query: str | int) -> httpx.Response:
        headers = {"Authorization": f"Bearer {key}"}
        return httpx.get(f"{site.url}/v1/batches/{batch}/failures", params=query, headers=headers)

    waits = [line(f"n{number}", max_tokens=30) for number in range(300)]
    made = site.batch(line("z", n=-1), b"{", line("nobody", model="nobody"), *waits)
    told = wait_for(lambda: len(found := failures(made.id).json()["data"]) == 3 and found, 20)
    assert site.one.batches.retrieve(made.id).status == "in_progress"
    assert [(one["line"], one["custom_id"], one["status_code"], one["code"], one["param"]) for one in told] == [
        (1, "z", 400, "invalid_value", "n"),
        (2, None, None, "invalid_json_line", None),
        (3, "nobody", 404, "model_not_found", "model"),
    ]
    page = failures(made.id, after=told[0]["id"], limit=1).json()
    assert (page["data"], page["has_more"]) == (told[1:2], True)
    assert failures(made.id, "two").status_code == 404
    site.one.batches.cancel(made.id)
    done = site.ended(made.id, 20)
    assert failures(made.id).json()["data"] == []
    assert [one["custom_id"] for one in site.entries(done.error_file_id)][:3] == [one["custom_id"] for one in told]


def test_custom_ids_used_twice_fail_the_file(site: Site) -> None:
    done = site.ended(site.batch(line("a"), line("b"), line("a")).id)
    assert (done.status, done.output_file_id, done.error_file_id) == ("failed", None, None)
    assert done.failed_at
    assert done.errors is not None
    assert [(one.code, one.line) for one in done.errors.data or []] == [("duplicate_custom_id", 3)]
    with pytest.raises(openai.ConflictError):
        site.one.batches.cancel(done.id)


def test_a_batch_is_its_keys_alone(site: Site) -> None:
    made = site.batch(line("mine", max_tokens=1))
    done = site.ended(made.id)
    assert done.output_file_id is not None
    for ask in (
        lambda: site.two.batches.retrieve(made.id),
        lambda: site.two.batches.cancel(made.id),
        lambda: site.two.files.content(done.output_file_id or ""),
        lambda: site.two.batches.create(input_file_id=made.input_file_id, endpoint=CHAT, completion_window="24h"),
        lambda: site.two.batches.list(after=made.id),
        lambda: site.one.batches.retrieve("batch_nobody"),
    ):
        with pytest.raises(openai.NotFoundError):
            ask()
    assert site.two.batches.list().data == []
    more = [site.batch(line("x", max_tokens=1)).id for _ in range(2)]
    listed = [one.id for one in site.one.batches.list(limit=1)]
    assert listed[:3] == [*more[::-1], made.id]
    query: dict[str, list[str] | int] = {"status": ["completed", "failed"], "limit": 100}
    asked = httpx.get(f"{site.url}/v1/batches", params=query, headers={"Authorization": "Bearer one"})
    over = asked.json()["data"]
    assert made.id in [one["id"] for one in over]
    assert {one["status"] for one in over} <= {"completed", "failed"}
    with pytest.raises(openai.BadRequestError) as refused:
        site.one.batches.list(extra_query={"status": "done"})
    assert refused.value.param == "status[0]"


@pytest.mark.parametrize(
    ("changed", "param"),
    [
        ({"endpoint": "/v1/moderations"}, "endpoint"),
        ({"completion_window": "1h"}, "completion_window"),
        ({"metadata": {"k": "v" * 513}}, "metadata.k"),
        ({"webhook": "http://10.0.0.1/"}, "webhook"),
        ({"metdata": {}}, "metdata"),
        ({"input_file_id": "images"}, "input_file_id"),
    ],
)
def test_what_makes_no_batch_is_refused(site: Site, changed: dict[str, object], param: str) -> None:
    picture = site.one.files.create(file=("a.png", b"x"), purpose="vision").id
    asked = {"input_file_id": site.upload(line("a")), "endpoint": CHAT, "completion_window": "24h"} | changed
    if asked["input_file_id"] == "images":
        asked["input_file_id"] = picture
    answer = httpx.post(f"{site.url}/v1/batches", json=asked, headers={"Authorization": "Bearer one"})
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)


@pytest.mark.weights
def test_pictures_are_drawn_in_a_batch(site: Site) -> None:
    site.client.launch({"model_name": "glyphs"})
    site.client.wait_ready("glyphs")
    url = "/v1/images/generations"
    asked = {"n": 1, "response_format": "b64_json", "seed": 3}
    wishes = [
        {"custom_id": what, "method": "POST", "url": url, "body": {"model": "glyphs", "prompt": f"a {what}", **asked}}
        for what in ("red seven", "green star")
    ]
    done = site.ended(site.batch(*(json.dumps(one).encode() for one in wishes), endpoint=url).id)
    assert (done.status, done.error_file_id) == ("completed", None)
    drawn = {one["custom_id"]: one["response"]["body"]["data"] for one in site.entries(done.output_file_id)}
    assert {what: [seen(one["b64_json"]) for one in data] for what, data in drawn.items()} == {
        "red seven": ["red seven"],
        "green star": ["green star"],
    }
