"""The real migrations, from the first to the newest, on both databases."""

import asyncio
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.script import ScriptDirectory

from stationmaster.db import migrate
from stationmaster.kit.ids import new_id
from stationmaster.tables import metadata
from tests.support.databases import Databases, Dialect

UPGRADE = "import asyncio, sys; from stationmaster.db import migrate; asyncio.run(migrate.upgrade(sys.argv[1]))"


@pytest.fixture
async def url(databases: Databases, dialect: Dialect) -> AsyncIterator[str]:
    """Give an empty database."""
    async with databases.empty(dialect) as made:
        yield made


async def tables(url: str) -> set[str]:
    async with migrate.open_connection(url) as connection:
        return set(await connection.run_sync(lambda sync: sa.inspect(sync).get_table_names()))


def condition_of(index: Any) -> set[str]:
    """Read the condition of a partial index."""
    return {str(option) for name, option in index.get("dialect_options", {}).items() if name.endswith("_where")}


async def unseen_by_alembic(url: str) -> dict[str, Any]:
    """Read what `alembic check` does not compare: CHECK texts, conditions of partial indexes, defaults."""

    def read(connection: sa.Connection) -> dict[str, Any]:
        inspector = sa.inspect(connection)
        names = set(inspector.get_table_names()) - {"alembic_version"}
        return {
            name: (
                sorted((check["name"] or "", check["sqltext"]) for check in inspector.get_check_constraints(name)),
                {index["name"]: condition_of(index) for index in inspector.get_indexes(name)},
                {column["name"]: column["default"] for column in inspector.get_columns(name)},
            )
            for name in names
        }

    async with migrate.open_connection(url) as connection:
        return await connection.run_sync(read)


async def test_there_is_one_line_of_revisions() -> None:
    scripts = ScriptDirectory(str(migrate._script_folder()))

    assert len(scripts.get_heads()) == 1
    assert len(scripts.get_bases()) == 1


async def test_the_models_need_nothing_that_the_migrations_do_not_make(url: str) -> None:
    await migrate.upgrade(url)

    await migrate.run(url, command.check)


async def test_checks_conditions_and_defaults_are_those_of_the_models(
    url: str, databases: Databases, dialect: Dialect
) -> None:
    await migrate.upgrade(url)

    async with databases.empty(dialect) as other:
        async with migrate.open_connection(other) as connection, connection.begin():
            await connection.run_sync(metadata.create_all)
        assert await unseen_by_alembic(other) == await unseen_by_alembic(url)


async def test_a_downgrade_takes_everything_away(url: str) -> None:
    await migrate.upgrade(url)
    assert await tables(url) == {*metadata.tables, "alembic_version"}

    await migrate.run(url, partial(command.downgrade, revision="base"))

    assert await tables(url) == {"alembic_version"}


async def test_rows_of_every_revision_survive_the_way_to_the_newest(url: str) -> None:
    insert = sa.text(
        "INSERT INTO leases (name, holder, epoch, acquired_at, expires_at)"
        " VALUES (:name, 'someone', 1, CURRENT_TIMESTAMP, CURRENT_TIMESTAMP)"
    )
    for revision in reversed(migrate.known_revisions()):
        await migrate.run(url, partial(command.upgrade, revision=revision))
        async with migrate.open_connection(url) as connection, connection.begin():
            await connection.execute(insert, {"name": revision})

    async with migrate.open_connection(url) as connection:
        names = await connection.scalars(sa.text("SELECT name FROM leases"))
        assert set(names) == set(migrate.known_revisions())


async def test_what_ran_scripts_names_them_afterwards(url: str) -> None:
    script, by_slug, by_id, gone = new_id(), new_id(), new_id(), new_id()
    now = datetime(2026, 11, 25, tzinfo=UTC)
    times = {"created_at": now, "updated_at": now}
    facts = {"slug": "a", "name": "A", "description": "", "is_public": False, "status": "SUCCESS", "version_count": 1}
    policies = {"timeout_seconds": 1, "max_attempts": 1, "retry": {}, "on_lost": "fail"}
    overlap = {"overlap_policy": "allow", "max_running": 1, "queue_max": 1}
    targets = {by_slug: "a", by_id: str(script), gone: "gone"}
    row = {"kind": "script", "trigger": "manual", "state": "succeeded", "queued_at": now, "available_at": now}
    row |= {"turn_at": now, "is_held": False, "slot_count": 1, "attempt": 1, "max_attempts": 1, "crash_count": 0}
    row |= {"adopted_count": 0, "is_watched": False}
    await migrate.run(url, partial(command.upgrade, revision="380ced9e4ab2"))
    async with migrate.open_connection(url) as connection, connection.begin():
        await connection.execute(sa.insert(metadata.tables["scripts"]).values(id=script, **facts, **times))
        for id_, named in targets.items():
            target = {"type": "script", "script": named, "params": {"a": 1}}
            spec = {"id": id_, "created_at": now, "kind": "script", "target": target} | policies | overlap
            await connection.execute(sa.insert(metadata.tables["specs"]).values(spec))
            await connection.execute(sa.insert(metadata.tables["executions"]).values(id=new_id(), spec_id=id_, **row))

    await migrate.upgrade(url)

    async with migrate.open_connection(url) as connection:
        specs, executions = metadata.tables["specs"].c, metadata.tables["executions"].c
        targets_now = {one.id: one.target for one in await connection.execute(sa.select(specs.id, specs.target))}
        columns = (executions.spec_id, executions.script_id, executions.script_name)
        found = {one[0]: tuple(one[1:]) for one in await connection.execute(sa.select(*columns))}
    assert found == {by_slug: (script, "A"), by_id: (script, "A"), gone: (None, None)}
    assert targets_now[by_slug] == {"type": "script", "script": str(script), "params": {"a": 1}}


async def test_replicas_that_start_at_once_migrate_one_after_the_other(url: str) -> None:
    processes = [await asyncio.create_subprocess_exec(sys.executable, "-c", UPGRADE, url) for _ in range(3)]

    assert [await process.wait() for process in processes] == [0, 0, 0]
    assert await migrate.current_revision(url) == migrate.head_revision()
