"""Reading and spoiling the audit log behind the service's back."""

import json
from typing import Any

import sqlalchemy as sa
from sqlmodel import col, select

from stationmaster.db.engine import Database
from stationmaster.db.session import read_only, unit_of_work
from stationmaster.domains.audit import sealing
from stationmaster.domains.audit.chain import SealKey
from stationmaster.domains.audit.models import ActorKind, AuditLog, AuditSeal, Outcome

KEY = SealKey(b"k" * 32)


def make_entry(**facts: Any) -> AuditLog:
    """Make an entry."""
    return AuditLog(
        **{"actor_kind": ActorKind.OPERATOR, "action": "create_job", "outcome": Outcome.SUCCESS, "after": "{}"} | facts
    )


async def write(database: Database, count: int = 1, **facts: Any) -> list[AuditLog]:
    """Store entries."""
    entries = [make_entry(**facts) for _ in range(count)]
    async with unit_of_work(database) as session:
        session.add_all(entries)
    return entries


async def seal(database: Database, key: SealKey = KEY) -> int:
    """Seal what waits, as the leader does."""
    async with unit_of_work(database) as session:
        return await sealing.seal(session, key)


async def read_entries(database: Database) -> list[AuditLog]:
    """Return all entries, oldest first."""
    async with read_only(database) as session:
        return list(await session.scalars(select(AuditLog).order_by(col(AuditLog.id))))


async def read_seals(database: Database) -> list[AuditSeal]:
    """Return all seals, oldest first."""
    async with read_only(database) as session:
        return list(await session.scalars(select(AuditSeal).order_by(col(AuditSeal.number))))


def said(text: str | None) -> dict[str, Any]:
    """Read what an entry says of an object."""
    assert text is not None
    return dict(json.loads(text))


async def disarm(database: Database) -> None:
    """Take the triggers away, as somebody could who owns the tables."""
    async with unit_of_work(database) as session:
        if not database.is_sqlite:
            for table in ("audit_logs", "audit_seals", "audit_checkpoints"):
                await session.execute(sa.text(f"ALTER TABLE {table} DISABLE TRIGGER ALL"))
            return
        triggers = await session.scalars(sa.text("SELECT name FROM sqlite_master WHERE type = 'trigger'"))
        for name in list(triggers):
            await session.execute(sa.text(f"DROP TRIGGER {name}"))
        await session.execute(sa.text("PRAGMA ignore_check_constraints = ON"))


async def execute(database: Database, statement: str | sa.Executable, **values: Any) -> None:
    """Run a statement in a transaction of its own."""
    async with unit_of_work(database) as session:
        await session.execute(sa.text(statement) if isinstance(statement, str) else statement, values)
