"""How Alembic meets our databases; `stationmaster.db.migrate` says what is promised and why."""

import asyncio
from typing import Any, Literal

import sqlalchemy as sa
from alembic import context
from alembic.autogenerate.api import AutogenContext
from sqlmodel.sql.sqltypes import AutoString, UTCDateTime

from stationmaster.config import Settings
from stationmaster.db import migrate
from stationmaster.tables import metadata


def render_item(kind: str, item: Any, autogen: AutogenContext) -> str | Literal[False]:
    """Write plain SQLAlchemy types into migrations: they must stay readable when a library's own types have moved."""
    match kind, item:
        case "type", UTCDateTime():
            return "sa.DateTime(timezone=True)"
        case "type", AutoString():
            length: int | None = item.impl_instance.length  # type: ignore[attr-defined]  # its impl is a String
            return "sa.String()" if length is None else f"sa.String({length=})"
        case "type", sa.JSON():
            autogen.imports.add("from sqlalchemy.dialects import postgresql")
            return 'sa.JSON().with_variant(postgresql.JSONB(), "postgresql")'
    return False


def is_for_this_dialect(item: Any, _name: str | None, kind: str, _is_reflected: bool, _other: Any) -> bool:
    """Leave out indexes that only the other dialect has (`info={"dialect": "postgresql"}`)."""
    wanted = item.info.get("dialect") if kind == "index" else None
    return wanted is None or wanted == context.get_context().dialect.name


def migrate_with(connection: sa.Connection) -> None:
    """Run the command's migrations; on SQLite all in one transaction, on PostgreSQL each in its own."""
    is_sqlite = connection.dialect.name == "sqlite"
    context.configure(
        connection=connection,
        target_metadata=metadata,
        render_item=render_item,
        include_object=is_for_this_dialect,
        render_as_batch=True,
        compare_type=True,
        transactional_ddl=True,
        transaction_per_migration=not is_sqlite,
    )
    with context.begin_transaction():
        context.run_migrations()
        if is_sqlite:
            migrate.check_foreign_keys(connection)


async def migrate_from_settings() -> None:
    """Serve the `alembic` command, which brings no connection."""
    async with migrate.open_connection(Settings().resolved_database_url) as connection:
        await connection.run_sync(migrate_with)


given: sa.Connection | None = context.config.attributes.get("connection")
if given is None:
    asyncio.run(migrate_from_settings())
else:
    migrate_with(given)
