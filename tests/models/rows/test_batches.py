"""Batches: that no line is lost or done twice whoever dies when, and how each ends."""

import json
from collections import Counter

import pytest
import sqlalchemy as sa

from models.errors import Conflict, HeadraceError, InvalidRequest, NotFound, QueueFull
from models.rows import batches, claims, instances, uploads
from models.rows import jobs as submissions
from models.rows.database import now_ms
from models.rows.jobs import NewJob, Submitted
from models.rows.records import BatchLine
from models.rows.states import BatchState, JobState
from models.rows.tables import batches as table
from models.rows.tables import files, jobs, results
from tests.support.batching import Killed, Mortal, World, line, world
from workers.steward.batch_finaliser import end_of
from workers.steward.sweeping import Tidying

__all__ = ["world"]  # a fixture


def test_every_line_is_answered_once_and_in_order(world: World) -> None:
    good = [line(f"n{number}") for number in range(700)]
    bad = [b"{", line("unknown", body={"model": "nobody"}), line("odd", body={"temprature": 1}), line("fail")]
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


def test_those_in_some_states_are_listed_alone_and_in_pages(world: World) -> None:
    def listed(*states: BatchState, after: str | None = None) -> list[str]:
        return [row.id for row in world.database.call(lambda c: batches.listing(c, "me", states=states, after=after))]

    failed = [world.batch(b"nonsense") for _ in range(2)]
    world.turn()
    waits = world.batch(line("a"))
    assert listed() == sorted([*failed, waits], key=[*failed, waits].index, reverse=True)
    assert listed(BatchState.FAILED) == failed[::-1]
    assert listed(BatchState.FAILED, after=failed[1]) == failed[:1]
    assert listed(BatchState.VALIDATING, BatchState.IN_PROGRESS) == [waits]
    assert listed(BatchState.COMPLETED) == []


def test_lines_that_failed_are_told_while_others_wait(world: World) -> None:
    bad = [b"{", line("odd", body={"temprature": 1}), line("fail")]
    batch = world.batch(b"\n".join([line("a"), *bad, *(line(f"n{number}") for number in range(90))]))
    for _ in range(2):
        world.turn()
    world.work(20)
    other = world.batch(line("odd", body={"temprature": 1}))
    for _ in range(2):
        world.turn()

    def failures(after: str | None = None, limit: int = 9, of: str = batch) -> list[BatchLine]:
        return world.database.call(lambda c: batches.failures(c, of, after, limit))

    found = failures()
    assert world.row(batch).state == "in_progress"
    assert [(one.line, one.custom_id) for one in found] == [(1, None), (2, "odd"), (3, "fail")]
    assert [HeadraceError.from_row(one.error).code for one in found][:2] == ["invalid_json_line", "unknown_parameter"]
    assert failures(after=found[0].id, limit=1) == found[1:2]
    assert failures(after=found[2].id) == []
    assert failures(after=failures(of=other)[0].id) == [], "the line of another batch"
    world.finish()
    assert failures() == []


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
    with world.database.begin() as connection:
        query = sa.select(jobs.c.error).where(jobs.c.state == JobState.CANCELLED)
        assert {HeadraceError.from_row(error).code for error in connection.execute(query).scalars()} == {"cancelled"}
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
        connection.execute(sa.update(table).values(expires_at=now_ms() - 1))
        connection.execute(sa.update(jobs).where(jobs.c.state == JobState.QUEUED).values(deadline=now_ms() - 10))
    for _ in range(2):  # 500 at a time
        world.database.call(claims.sweep)
    assert not world.database.call(claims.sweep)
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
    lives = [0.5, 1, 1.5, 2, 2.5, 3, 3.5, 4.5, 6.5, 9, 14.5] * 4
    lives += [half / 2 for half in range(10, 70)]  # to finalise takes some twenty transactions in one life
    for life in lives:
        mortal.calls, mortal.dies_at = 0, life
        world.batching = world.steward(mortal)
        try:
            while world.turn():
                world.work(130)
        except Killed:
            deaths += 1
        else:
            break
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
    view = world.database.call(batches.open_batches)[0]
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


def test_an_end_that_an_older_row_was_judged_by_does_not_count(world: World) -> None:
    batch = world.batch(b"\n".join(line(f"n{number}") for number in range(3)))
    world.turn()
    stale = world.row(batch)  # none of its lines is fed yet
    for _ in range(2):
        world.turn()
        world.work()
    assert world.row(batch).state == "finalizing"
    world.batching._finaliser.finish(stale)
    assert world.row(batch).state == "finalizing"
    assert {one.key for one in world.store.listing()} == {uploads.artifact(stale.input_file_id)}
    world.finish()
    assert (world.row(batch).state, len(world.outcome(batch)[0])) == ("completed", 3)


@pytest.mark.parametrize(
    ("state", "tally", "left", "end"),
    [
        ("finalizing", {"succeeded": 2, "failed": 1}, 0, "completed"),
        ("finalizing", {"succeeded": 2, "expired": 1}, 0, "expired"),
        ("finalizing", {"succeeded": 2}, 1, "expired"),
        ("cancelling", {"succeeded": 2, "expired": 1}, 1, "cancelled"),
    ],
)
def test_how_a_batch_ends(state: str, tally: dict[str, int], left: int, end: str) -> None:
    assert end_of(state, tally, left) == end


def test_lines_are_fed_up_to_the_window(world: World) -> None:
    world.batch(b"\n".join(line(f"n{number}") for number in range(1500)))
    for done in (0, 300, 249):
        world.work(done)
        for _ in range(2):
            world.turn()
        with world.database.begin() as connection:
            query = sa.select(sa.func.count()).where(jobs.c.state == JobState.QUEUED)
            assert connection.execute(query).scalar_one() == (500 if done != 249 else 251), (
                "few are left, or none is fed"
            )


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


def test_old_batches_are_forgotten(world: World) -> None:
    old, recent = world.batch(line("a")), world.batch(line("a"))
    world.finish()
    month_ms = int(world.settings.file_retention_s * 1000)
    with world.database.begin() as connection:
        connection.execute(sa.update(table).where(table.c.id == old).values(created_at=now_ms() - month_ms - 1))
    Tidying(world.settings, world.database, world.store).tidy()
    assert world.row(recent).state == BatchState.COMPLETED
    with pytest.raises(NotFound):
        world.row(old)


def test_thousands_of_lines_take_few_transactions(world: World, database_url: str) -> None:
    counting = Mortal(database_url)
    world.batching.close()
    world.batching = world.steward(counting)
    batch = world.batch(b"\n".join(line(f"n{number}") for number in range(4_000)))
    for _ in range(100):
        if not world.turn():
            break
        world.work(500)
    assert counting.calls < 4_000 / 25
    assert len(world.outcome(batch)[0]) == 4_000
    counting.close()


def test_lines_take_no_room_from_other_jobs(world: World) -> None:
    world.batch(b"\n".join(line(f"n{number}") for number in range(30)))
    for _ in range(2):
        world.turn()
    assert world.count(jobs) == 30

    def submit() -> list[object]:
        new = [NewJob(submissions.new_id(), "chat.completions", "echo", {}, "me", key_bound=2) for _ in range(3)]
        return list(world.database.call(submissions.submit, new, 2))

    first, second, third = submit()
    assert isinstance(first, Submitted)
    assert isinstance(second, Submitted)
    assert (first.ahead, second.ahead) == (0, 1)
    assert isinstance(third, QueueFull)
    assert all(isinstance(one, QueueFull) for one in submit())


def test_lines_are_tried_as_often_as_any_job(world: World) -> None:
    world.batch(line("a"))
    for _ in range(2):
        world.turn()
    with world.database.begin() as connection:
        row = connection.execute(sa.select(jobs)).one()
    assert (row.max_attempts, row.priority) == (world.settings.job_attempts, submissions.BATCH_PRIORITY)
    assert abs(row.deadline - row.queued_at - 86_400_000) < 60_000


def test_a_batch_in_trouble_rests_and_keeps_no_other_waiting(world: World, caplog: pytest.LogCaptureFixture) -> None:
    trouble = world.batch(line("a"))
    for _ in range(2):
        world.turn()
    [row] = world.database.call(claims.claim, "echo", "me", 9, 1 << 62, claims.Lease("w", "here.cpu", 60_000))
    world.database.call(claims.finish, [claims.Done(row.id, row.fence, {"of": "another version"})])
    fine = world.batch(line("b"))
    for _ in range(6):
        world.turn()
        world.work()
    assert (world.row(fine).state, world.row(trouble).state) == ("completed", "finalizing")
    assert caplog.text.count(f"batch {trouble}: trying again") == 1
