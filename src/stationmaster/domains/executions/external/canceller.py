"""Cancels the tasks of stopped executions where they run. Every replica does it; each takes what no other has taken."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from stationmaster.db.engine import Database
from stationmaster.db.errors import AWAY
from stationmaster.db.session import read_only, unit_of_work
from stationmaster.domains.executions.external import settling
from stationmaster.domains.executions.external.models import TaskState
from stationmaster.domains.executions.external.reference import TaskKind
from stationmaster.domains.executions.external.settling import Due, Verdict

logger = logging.getLogger(__name__)

POLL_SECONDS = 1.0
BATCH = 20


class Remote(Protocol):
    """The other side, where tasks of one kind run."""

    async def cancel(self, task_id: str) -> Verdict:
        """Try to cancel a task within `settling.CLAIM`; tell of every failure by the verdict."""


@dataclass
class Canceller:
    """The loop of one replica."""

    database: Database
    remotes: Mapping[TaskKind, Remote]
    give_up_after: timedelta

    async def run(self) -> None:
        """Cancel what is to be cancelled, for ever."""
        while True:
            try:
                full = await self.work() == BATCH
            except AWAY as error:  # what was claimed is due again in a while
                logger.warning("external_tasks.delayed", extra={"error": type(error).__name__})
                full = False
            await asyncio.sleep(0 if full else POLL_SECONDS)

    async def work(self) -> int:
        """Try some of what is due; return how many."""
        async with read_only(self.database) as session:
            if not await settling.has_work(session):
                return 0
        async with unit_of_work(self.database) as session:
            await settling.decide(session)
            several = await settling.claim(session, limit=BATCH)
        async with asyncio.TaskGroup() as group:
            tries = [group.create_task(self.remotes[due.kind].cancel(due.task_id)) for due in several]
        await self._settle(several, [each.result() for each in tries])
        return len(several)

    async def _settle(self, several: Sequence[Due], verdicts: Sequence[Verdict]) -> None:
        if not several:
            return
        async with unit_of_work(self.database) as session:
            states = [
                await settling.settle(session, due, verdict, give_up_after=self.give_up_after)
                for due, verdict in zip(several, verdicts, strict=True)
            ]
        for due, state in zip(several, states, strict=True):
            if state is not None:
                _tell(due, state)


def _tell(due: Due, state: TaskState) -> None:
    facts = {"execution_id": str(due.execution_id), "kind": due.kind, "task_id": due.task_id, "tries": due.tries}
    level = logging.WARNING if state is TaskState.NOT_CANCELLED else logging.INFO
    logger.log(level, "external_task.tried", extra=facts | {"state": state})
