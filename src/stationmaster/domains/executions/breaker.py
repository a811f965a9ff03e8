"""A gate for each target host, shared by all replicas.

closed ──many failures in a row──▶ shut for a while ──time over──▶ one probe ──success──▶ closed
                                        ▲                              │
                                        └──────── twice as long ◀──failure

A failure is a sign that the *host* is unwell: no connection, no answer in time, or 502, 503, 504. Any other answer, a 500
too, says that it is there. Behind a shut gate executions stay queued and use up no attempt.
Closed hosts without failures have no row, so the table holds what is unwell and nothing else.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.config import RunnerSettings
from stationmaster.db.base import table_of
from stationmaster.db.clock import database_now
from stationmaster.db.statements import insert_or_ignore
from stationmaster.domains.executions.executor import Outcome
from stationmaster.domains.executions.models import Breaker, Execution
from stationmaster.domains.executions.queue import is_waiting
from stationmaster.domains.executions.states import Reason

LONGEST_SECONDS = 900.0
PROBE_SECONDS = 60
"""If the replica that probes goes away, another may after this long."""
UNWELL_STATUSES = frozenset({502, 503, 504})
ANSWERS = frozenset({"webhook"})
"""Kinds whose whole work is that the host answers."""

breakers = table_of(Breaker)
executions = table_of(Execution)


def is_host_unwell(kind: str, outcome: Outcome) -> bool:
    """Say whether an outcome counts against the host; that a program takes too long says nothing of where it runs."""
    if outcome.response_status is not None:
        return outcome.response_status in UNWELL_STATUSES
    return outcome.reason is Reason.NETWORK_ERROR or (outcome.reason is Reason.TIMEOUT and kind in ANSWERS)


async def list_hosts(session: AsyncSession) -> set[str]:
    """Return the hosts that have failures on record."""
    return set((await session.scalars(sa.select(breakers.c.host))).all())


async def clear(session: AsyncSession, hosts: set[str]) -> None:
    """Forget the failures of hosts that answered."""
    await session.execute(sa.delete(breakers).where(breakers.c.host.in_(hosts)))


async def count_failures(session: AsyncSession, failures: Mapping[str, int], settings: RunnerSettings) -> None:
    """Add failures to hosts, and shut the gate of those that have too many in a row."""
    now = await database_now(session)
    for host, count in sorted(failures.items()):
        await session.execute(insert_or_ignore(session, breakers).values(host=host, failures=0, open_seconds=0))
        await session.execute(
            sa.update(breakers)
            .where(breakers.c.host == host)
            .values(failures=breakers.c.failures + count, probe_until=None)
        )
        await _shut_if_due(session, host, now, settings)


async def _shut_if_due(session: AsyncSession, host: str, now: datetime, settings: RunnerSettings) -> None:
    row = (await session.execute(sa.select(breakers).where(breakers.c.host == host))).one()
    is_shut = row.open_until is not None and row.open_until > now
    if row.failures < settings.breaker_failures or is_shut:
        return
    seconds = min(row.open_seconds * 2 or settings.breaker_open.total_seconds(), LONGEST_SECONDS)
    await session.execute(
        sa.update(breakers)
        .where(breakers.c.host == host)
        .values(open_until=now + timedelta(seconds=seconds), open_seconds=seconds)
    )


async def take_probes(session: AsyncSession) -> list[str]:
    """Return hosts whose time is over and for which this replica, and no other, may send one execution now."""
    now = await database_now(session)
    has_work = sa.exists().where(
        executions.c.host == breakers.c.host,
        is_waiting(),
        executions.c.available_at <= now,
    )
    statement = (
        sa.update(breakers)
        .where(
            breakers.c.open_until <= now,
            sa.or_(breakers.c.probe_until.is_(None), breakers.c.probe_until <= now),
            has_work,
        )
        .values(probe_until=now + timedelta(seconds=PROBE_SECONDS))
        .returning(breakers.c.host)
    )
    return list((await session.scalars(statement)).all())


async def forget_idle(session: AsyncSession) -> None:
    """Forget hosts whose gate has been open to a probe for a day and that nobody calls any more."""
    now = await database_now(session)
    await session.execute(sa.delete(breakers).where(breakers.c.open_until < now - timedelta(days=1)))
