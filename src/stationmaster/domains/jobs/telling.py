"""Telling how executions of a job ended, by the job's rule `notifications`: at changes, not at each end.

A failure is told once the failures in a row reach `after_failures`, and the next success after that as a recovery; other
successes only with `on_success`. Told are the owner, the team, and the addresses that the rule names.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.db.base import table_of
from stationmaster.domains.executions.models import Execution
from stationmaster.domains.executions.states import State
from stationmaster.domains.jobs import notices
from stationmaster.domains.jobs.models import Job
from stationmaster.domains.jobs.policy_schemas import Notifications
from stationmaster.domains.jobs.streaks import UNSUCCESSFUL, walk
from stationmaster.domains.notifications.notice import Severity, Topic
from stationmaster.kit.instants import format_instant

MAX_ERROR = 1000

jobs = table_of(Job)

_SEVERITIES = {
    Topic.JOB_FAILED: Severity.ERROR,
    Topic.JOB_RECOVERED: Severity.SUCCESS,
    Topic.JOB_SUCCEEDED: Severity.SUCCESS,
}
_VERBS = {State.FAILED: "failed", State.TIMED_OUT: "took too long", State.LOST: "was lost"}


@dataclass(frozen=True)
class End:
    """The end of an execution that is told, with the failures in a row up to it, or before it when it ended them."""

    execution: Execution
    topic: Topic
    failures: int


async def tell(session: AsyncSession, ended: Sequence[Execution]) -> None:
    """Tell what is to be told of these ends; to be called before their failures are counted."""
    ids = sorted({execution.job_id for execution in ended if execution.job_id})
    columns = (jobs.c[name] for name in ("id", "name", "owner_id", "team_id", "notifications", "failures_in_a_row"))
    for row in (await session.execute(sa.select(*columns).where(jobs.c.id.in_(ids)).order_by(jobs.c.id))).all():
        rule = Notifications.model_validate(row.notifications)
        if rule.enabled:
            own = [execution for execution in ended if execution.job_id == row.id]
            for end in choose(rule, row.failures_in_a_row, own):
                await _tell_one(session, row, rule, end)


def choose(rule: Notifications, failures: int, ended: Sequence[Execution]) -> Iterator[End]:
    """Yield the ends that are told."""
    before = failures
    for execution, now in walk(failures, ended):
        if execution.state in UNSUCCESSFUL and before < rule.after_failures <= now:
            yield End(execution, Topic.JOB_FAILED, now)
        elif execution.state is State.SUCCEEDED and before >= rule.after_failures:
            yield End(execution, Topic.JOB_RECOVERED, before)
        elif execution.state is State.SUCCEEDED and rule.on_success:
            yield End(execution, Topic.JOB_SUCCEEDED, 0)
        before = now


async def _tell_one(session: AsyncSession, row: Any, rule: Notifications, end: End) -> None:
    await notices.tell(
        session,
        end.topic,
        job_id=row.id,
        owner_id=row.owner_id,
        team_id=row.team_id,
        title=f"{row.name} {_headline(end)}",
        text=_describe(row.name, end),
        key=f"{end.topic}:{end.execution.id}",
        severity=_SEVERITIES[end.topic],
        emails=rule.emails,
        execution_id=end.execution.id,
    )


def _headline(end: End) -> str:
    if end.topic is Topic.JOB_FAILED:
        return _VERBS[end.execution.state]
    return "works again" if end.topic is Topic.JOB_RECOVERED else "succeeded"


def _describe(name: str, end: End) -> str:
    execution = end.execution
    planned = f" planned for {format_instant(execution.scheduled_for)}" if execution.scheduled_for else ""
    if end.topic is Topic.JOB_RECOVERED:
        return f"The execution of {name}{planned} succeeded, after {_times(end.failures)}."
    if end.topic is Topic.JOB_SUCCEEDED:
        return f"The execution of {name}{planned} succeeded."
    why = f": {execution.error[:MAX_ERROR]}" if execution.error else "."
    row = f"\n{_times(end.failures)} in a row." if end.failures > 1 else ""
    return f"The execution of {name}{planned} {_VERBS[execution.state]}{why}{row}"


def _times(failures: int) -> str:
    return "1 failure" if failures == 1 else f"{failures} failures"
