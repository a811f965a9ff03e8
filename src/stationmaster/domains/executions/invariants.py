"""What must always hold of the rows of the engine, and a search for rows of which it does not.

The promises of this service are kept by guards in its statements. This looks at the result from outside, as an auditor
would, and may run at any time, beside a working service or without one. It reads in windows of the key, so its memory does
not grow with the history, and it never trusts two statements to have seen the same instant: what is compared, one statement
reads.

Two rules need somebody who works: while nobody does, late rows are nobody's fault.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.db import leases
from stationmaster.db.base import table_of
from stationmaster.db.clock import database_now
from stationmaster.db.engine import Database
from stationmaster.db.session import read_only
from stationmaster.domains.executions.models import Attempt, Breaker, Execution, Worker
from stationmaster.domains.executions.states import TERMINAL, State, Trigger

WINDOW = 20_000
"""Executions looked at by one statement."""
STUCK_AFTER = timedelta(seconds=60)
"""A lease that ran out so long ago was not rescued, though every replica looks each second."""
OVERDUE_AFTER = timedelta(minutes=5)
"""An execution that waits so long while a replica has nothing to do was forgotten."""
WORKER_LIVES = timedelta(seconds=30)
WORKER_SETTLED = timedelta(seconds=60)
IDLE_IN_TRANSACTION = timedelta(seconds=5)

executions = table_of(Execution)
attempts = table_of(Attempt)
breakers = table_of(Breaker)
workers = table_of(Worker)


@dataclass(frozen=True)
class Finding:
    """One thing of which a rule does not hold."""

    rule: str
    subject: str
    detail: str


@dataclass(frozen=True)
class _Rule:
    """A condition that must not be true of any execution; `shows` are the columns that tell why it is."""

    name: str
    broken: sa.ColumnElement[bool]
    shows: tuple[str, ...]


PROMISES = {
    "ended": "An execution has an end exactly when its state is final.",
    "leased": "An execution has a lease, its token and a worker exactly while it is running.",
    "attempts": "Each ended attempt is on record, numbered without a gap, and a success has a successful last attempt.",
    "slotted": "An execution of a schedule names its schedule and slot, and no other does; a range of slots is skipped.",
    "retried": "A retry names the execution that it repeats, and that one is there.",
    "rescued": "No execution is running a minute after its lease ran out, while a replica lives.",
    "claimed": "No execution is due for five minutes while a replica has nothing to do.",
    "terms": "The terms of leaders follow each other: nothing of an older term is decided after a newer one began.",
    "transactions": "No connection of the database is idle inside a transaction for more than five seconds.",
}
"""By the name that findings carry."""


async def find_violations(database: Database, *, lease: str) -> AsyncIterator[Finding]:
    """Look at all executions; `lease` is the name under which leaders are elected."""
    terms = _Terms()
    after: UUID | None = None
    while True:
        async with read_only(database) as session:
            until = await _end_of_window(session, after)
            window = _within(after, until)
            for finding in await _find_broken(session, window):
                yield finding
            await terms.read(session, window)
        if until is None:
            break
        after = until
    async with read_only(database) as session:
        for finding in [*await terms.compare(session, lease), *await _find_idle_transactions(session)]:
            yield finding


async def _end_of_window(session: AsyncSession, after: UUID | None) -> UUID | None:
    """Return the last key of the window, or None when it is the last window and has no end."""
    ids = sa.select(executions.c.id).where(_within(after, None)).order_by(executions.c.id)
    end: UUID | None = await session.scalar(ids.offset(WINDOW - 1).limit(1))
    return end


def _within(after: UUID | None, until: UUID | None) -> sa.ColumnElement[bool]:
    bounds = [executions.c.id > after] if after else []
    bounds += [executions.c.id <= until] if until else []
    return sa.and_(sa.true(), *bounds)


async def _find_broken(session: AsyncSession, window: sa.ColumnElement[bool]) -> list[Finding]:
    rules = _rules(await database_now(session))
    broken = [rule.broken.label(f"breaks_{rule.name}") for rule in rules]
    shown = [executions.c[name] for name in sorted({name for rule in rules for name in rule.shows})]
    statement = sa.select(executions.c.id, *shown, *broken).where(window, sa.or_(*(rule.broken for rule in rules)))
    rows = (await session.execute(statement)).mappings().all()
    return [
        Finding(rule.name, f"execution {row['id']}", _tell(row, rule.shows))
        for row in rows
        for rule in rules
        if row[f"breaks_{rule.name}"]
    ]


def _tell(row: sa.RowMapping, names: tuple[str, ...]) -> str:
    return ", ".join(f"{name} is {_write(row[name])}" for name in names)


def _write(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else "none" if value is None else str(value)


def _rules(now: datetime) -> tuple[_Rule, ...]:
    """Return the rules for single executions, at an instant of the database's clock."""
    x = executions.c
    is_running = x.state == State.RUNNING
    return (
        _Rule("ended", x.state.in_(TERMINAL) != x.finished_at.is_not(None), ("state", "finished_at")),
        _Rule(
            "leased",
            sa.or_(
                sa.and_(is_running, _any_missing(x.lease_token, x.lease_until, x.worker, x.attempt_started_at)),
                sa.and_(~is_running, sa.or_(x.lease_token.is_not(None), x.lease_until.is_not(None))),
            ),
            ("state", "worker", "lease_token", "lease_until", "attempt_started_at"),
        ),
        _Rule("attempts", _has_wrong_attempts(), ("state", "attempt")),
        _Rule("slotted", _has_wrong_slots(), ("trigger", "schedule_id", "scheduled_for", "slot_until", "slot_count")),
        _Rule("retried", _has_wrong_origin(), ("trigger", "retry_of")),
        _Rule(
            "rescued",
            sa.and_(is_running, x.lease_until < now - STUCK_AFTER, _has_worker(now)),
            ("worker", "lease_until"),
        ),
        _Rule("claimed", _is_overdue(now), ("available_at", "host")),
    )


def _any_missing(*columns: sa.ColumnElement[Any]) -> sa.ColumnElement[bool]:
    return sa.or_(*(column.is_(None) for column in columns))


def _has_wrong_attempts() -> sa.ColumnElement[bool]:
    """The one under way stands in the execution itself, so one fewer is on record until it has ended."""
    x = executions.c
    own = attempts.c.execution_id == x.id
    recorded = sa.select(sa.func.count()).where(own).scalar_subquery()
    newest = sa.select(sa.func.coalesce(sa.func.max(attempts.c.number), 0)).where(own).scalar_subquery()
    expected = sa.case((sa.or_(x.state == State.RUNNING, x.handle.is_not(None)), x.attempt - 1), else_=x.attempt)
    success = sa.exists().where(own, attempts.c.number == x.attempt, attempts.c.state == State.SUCCEEDED)
    return sa.or_(recorded != expected, newest != expected, sa.and_(x.state == State.SUCCEEDED, ~success))


def _has_wrong_slots() -> sa.ColumnElement[bool]:
    x = executions.c
    is_scheduled = x.trigger == Trigger.SCHEDULE
    is_range = x.slot_until.is_not(None)
    return sa.or_(
        sa.and_(is_scheduled, _any_missing(x.schedule_id, x.scheduled_for)),
        sa.and_(~is_scheduled, x.schedule_id.is_not(None)),
        is_range != (x.slot_count > 1),
        sa.and_(is_range, sa.or_(x.state != State.SKIPPED, x.slot_until <= x.scheduled_for)),
    )


def _has_wrong_origin() -> sa.ColumnElement[bool]:
    x, former = executions.c, executions.alias("former")
    return sa.or_(
        (x.trigger == Trigger.RETRY) != x.retry_of.is_not(None),
        sa.and_(x.retry_of.is_not(None), ~sa.exists().where(former.c.id == x.retry_of)),
    )


def _has_worker(now: datetime, *also: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
    """Say whether a replica lives, and has for long enough to have looked around."""
    lives, settled = workers.c.seen_at > now - WORKER_LIVES, workers.c.started_at < now - WORKER_SETTLED
    return sa.exists().where(lives, settled, *also)


def _is_overdue(now: datetime) -> sa.ColumnElement[bool]:
    x = executions.c
    is_shut = sa.exists().where(breakers.c.host == x.host, breakers.c.open_until.is_not(None))
    is_due = sa.and_(x.state == State.QUEUED, ~x.is_held, x.available_at < now - OVERDUE_AFTER)
    return sa.and_(is_due, ~is_shut, _has_worker(now, workers.c.in_flight == 0))


class _Terms:
    """When each term of a leader decided first and last, on the database's clock: one entry for each term.

    Keys would not do: they are made on the clock of each replica.
    """

    def __init__(self) -> None:
        self._spans: dict[int, tuple[datetime, datetime]] = {}

    async def read(self, session: AsyncSession, window: sa.ColumnElement[bool]) -> None:
        """Take in the executions of a window."""
        at = executions.c.queued_at
        statement = (
            sa.select(executions.c.epoch, sa.func.min(at), sa.func.max(at))
            .where(window, executions.c.epoch.is_not(None))
            .group_by(executions.c.epoch)
        )
        for epoch, first, last in await session.execute(statement):
            before = self._spans.get(epoch, (first, last))
            self._spans[epoch] = (min(first, before[0]), max(last, before[1]))

    async def compare(self, session: AsyncSession, lease: str) -> list[Finding]:
        """Say which terms ran into a later one, or never were."""
        found = []
        began: datetime | None = None
        for epoch, (first, last) in sorted(self._spans.items(), reverse=True):
            if began is not None and last > began:
                text = f"decided until {last.isoformat()}, a later one since {began.isoformat()}"
                found.append(Finding("terms", f"term {epoch}", text))
            began = first if began is None else min(first, began)
        present = await leases.find_lease(session, lease)
        newest = max(self._spans, default=0)
        if newest > (present.epoch if present else 0):
            found.append(
                Finding("terms", f"term {newest}", f"the lease has only seen {present.epoch if present else 0}")
            )
        return found


async def _find_idle_transactions(session: AsyncSession) -> list[Finding]:
    """Ask PostgreSQL who holds a transaction open and does nothing; SQLite has no such connections."""
    if session.get_bind().dialect.name == "sqlite":
        return []
    statement = sa.text(
        "SELECT pid, application_name, clock_timestamp() - state_change FROM pg_stat_activity"
        " WHERE datname = current_database() AND state LIKE 'idle in transaction%'"
        " AND clock_timestamp() - state_change > :longest ORDER BY pid"
    )
    rows = await session.execute(statement, {"longest": IDLE_IN_TRANSACTION})
    return [
        Finding(
            "transactions", f"process {pid} of {name or 'an unnamed program'}", f"idle for {idle.total_seconds():.0f} s"
        )
        for pid, name, idle in rows
    ]
