"""What a running program reports on itself over the API, at whatever replica: it enters the journal beside its output."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.db.base import table_of
from stationmaster.db.notify import Wake, notify
from stationmaster.domains.executions import service
from stationmaster.domains.executions.errors import ExecutionNotFound, NotRunning
from stationmaster.domains.executions.external import tasks as external_tasks
from stationmaster.domains.executions.external.reference import MOST_TASKS, TaskReference
from stationmaster.domains.executions.journal import Stream
from stationmaster.domains.executions.journals import chunks, masks, store
from stationmaster.domains.executions.journals.entry import Kind, Level, Run
from stationmaster.domains.executions.journals.lines import cut
from stationmaster.domains.executions.models import Execution
from stationmaster.domains.executions.states import State
from stationmaster.errors import FieldError, Invalid
from stationmaster.identity.actor import Actor
from stationmaster.kit import clock
from stationmaster.kit.sealing import Sealer
from stationmaster.kit.secret_mask import SecretMask
from stationmaster.setting_groups import JournalSettings

executions = table_of(Execution)


@dataclass(frozen=True)
class Report:
    """What is reported; what is None is not."""

    progress: float | None = None
    stage: str | None = None
    result: dict[str, Any] | None = None
    lines: Sequence[tuple[str, Level]] = field(default=())
    tasks: Sequence[TaskReference] = field(default=())

    def hidden_by(self, mask: SecretMask) -> Self:
        """Return it with masks in the place of secrets."""
        return replace(
            self,
            stage=mask.hide_all(self.stage),
            result=mask.hide_all(self.result),
            lines=[(mask.hide(text), level) for text, level in self.lines],
        )

    def runs(self) -> list[Run]:
        """Return it as entries of a journal."""
        now = clock.now_ms()
        runs = [Run(now, Kind.OUTPUT, [cut(text)], Stream.REPORT, level) for text, level in self.lines]
        if self.progress is not None:
            runs.append(Run(now, Kind.PROGRESS, [self.progress]))
        if self.stage is not None:
            runs.append(Run(now, Kind.STAGE, [self.stage]))
        return runs


async def find_reported(session: AsyncSession, id_: UUID, actor: Actor) -> Execution:
    """Return the execution that a caller may report on: its own, any for admins.

    Raises:
        ExecutionNotFound: there is none, or it is another.
        NotRunning
    """
    if actor.kind == "execution" and actor.id != id_:
        raise ExecutionNotFound(id_)
    execution = await service.get_execution(session, id_)
    if execution.state is not State.RUNNING:
        raise NotRunning(id_)
    return execution


async def take(
    session: AsyncSession, settings: JournalSettings, sealer: Sealer, execution: Execution, report: Report
) -> int:
    """Store a report, with masks for what the attempt must hide; return the number of its last entry.

    Raises:
        NotRunning: the attempt has ended meanwhile.
        Invalid: there are too many external tasks.
    """
    report = report.hidden_by(await masks.read(session, sealer, execution.id, execution.attempt))
    written = await store.add(session, execution.id, execution.attempt, report.runs(), result=report.result)
    if written is None or not await _show(session, execution, report):
        raise NotRunning(execution.id)
    await chunks.keep_within(session, execution.id, size_bytes=written.size_bytes, max_bytes=settings.max_bytes)
    await _record_tasks(session, execution, report.tasks)
    notify(session, Wake.JOURNAL, about=[execution.id])
    return written.last_sequence


async def _record_tasks(session: AsyncSession, execution: Execution, tasks: Sequence[TaskReference]) -> None:
    await external_tasks.add(session, execution.id, execution.attempt, tasks)
    if tasks and await external_tasks.count(session, execution.id) > MOST_TASKS:
        raise Invalid(FieldError(f"an execution has at most {MOST_TASKS:,} external tasks", pointer="/external_tasks"))


async def _show(session: AsyncSession, execution: Execution, report: Report) -> bool:
    """Show progress and stage in the execution, and keep it from ending until the report is stored.

    After the journal's row is locked, as writers of journals do it: in the other order two could wait for each other.
    """
    statement = (
        sa.update(executions)
        .where(
            executions.c.id == execution.id,
            executions.c.attempt == execution.attempt,
            executions.c.state == State.RUNNING,
        )
        .values(
            progress=sa.func.coalesce(report.progress, executions.c.progress),
            stage=sa.func.coalesce(report.stage, executions.c.stage),
        )
        .returning(executions.c.id)
    )
    return await session.scalar(statement) is not None
