"""The statements by which tasks move on: decided over, claimed for one try, and settled."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.db.base import table_of
from stationmaster.db.clock import database_instant, database_now
from stationmaster.domains.executions.external.models import ExternalTask, TaskState
from stationmaster.domains.executions.external.reference import TaskKind
from stationmaster.domains.executions.models import Attempt, Execution
from stationmaster.domains.executions.states import TERMINAL, State
from stationmaster.kit.retry import Backoff

CLAIM = timedelta(minutes=2)
"""So long one try may take; whoever began it and went away leaves the task to others then."""
BACKOFF = Backoff(initial_seconds=5, max_seconds=900)
STOPPED = (State.CANCELLED, State.TIMED_OUT)

attempts = table_of(Attempt)
executions = table_of(Execution)
tasks = table_of(ExternalTask)
_KEY = (tasks.c.execution_id, tasks.c.kind, tasks.c.task_id)


@dataclass(frozen=True, slots=True)
class Due:
    """A task that is to be cancelled now; `tries` counts this one."""

    execution_id: UUID
    kind: TaskKind
    task_id: str
    tries: int
    cancel_began_at: datetime


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of one try; with `CANCELLING` it is tried again, not before `retry_after_seconds`."""

    state: TaskState
    reason: str | None = None
    retry_after_seconds: float | None = None


async def has_work(session: AsyncSession) -> bool:
    """Say whether `decide` or `claim` would find something."""
    over = sa.exists().where(tasks.c.state == TaskState.RUNNING, sa.or_(_is_stopped(), _is_over()))
    due = sa.exists().where(tasks.c.state == TaskState.CANCELLING, tasks.c.next_try_at <= database_instant(session))
    return bool(await session.scalar(sa.select(sa.or_(over, due))))


async def decide(session: AsyncSession) -> None:
    """Have the tasks cancelled whose execution, or whose own attempt, was stopped; leave the others that are over."""
    now = await database_now(session)
    is_running = tasks.c.state == TaskState.RUNNING
    cancelling = {"state": TaskState.CANCELLING, "cancel_began_at": now, "next_try_at": now}
    await session.execute(sa.update(tasks).where(is_running, _is_stopped()).values(cancelling))
    left = {"state": TaskState.LEFT, "settled_at": now}
    await session.execute(sa.update(tasks).where(is_running, _is_over(), ~_is_stopped()).values(left))


def _is_stopped() -> sa.ColumnElement[bool]:
    of_execution = sa.exists().where(executions.c.id == tasks.c.execution_id, executions.c.state.in_(STOPPED))
    of_attempt = sa.exists().where(
        attempts.c.execution_id == tasks.c.execution_id,
        attempts.c.number == tasks.c.attempt,
        attempts.c.state.in_(STOPPED),
    )
    return sa.or_(of_execution, of_attempt)


def _is_over() -> sa.ColumnElement[bool]:
    return sa.exists().where(executions.c.id == tasks.c.execution_id, executions.c.state.in_(TERMINAL))


async def claim(session: AsyncSession, *, limit: int) -> list[Due]:
    """Take tasks that are due, the longest waiting first; nobody else gets them for as long as a try may take."""
    now = await database_now(session)
    chosen = (
        sa.select(*_KEY)
        .where(tasks.c.state == TaskState.CANCELLING, tasks.c.next_try_at <= now)
        .order_by(tasks.c.next_try_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    statement = (
        sa.update(tasks)
        .where(sa.tuple_(*_KEY).in_(chosen))
        .values(next_try_at=now + CLAIM, tries=tasks.c.tries + 1)
        .returning(*_KEY, tasks.c.tries, tasks.c.cancel_began_at)
    )
    return [Due(*row) for row in await session.execute(statement)]


async def settle(session: AsyncSession, due: Due, verdict: Verdict, *, give_up_after: timedelta) -> TaskState | None:
    """Write down what came of a try; return the state of the task, or None when somebody else has it by now."""
    now = await database_now(session)
    verdict = _end(due, verdict, is_too_late=now - due.cancel_began_at >= give_up_after)
    values: dict[str, object] = {"state": verdict.state, "reason": verdict.reason}
    if verdict.state is TaskState.CANCELLING:
        wait = BACKOFF.delay_after(due.tries, retry_after_seconds=verdict.retry_after_seconds)
        values["next_try_at"] = now + timedelta(seconds=wait)
    else:
        values |= {"next_try_at": None, "settled_at": now}
    is_ours = (tasks.c.state == TaskState.CANCELLING, tasks.c.tries == due.tries, *_is(due))
    written = await session.execute(sa.update(tasks).where(*is_ours).values(values).returning(tasks.c.task_id))
    return verdict.state if written.first() is not None else None


def _end(due: Due, verdict: Verdict, *, is_too_late: bool) -> Verdict:
    if verdict.state is not TaskState.CANCELLING or not is_too_late:
        return verdict
    return Verdict(TaskState.NOT_CANCELLED, f"Given up after {due.tries} tries: {verdict.reason}")


def _is(due: Due) -> Collection[sa.ColumnElement[bool]]:
    return (
        tasks.c.execution_id == due.execution_id,
        tasks.c.kind == due.kind,
        tasks.c.task_id == due.task_id,
    )
