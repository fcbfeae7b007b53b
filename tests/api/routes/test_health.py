"""What ``/readyz`` says of the database (``api.routes.health``)."""

from pathlib import Path

import sqlalchemy as sa

from api.routes.health import database_answers
from models.rows.database import Database


async def test_a_database_that_others_keep_locked_does_not_answer(tmp_path: Path) -> None:
    database, other = (Database(f"sqlite:///{tmp_path / 'database.db'}") for _ in range(2))
    assert await database_answers(database)
    with other.begin() as held:
        held.execute(sa.text("CREATE TABLE t (x INTEGER)"))
        assert not await database_answers(database)
    assert await database_answers(database)
    database.close()
    other.close()
