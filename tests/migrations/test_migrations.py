"""Migrations go up and down on both databases, and end where the tables in code say."""

import multiprocessing

import sqlalchemy as sa

import migrations
from models.rows import tables
from models.rows.database import connect


def test_up_down_up_ends_at_the_tables_in_code(database_url: str) -> None:
    migrations.upgrade(database_url)
    migrations.check(database_url)
    migrations.downgrade(database_url, "base")
    engine = connect(database_url)
    assert set(sa.inspect(engine).get_table_names()) <= {"alembic_version"}
    engine.dispose()
    migrations.upgrade(database_url)
    migrations.check(database_url)


def test_processes_that_start_together_migrate_once(database_url: str) -> None:
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=migrations.upgrade, args=(database_url,)) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0, 0, 0]
    engine = connect(database_url)
    assert set(sa.inspect(engine).get_table_names()) == {*tables.metadata.tables, "alembic_version"}
    engine.dispose()
