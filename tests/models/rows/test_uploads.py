"""Uploaded files: listed, kept while a batch reads them, and swept."""

from typing import Any

import pytest
import sqlalchemy as sa

from models.errors import Conflict, NotFound
from models.rows import uploads
from models.rows.database import now_ms
from models.rows.tables import files
from tests.support.batching import World, line, world
from workers.steward.sweeping import Tidying

__all__ = ["world"]  # a fixture


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
