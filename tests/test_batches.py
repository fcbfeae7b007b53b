"""Batches: what is refused, what a line becomes, and that no line is lost or done twice whoever dies when."""

import base64
import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from models import batches, claims, instances, uploads
from models.artifacts import Store, open_store
from models.database import Database, now_ms
from models.errors import Conflict, InvalidRequest, NotFound, QueueFull
from models.launch import Launch, resolve
from models.settings import Settings
from models.tables import BatchState, JobState, deliveries, files, jobs, results
from tests.servers import Valkey
from workers import lines
from workers.batching import Batching
from workers.sweeping import Tidying

T = TypeVar("T")
CHAT = "/v1/chat/completions"
HOOK = "https://example.org/hook"


def line(name: Any, **fields: Any) -> bytes:
    """A line of an input file."""
    body = {"model": "echo", "messages": [{"role": "user", "content": f"say {name}"}]} | fields.pop("body", {})
    return json.dumps({"custom_id": name, "method": "POST", "url": CHAT, "body": body} | fields).encode()


class Killed(BaseException):
    """Stands for a kill -9: nothing that handles errors handles it."""


class Mortal(Database):
    """A database whose user is killed at a transaction of its own: just before it, or just after its commit."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.calls = 0
        self.dies_at: float | None = None

    def call(self, function: Callable[..., T], *args: Any) -> T:
        self.calls += 1
        if self.dies_at is not None and self.calls > self.dies_at:
            raise Killed
        found = super().call(function, *args)
        if self.dies_at is not None and self.calls + 0.5 > self.dies_at:
            raise Killed
        return found


class World:
    """A steward's feeder, taken step by step, and a worker that does whatever waits."""

    def __init__(self, database: Database, store: Store, valkey: Valkey, home: Path) -> None:
        self.database = database
        self.store = store
        self.settings = Settings(home=home)
        self.client = valkey.client()
        self.batching = self.steward()

    def steward(self, database: Database | None = None) -> Batching:
        """A new one."""
        return Batching(self.settings, database or self.database, self.store, self.client)

    def launch(self, uid: str, engine: str = "echo", **fields: Any) -> None:
        """A model of this engine, that nobody serves."""
        launch = Launch(model_uid=uid, model_name="echo", model_engine="echo", **fields)
        values = resolve(launch, trust_remote_code=False)
        self.database.call(instances.create, values | {"engine": engine})

    def file(self, content: bytes, *, key: str = "me", purpose: str = "batch") -> str:
        """An uploaded file."""
        name = uploads.new_id()
        self.store.put(uploads.artifact(name), content, "application/jsonl")
        values = {"id": name, "api_key_id": key, "filename": "in.jsonl", "purpose": purpose, "bytes": len(content)}
        self.database.call(lambda c: uploads.create(c, **values))
        return name

    def batch(self, content: bytes, *, endpoint: str = CHAT, key: str = "me", webhook: str | None = HOOK) -> str:
        """A batch of this input."""
        values = {"api_key_id": key, "endpoint": endpoint, "input_file_id": self.file(content), "webhook": webhook}
        return str(self.database.call(lambda c: batches.create(c, **values)).id)

    def row(self, batch: str) -> Any:
        """The batch."""
        return self.database.call(batches.get, batch, None)

    def turn(self) -> bool:
        """One turn of the feeder, and all that it set going."""
        found = self.batching.turn()
        self.batching.settle()
        return found

    def work(self, most: int = 1000, uid: str = "echo") -> int:
        """Do up to so many jobs; how many. One that is to say "fail" fails."""

        def some(connection: Any) -> int:
            lease = claims.Lease("worker", "here.cpu", 60_000)
            rows = claims.claim(connection, uid, "me", most, 1 << 62, lease)
            done = [_done(row) for row in rows]
            claims.finish(connection, done)
            return len(rows)

        return self.database.call(some)

    def finish(self) -> None:
        """Go on until no batch is open."""
        while self.turn():
            self.work()

    def entries(self, file: str | None) -> list[Any]:
        """The lines of an output file."""
        return [] if file is None else [json.loads(one) for one in self.store.read(uploads.artifact(file)).splitlines()]

    def outcome(self, batch: str) -> tuple[list[Any], list[Any]]:
        """The lines of both files."""
        row = self.row(batch)
        return self.entries(row.output_file_id), self.entries(row.error_file_id)

    def events(self) -> list[str]:
        """The webhooks that are to be sent."""
        with self.database.begin() as connection:
            bodies = connection.execute(sa.select(deliveries.c.body).order_by(deliveries.c.created_at)).scalars()
            return [json.loads(body)["type"] for body in bodies]

    def count(self, table: sa.Table) -> int:
        """Rows of this table."""
        with self.database.begin() as connection:
            return int(connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one())


def _done(row: Any) -> claims.Done:
    said = row.request["messages"][-1]["content"]
    if "fail" in said:
        return claims.Done(row.id, row.fence, error=InvalidRequest("no", param="messages"))
    usage = {"prompt_tokens": 2, "completion_tokens": 1, "prompt_tokens_details": {"cached_tokens": 1}}
    return claims.Done(row.id, row.fence, {"body": {"said": said, "usage": usage}, "artifacts": {}})


@pytest.fixture
def world(database: Database, valkey: Valkey, tmp_path: Path) -> Iterator[World]:
    made = World(database, open_store((tmp_path / "artifacts").as_uri()), valkey, tmp_path)
    made.launch("echo")
    yield made
    made.batching.close()
    made.client.close()


# ---- reading -----------------------------------------------------------------------------------------------


def test_lines_are_read_from_anywhere(tmp_path: Path) -> None:
    path = tmp_path / "in.jsonl"
    path.write_bytes(b"\xef\xbb\xbfone\r\n\n  \n two \nthree")
    found = list(lines.read(path))
    assert [text for text, _ in found] == [b"one", b"two", b"three"]
    for number, (_, offset) in enumerate(found, 1):
        assert list(lines.read(path, offset)) == found[number:]


@given(st.lists(st.binary(max_size=40) | st.sampled_from([line("a"), line("b"), b"{}", b'{"a":' * 10_000, b"[]"])))
def test_no_line_is_too_strange_to_be_judged(given: list[bytes]) -> None:
    total, errors = lines.check(given, 0, CHAT)
    assert total <= len(given)
    assert errors or any(lines.custom_id(one) for one in given)


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
        (line("a") + b"\n" + b'"' + b"x" * (1 << 20) + b'"\n' + line("b"), "line_too_long", 2),
        (b"\x89PNG\r\n\x1a", "invalid_json_line", 1),
    ],
)
def test_a_file_that_makes_no_sense_is_refused(content: bytes, code: str, where: int | None, tmp_path: Path) -> None:
    path = tmp_path / "in.jsonl"
    path.write_bytes(content)
    _, [error, *_] = lines.check((one for one, _ in lines.read(path)), len(content), CHAT)
    assert (error["code"], error["line"]) == (code, where)


def test_a_file_that_is_too_large_is_refused() -> None:
    assert lines.check([], 200 * 1024 * 1024 + 1, CHAT)[1][0]["code"] == "file_too_large"
    assert lines.check((line(str(n)) for n in range(50_001)), 0, CHAT)[1][0]["code"] == "too_many_lines"
    assert lines.check((line(str(n)) for n in range(50_000)), 0, CHAT) == (50_000, [])


# ---- a batch's life ----------------------------------------------------------------------------------------


def test_every_line_is_answered_once_and_in_order(world: World) -> None:
    good = [line(f"n{number}") for number in range(700)]
    bad = [b"{", line("unknown", body={"model": "nobody"}), line("odd", body={"colour": 1}), line("fail")]
    bad.append(json.dumps(json.loads(line("no body")) | {"body": 1}).encode())
    content = b"\n".join(good[:350] + bad + good[350:]) + b"\n"
    batch = world.batch(content)
    world.turn()
    assert (world.row(batch).state, world.row(batch).total) == ("in_progress", 705)
    world.turn()
    assert world.count(jobs) == 500
    world.finish()
    row = world.row(batch)
    assert (row.state, row.offset) == ("completed", len(content))
    succeeded, failed = world.outcome(batch)
    assert [one["custom_id"] for one in succeeded] == [f"n{number}" for number in range(700)]
    assert succeeded[3]["response"]["status_code"] == 200
    assert succeeded[3]["response"]["body"]["said"] == "say n3"
    assert succeeded[3]["error"] is None
    assert [one["custom_id"] for one in failed] == [None, "unknown", "odd", "fail", "no body"]
    assert failed[0]["response"] is None
    assert failed[0]["error"]["code"] == "invalid_json_line"
    codes = [(one["response"]["status_code"], one["response"]["body"]["error"]["code"]) for one in failed[1:]]
    assert codes == [
        (404, "model_not_found"),
        (400, "unknown_parameter"),
        (400, "invalid_value"),
        (400, "invalid_value"),
    ]
    assert (row.counts["completed"], row.counts["failed"]) == (700, 5)
    assert row.counts["usage"]["total_tokens"] == 2100
    assert (world.count(jobs), world.count(results)) == (0, 0)
    assert world.events() == ["batch.completed"]
    assert len({one["id"] for one in succeeded + failed}) == 705


def test_a_file_of_nonsense_fails_and_says_why(world: World) -> None:
    batch = world.batch(line("a") + b"\n" + line("a"))
    world.finish()
    row = world.row(batch)
    assert (row.state, row.output_file_id, row.errors[0]["code"]) == ("failed", None, "duplicate_custom_id")
    assert world.events() == ["batch.failed"]


def test_a_batch_is_cancelled_with_what_it_has(world: World) -> None:
    batch = world.batch(b"\n".join(line(f"n{number}") for number in range(900)))
    for _ in range(2):
        world.turn()
    world.work(100)
    held = world.database.call(claims.claim, "echo", "me", 2, 1 << 62, claims.Lease("w", "there.cpu", 60_000))
    assert world.database.call(batches.cancel, batch) == ["there.cpu"]
    assert world.database.call(batches.cancel, batch) == []
    world.turn()
    assert world.row(batch).state == "cancelling"  # two still run
    world.database.call(claims.finish, [claims.Done(row.id, row.fence, error=InvalidRequest()) for row in held])
    world.finish()
    assert world.row(batch).state == "cancelled"
    succeeded, failed = world.outcome(batch)
    assert len(succeeded) == 100
    assert [one["custom_id"] for one in failed] == [f"n{number}" for number in range(100, 900)]
    assert {one["error"]["code"] for one in failed} == {"batch_cancelled"}
    assert world.row(batch).counts["failed"] == 0
    assert world.events() == ["batch.cancelled"]
    world.database.call(batches.cancel, batch)
    over = world.batch(line("a"))
    world.finish()
    with pytest.raises(Conflict):
        world.database.call(batches.cancel, over)


def test_a_batch_cancelled_before_it_began_has_no_files(world: World) -> None:
    batch = world.batch(line("a"))
    world.database.call(batches.cancel, batch)
    world.finish()
    assert (world.row(batch).state, *world.outcome(batch)) == ("cancelled", [], [])


def test_what_is_left_when_the_window_closes_is_expired(world: World) -> None:
    batch = world.batch(b"\n".join(line(f"n{number}") for number in range(600)))
    for _ in range(2):
        world.turn()
    world.work(50)
    with world.database.begin() as connection:
        connection.execute(sa.update(batches.batches).values(expires_at=now_ms() - 1))
        connection.execute(sa.update(jobs).where(jobs.c.state == JobState.QUEUED).values(deadline=now_ms() - 10))
    while world.database.call(claims.sweep):
        pass
    world.finish()
    row = world.row(batch)
    assert row.state == "expired"
    assert (row.counts["completed"], row.counts["failed"]) == (50, 550)
    succeeded, failed = world.outcome(batch)
    assert len(succeeded) == 50
    assert [one["custom_id"] for one in failed] == [f"n{number}" for number in range(50, 600)]
    assert {one["error"]["code"] for one in failed} == {"batch_expired"}


def test_no_line_is_lost_or_doubled_whenever_the_steward_is_killed(world: World, database_url: str) -> None:
    """Killed before and after every transaction, with two batches under way; each time another goes on."""
    world.batching.close()
    names = [f"n{number}" for number in range(560)]
    content = b"\n".join([*map(line, names[:300]), b"nonsense", *map(line, names[300:])])
    mortal, deaths = Mortal(database_url), 0
    made = [world.batch(content), world.batch(content)]
    while world.database.call(batches.open_ones):
        for lifetime in (0.5, 1, 1.5, 2, 2.5, 3, 3.5, 4.5, 6.5, 9, 14.5):
            mortal.calls, mortal.dies_at = 0, lifetime
            world.batching = world.steward(mortal)
            try:
                while world.turn():
                    world.work(130)
            except Killed:
                deaths += 1
            finally:
                world.batching.close()
    mortal.close()
    world.batching = world.steward()
    assert deaths > 20
    for batch in made:
        assert world.row(batch).state == "completed"
        succeeded, failed = world.outcome(batch)
        assert [one["custom_id"] for one in succeeded] == names
        assert [one["error"]["code"] for one in failed] == ["invalid_json_line"]
    assert Counter(world.events()) == {"batch.completed": 2}
    Tidying(world.settings, world.database, world.store).tidy(young_s=-1)
    assert (world.count(jobs), world.count(results)) == (0, 0)
    kept = {one.key for one in world.store.listing()}
    with world.database.begin() as connection:
        assert kept == {uploads.artifact(one) for one in connection.execute(sa.select(files.c.id)).scalars()}


def test_two_stewards_that_overlap_do_no_harm(world: World) -> None:
    batch = world.batch(b"\n".join(line(f"n{number}") for number in range(40)))
    world.turn()
    row = world.row(batch)
    view = world.database.call(batches.open_ones)[0]
    world.batching.feed(view, 20)
    world.batching.feed(view, 30)  # by another, who looked before
    assert world.count(jobs) == 20
    assert world.row(batch).lines == 20
    world.finish()
    assert len(world.outcome(batch)[0]) == 40
    files_then = world.count(files)
    world.batching._finaliser.finish(row)  # by another, who looked long ago
    assert world.count(files) == files_then
    assert len(world.outcome(batch)[0]) == 40


def test_queues_stay_short_with_many_batches(world: World) -> None:
    content = b"\n".join(line(f"n{number}") for number in range(120))
    for _ in range(45):
        world.batch(content)
    for _ in range(2):
        world.turn()
    assert 45 * 50 <= world.count(jobs) <= 45 * 50 + 100
    for _ in range(batches.MOST_OPEN - 45):
        world.batch(content)
    with pytest.raises(QueueFull):
        world.batch(content)


def test_a_model_that_sleeps_is_woken(world: World) -> None:
    world.launch("sleeper", load_on_request=True)
    world.batch(line("a", body={"model": "sleeper"}))
    for _ in range(2):
        world.turn()
    [replica] = world.database.call(instances.replicas_of, "sleeper")
    assert replica.state == "pending"


def test_an_input_that_is_gone_fails_the_batch(world: World) -> None:
    batch = world.batch(b"\n".join(line(f"n{number}") for number in range(600)))
    for _ in range(2):
        world.turn()
    world.work(400)
    world.store.delete([uploads.artifact(world.row(batch).input_file_id)])
    world.finish()
    assert (world.row(batch).state, world.row(batch).errors[0]["code"]) == ("failed", "file_not_found")
    Tidying(world.settings, world.database, world.store).tidy()
    assert world.count(jobs) == 0


# ---- files of lines, and files -----------------------------------------------------------------------------


def test_files_of_lines_are_ids_or_data_urls(world: World) -> None:
    world.launch("whisper", engine="faster_whisper")
    mine, theirs = world.file(b"sound", purpose="user_data"), world.file(b"secret", key="other")
    url = "data:audio/wav;base64," + base64.b64encode(b"RIFF").decode()
    given = {"mine": mine, "inline": url, "theirs": theirs, "web": "https://example.org/a.wav", "broken": url[:-1]}
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


def test_pictures_are_in_the_output_itself(world: World) -> None:
    world.launch("painter", engine="diffusers")
    endpoint = "/v1/images/generations"
    content = [
        json.dumps({"custom_id": form, "method": "POST", "url": endpoint, "body": body})
        for form in ("url", "b64_json")
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
    by_url, by_json = world.outcome(batch)[0]
    png = base64.b64encode(b"PNG").decode()
    assert by_url["response"]["body"]["data"][0]["url"] == f"data:image/png;base64,{png}"
    assert by_json["response"]["body"]["data"][0]["b64_json"] == png
    assert not list(world.store.listing("jobs/"))


def test_files_go_when_their_time_has_come_unless_a_batch_reads_them(world: World) -> None:
    batch = world.batch(line("a"))
    needed, spare = world.row(batch).input_file_id, world.file(b"x")
    with world.database.begin() as connection:
        connection.execute(sa.update(files).values(expires_at=now_ms() - 1))
    tidying = Tidying(world.settings, world.database, world.store)
    tidying.tidy()
    assert {one.key for one in world.store.listing()} == {uploads.artifact(needed)}
    with world.database.begin() as connection:
        connection.execute(sa.update(files).values(expires_at=now_ms() + 60_000))
        with pytest.raises(Conflict):
            uploads.delete(connection, needed, "me")
    world.finish()
    world.database.call(uploads.delete, needed, "me")
    with pytest.raises(NotFound):
        world.database.call(uploads.get, needed, "me")
    assert spare != needed


def test_files_without_a_row_are_swept(world: World) -> None:
    kept, lost = world.file(b"x"), uploads.artifact(uploads.new_id())
    world.store.put(lost, b"y", "text/plain")
    tidying = Tidying(world.settings, world.database, world.store)
    tidying.tidy()
    assert world.store.head(lost).size == 1  # it may have been stored for a row that is about to come
    tidying.tidy(young_s=-1)
    assert {one.key for one in world.store.listing()} == {uploads.artifact(kept)}


def test_files_are_listed_page_by_page(world: World) -> None:
    made = [world.file(b"x", purpose=purpose) for purpose in ("batch", "vision", "batch", "batch")]
    world.file(b"x", key="other")

    def page(**options: Any) -> list[str]:
        return [row.id for row in world.database.call(lambda c: uploads.listing(c, "me", **options))]

    assert set(page()) == set(made)
    assert page(newest_first=False) == page()[::-1]
    assert set(page(purpose="batch")) == {made[0], made[2], made[3]}
    assert page(after=page()[1]) == page()[2:]
    assert page(after=page()[1], newest_first=False) == page()[:1]
    assert len(page(limit=1)) == 2  # one more, to know that there is
    with pytest.raises(NotFound):
        page(after="file-nobody")


def test_old_batches_are_forgotten(world: World) -> None:
    old, recent = world.batch(line("a")), world.batch(line("a"))
    world.finish()
    month_ms = int(world.settings.file_retention_s * 1000)
    with world.database.begin() as connection:
        table = batches.batches
        connection.execute(sa.update(table).where(table.c.id == old).values(created_at=now_ms() - month_ms - 1))
    Tidying(world.settings, world.database, world.store).tidy()
    assert world.row(recent).state == BatchState.COMPLETED
    with pytest.raises(NotFound):
        world.row(old)


def test_ten_thousand_lines_are_fed_fast(world: World) -> None:
    """Some seconds at most for all that the feeder does; what is done to the lines is not its own."""
    batch = world.batch(b"\n".join(line(f"n{number}") for number in range(10_000)))
    spent = 0.0
    while world.row(batch).state != BatchState.COMPLETED:
        began = time.monotonic()
        world.turn()
        spent += time.monotonic() - began
        world.work(500)
    print(f"{spent:.1f} s")
    assert spent < 30, f"{spent:.1f} s"
    assert len(world.outcome(batch)[0]) == 10_000
