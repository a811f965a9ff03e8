"""Lists are read from an index, in its order, however long the log is."""

import re
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.db.statements import dialect_of
from stationmaster.domains.audit import repository
from stationmaster.domains.audit.models import Outcome
from stationmaster.domains.audit.repository import Filters
from stationmaster.domains.audit.stored import ENTRIES
from stationmaster.kit.ids import new_id

USER = new_id()


async def plan_of(session: AsyncSession, statement: sa.Select[Any]) -> str:
    """Return how the database would read it, were the table long."""
    text = str(statement.compile(session.get_bind(), compile_kwargs={"literal_binds": True}))
    if dialect_of(session) == "sqlite":
        rows = await session.execute(sa.text(f"EXPLAIN QUERY PLAN {text}"))
        return "\n".join(row.detail for row in rows)
    await session.execute(sa.text("SET LOCAL enable_seqscan = off"))
    await session.execute(sa.text("SET LOCAL enable_bitmapscan = off"))
    return "\n".join(await session.scalars(sa.text(f"EXPLAIN {text}")))


@pytest.mark.parametrize(
    ("filters", "index"),
    [
        (Filters(), "ix_audit_logs_at"),
        (Filters(user_id=USER), "ix_audit_logs_user"),
        (Filters(action="create_job"), "ix_audit_logs_action"),
        (Filters(resource_type="job", resource_id="1"), "ix_audit_logs_resource"),
        (Filters(outcome=Outcome.DENIED), "ix_audit_logs_outcome"),
    ],
)
async def test_a_page_of_a_list(session: AsyncSession, filters: Filters, index: str) -> None:
    newest_first = (ENTRIES.c.at.desc(), ENTRIES.c.id.desc())
    statement = repository.list_statement(filters).with_only_columns(ENTRIES.c.id).order_by(*newest_first).limit(50)

    plan = await plan_of(session, statement)

    assert index in plan
    assert "TEMP B-TREE" not in plan
    assert "Sort" not in plan


async def test_what_is_not_sealed_yet(session: AsyncSession) -> None:
    statement = sa.select(ENTRIES.c.id).where(ENTRIES.c.sequence.is_(None)).order_by(ENTRIES.c.id).limit(10)

    assert re.search(r"uq_audit_logs_sequence|USING INDEX .* \(sequence=\?\)", await plan_of(session, statement))
