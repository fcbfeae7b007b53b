"""Videos as views of jobs: a key's own, page by page, and the events of their ends."""

from typing import Any

import pytest

from models.errors import EngineFailure, NotFound
from models.rows import claims, outbox, videos, webhooks
from models.rows.claims import Done, Lease
from models.rows.database import Database
from models.rows.videos import MARK, job_of, video_of
from tests.models.rows.test_jobs import ANY_RANK, submit

KIND = "videos.generations"
URL = "https://example.org/"


def page(database: Database, key: str = "me", **options: Any) -> list[str]:
    """The ids of a page of this key's videos."""
    wanted: dict[str, Any] = {"after": None, "limit": 20, "ascending": False} | options
    return [one.row.id for one in database.call(lambda connection: videos.listing(connection, key, **wanted))]


def finish(database: Database, failed: str = "") -> None:
    """End all jobs that wait; ``failed`` is the one that does not succeed."""
    for row in database.call(claims.claim, "m", "me", 9, ANY_RANK, Lease("w", "d", 60_000)):
        error = EngineFailure() if row.id == failed else None
        done = Done(row.id, row.fence, None if error else {"body": {"seed": 1}, "artifacts": {}}, error=error)
        database.call(lambda connection, one=done: outbox.notify(connection, claims.finish(connection, [one])))


def test_an_id_names_a_job_and_back() -> None:
    assert job_of("video_1a") == "job_1a"
    assert video_of("job_1a") == "video_1a"


def test_pages_go_both_ways_and_have_videos_alone(database: Database) -> None:
    made = [submit(database, kind=KIND) for _ in range(5)]
    submit(database)
    submit(database, "them", kind=KIND)
    newest = page(database)
    assert set(newest) == set(made)
    assert page(database, ascending=True) == newest[::-1]
    first = page(database, limit=2)
    assert len(first) == 3, "one more, to know that there is"
    assert page(database, limit=2, after=video_of(first[1])) == newest[2:5]
    assert page(database, ascending=True, after=video_of(newest[3])) == newest[2::-1]


def test_a_video_has_its_result_once_it_is_made(database: Database) -> None:
    job = submit(database, kind=KIND)
    assert database.call(videos.get, video_of(job), "me").result is None
    finish(database)
    [listed] = database.call(lambda one: videos.listing(one, "me", after=None, limit=1, ascending=True))
    assert listed == database.call(videos.get, video_of(job), "me")
    assert listed.result is not None
    assert listed.result["body"] == {"seed": 1}


def test_what_is_not_this_keys_video_is_not_there(database: Database) -> None:
    other, theirs = submit(database), submit(database, "them", kind=KIND)
    for id in (video_of(other), video_of(theirs), other, "video_", "video_\0", "video_ä", ""):
        with pytest.raises(NotFound) as missing:
            database.call(videos.get, id, "me")
        assert missing.value.param == "id"
    with pytest.raises(NotFound) as gone:
        page(database, after=video_of(theirs))
    assert gone.value.param == "after"


def test_the_end_of_a_video_is_openais_event_if_it_was_asked_for_there(database: Database) -> None:
    mark: dict[str, Any] = {"kind": KIND, "webhook": URL, "metadata": {MARK: ""}}
    done, failed, plain = submit(database, **mark), submit(database, **mark), submit(database, kind=KIND, webhook=URL)
    cancelled = submit(database, **mark)
    database.call(outbox.cancel, cancelled)
    finish(database, failed)
    types = {job: [one["type"] for one in database.call(webhooks.log_of, job)] for job in (done, failed, plain)}
    assert types == {done: ["video.completed"], failed: ["video.failed"], plain: ["job.succeeded"]}
    [end] = database.call(webhooks.log_of, cancelled)
    assert end["type"] == "video.failed"
