"""The machinery of migrations, tried on a small history of its own: parents, and children that go with them."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command

from stationmaster.db import migrate
from stationmaster.db.engine import open_database
from tests.support.databases import ONLY_POSTGRESQL, ONLY_SQLITE, Databases, Dialect

CREATE = """
    op.create_table("parents", sa.Column("id", sa.Integer, primary_key=True))
    link = sa.ForeignKey("parents.id", name="fk_children_parents", ondelete="CASCADE")
    op.create_table("children", sa.Column("parent_id", sa.Integer, link))
"""
REBUILD_PARENTS = """
    with op.batch_alter_table("parents", recreate="always" if op.get_bind().dialect.name == "sqlite" else "auto") as batch:
        batch.add_column(sa.Column("name", sa.String(20)))
"""
ORPHAN_CHILDREN = """
    op.execute("DELETE FROM parents")
"""
FAIL_LATE = """
    op.create_table("others", sa.Column("id", sa.Integer, primary_key=True))
    op.execute("SELECT no_such_thing")
"""


class History:
    """A folder of migrations that grows while a test runs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.length = 0

    def add(self, body: str) -> None:
        """Add a revision; `r1` is the first."""
        self.length += 1
        before = f"r{self.length - 1}" if self.length > 1 else None
        text = f"import sqlalchemy as sa\nfrom alembic import op\n\nrevision = 'r{self.length}'\ndown_revision = {before!r}\n"
        file = self.folder / "versions" / f"{self.length}.py"
        file.write_text(f"{text}\ndef upgrade():\n    pass\n{body}\ndef downgrade():\n    pass\n")
        migrate.known_revisions.cache_clear()

    def take_back(self) -> None:
        """Forget the newest revision."""
        (self.folder / "versions" / f"{self.length}.py").unlink()
        self.length -= 1
        migrate.known_revisions.cache_clear()


@pytest.fixture
def history(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[History]:
    """Put a history of one revision in the place of the real one."""
    folder = tmp_path / "100% of a folder"
    shutil.copytree(migrate._script_folder(), folder, ignore=shutil.ignore_patterns("versions", "__pycache__"))
    (folder / "versions").mkdir()
    monkeypatch.setattr(migrate, "_script_folder", lambda: folder)
    made = History(folder)
    made.add(CREATE)
    yield made
    migrate.known_revisions.cache_clear()


@pytest.fixture
async def url(databases: Databases, dialect: Dialect, tmp_path: Path) -> AsyncIterator[str]:
    """Give an empty database; a file in a folder of its own."""
    if dialect == "sqlite":
        yield f"sqlite+aiosqlite:///{tmp_path / 'folder' / 'stationmaster.sqlite3'}"
        return
    async with databases.empty(dialect) as made:
        yield made


async def execute(url: str, *statements: str) -> None:
    async with migrate.open_connection(url) as connection, connection.begin():
        for statement in statements:
            await connection.execute(sa.text(statement))


async def count(url: str, table: str) -> int:
    async with migrate.open_connection(url) as connection:
        return await connection.scalar(sa.text(f"SELECT count(*) FROM {table}")) or 0


def backups(url: str) -> list[str]:
    path = migrate.sqlite_path(url)
    assert path is not None
    return sorted(file.name.rsplit("-", 1)[1] for file in path.parent.glob("*.backup-*"))


async def test_upgrade_brings_an_empty_database_to_the_newest_revision(history: History, url: str) -> None:
    await migrate.upgrade(url)

    assert await migrate.current_revision(url) == "r1" == migrate.head_revision()
    assert await count(url, "children") == 0


async def test_is_at_head_tells_whether_a_revision_is_missing(history: History, url: str) -> None:
    await migrate.upgrade(url)

    async with open_database(url) as database:
        assert await migrate.is_at_head(database)
        history.add(REBUILD_PARENTS)
        assert not await migrate.is_at_head(database)


async def test_a_database_that_was_never_migrated_has_no_revision(url: str) -> None:
    assert await migrate.current_revision(url) is None


@ONLY_SQLITE
async def test_asking_for_the_revision_makes_no_file(url: str) -> None:
    await migrate.current_revision(url)

    path = migrate.sqlite_path(url)
    assert path is not None
    assert not path.exists()


async def test_a_database_of_a_newer_version_is_left_alone(history: History, url: str) -> None:
    history.add(REBUILD_PARENTS)
    await migrate.upgrade(url)
    history.take_back()

    with pytest.raises(migrate.NewerDatabase, match="r2"):
        await migrate.upgrade(url)


async def test_rebuilding_a_parent_keeps_its_children(history: History, url: str) -> None:
    await migrate.upgrade(url)
    await execute(url, "INSERT INTO parents VALUES (1)", "INSERT INTO children VALUES (1)")
    history.add(REBUILD_PARENTS)

    await migrate.upgrade(url)

    assert await count(url, "children") == 1


@ONLY_SQLITE
async def test_a_migration_that_orphans_rows_is_rolled_back(history: History, url: str) -> None:
    await migrate.upgrade(url)
    await execute(url, "INSERT INTO parents VALUES (1)", "INSERT INTO children VALUES (1)")
    history.add(ORPHAN_CHILDREN)

    with pytest.raises(migrate.ForeignKeysBroken, match="1 rows point nowhere: children to parents"):
        await migrate.upgrade(url)

    assert await count(url, "parents") == 1
    assert await migrate.current_revision(url) == "r1"


async def test_a_failing_migration_leaves_no_trace_and_can_be_tried_again(history: History, url: str) -> None:
    await migrate.upgrade(url)
    history.add(FAIL_LATE)
    with pytest.raises(sa.exc.DBAPIError):
        await migrate.upgrade(url)
    history.take_back()
    history.add(FAIL_LATE.replace('op.execute("SELECT no_such_thing")', ""))

    await migrate.upgrade(url)

    assert await count(url, "others") == 0


@ONLY_SQLITE
async def test_the_file_is_copied_before_it_is_changed(history: History, url: str) -> None:
    await migrate.upgrade(url)
    assert backups(url) == []
    history.add(REBUILD_PARENTS)

    await migrate.upgrade(url)
    await migrate.upgrade(url)

    assert backups(url) == ["r1"]


@ONLY_SQLITE
async def test_three_copies_are_kept(history: History, url: str) -> None:
    await migrate.upgrade(url)
    for _ in range(5):
        history.add("")
        await migrate.upgrade(url)

    assert backups(url) == ["r3", "r4", "r5"]


@ONLY_POSTGRESQL
async def test_an_upgrade_waits_while_another_process_migrates(history: History, url: str) -> None:
    async with migrate.open_connection(url) as other:
        await other.execute(sa.text(f"SELECT pg_advisory_lock({migrate.ADVISORY_LOCK_KEY})"))
        upgrade = asyncio.create_task(migrate.upgrade(url))
        await asyncio.wait({upgrade}, timeout=0.3)
        assert not upgrade.done()
    await upgrade

    assert await migrate.current_revision(url) == "r1"


@ONLY_SQLITE
async def test_an_upgrade_of_a_file_waits_too_and_finds_the_work_done(history: History, url: str) -> None:
    async with migrate.open_connection(url) as other, other.begin():
        await other.execute(sa.text("CREATE TABLE alembic_version (version_num VARCHAR(32))"))
        await other.execute(sa.text("INSERT INTO alembic_version VALUES ('r1')"))
        upgrade = asyncio.create_task(migrate.upgrade(url))
        await asyncio.wait({upgrade}, timeout=0.3)
        assert not upgrade.done()
    await upgrade

    async with migrate.open_connection(url) as connection:
        assert not await connection.run_sync(lambda sync: sa.inspect(sync).has_table("parents"))


@ONLY_POSTGRESQL
async def test_an_upgrade_gives_up_when_the_other_never_ends(
    history: History, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrate, "ADVISORY_LOCK_PATIENCE_SECONDS", 0.1)
    async with migrate.open_connection(url) as other:
        await other.execute(sa.text(f"SELECT pg_advisory_lock({migrate.ADVISORY_LOCK_KEY})"))
        with pytest.raises(TimeoutError):
            await migrate.upgrade(url)


@contextmanager
def first_error() -> Iterator[asyncio.Event]:
    """Give an event that is set when a statement fails, on whatever engine."""
    seen = asyncio.Event()

    def note(_context: sa.ExceptionContext) -> None:
        seen.set()

    sa.event.listen(sa.Engine, "handle_error", note)
    try:
        yield seen
    finally:
        sa.event.remove(sa.Engine, "handle_error", note)


@ONLY_POSTGRESQL
async def test_a_busy_table_is_tried_again(history: History, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(migrate.POSTGRES_SERVER_SETTINGS, "lock_timeout", "50ms")
    await migrate.upgrade(url)
    history.add(REBUILD_PARENTS)

    with first_error() as timed_out:
        async with migrate.open_connection(url) as reader:
            await reader.execute(sa.text("LOCK TABLE parents IN ACCESS SHARE MODE"))
            upgrade = asyncio.create_task(migrate.upgrade(url))
            await asyncio.wait_for(timed_out.wait(), 10)
        await upgrade

    assert await migrate.current_revision(url) == "r2"


async def test_run_takes_any_command(history: History, url: str) -> None:
    await migrate.run(url, partial(command.stamp, revision="r1"))

    assert await migrate.current_revision(url) == "r1"
