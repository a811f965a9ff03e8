"""Writes a line of each execution as it ends."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Sequence
from uuid import UUID

from sqlmodel import col, select

from stationmaster.db.engine import Database
from stationmaster.db.errors import AWAY
from stationmaster.db.session import read_only
from stationmaster.domains.executions.models import Execution
from stationmaster.domains.executions.schemas import lateness
from stationmaster.domains.executions.states import TERMINAL, State

logger = logging.getLogger(__name__)

LOOK_EVERY_SECONDS = 0.25
NEWEST = 100
"""Executions looked at: one that outlasts so many later ones is left out."""
HEADING = "time (UTC)    state      job                  late        took  attempts"
STYLES = {State.SUCCEEDED: "green", State.SKIPPED: "yellow", State.CANCELLED: "yellow"}


class Board:
    """Remembers which of the newest executions it has told of."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._told: set[UUID] = set()

    async def lines(self) -> AsyncGenerator[tuple[str, str]]:
        """Give a line and its style for each execution that ends from now on, for ever."""
        await self.list_ended()
        yield HEADING, "bold"
        while True:
            await asyncio.sleep(LOOK_EVERY_SECONDS)
            for execution in await self.list_ended():
                yield describe(execution), STYLES.get(execution.state, "red")

    async def list_ended(self) -> list[Execution]:
        """Return what ended since the last look, in the order of its end."""
        newest = await self._read_newest()
        ended = [execution for execution in newest if execution.state in TERMINAL]
        new = [execution for execution in ended if execution.id not in self._told]
        if newest:
            self._told = {execution.id for execution in ended}
        return sorted(new, key=lambda execution: str(execution.finished_at))

    async def _read_newest(self) -> Sequence[Execution]:
        try:
            async with read_only(self._database) as session:
                return (await session.scalars(select(Execution).order_by(col(Execution.id).desc()).limit(NEWEST))).all()
        except AWAY as error:
            logger.warning("board.not_read", extra={"error": type(error).__name__})
            return []


def describe(execution: Execution) -> str:
    """Put an ended execution into one line."""
    at = f"{execution.finished_at:%H:%M:%S.%f}"[:-3] if execution.finished_at else ""
    name = (execution.job_name or execution.kind)[:20]
    late, took = _milliseconds(lateness(execution)), _milliseconds(execution.duration_seconds)
    attempts = f"{execution.attempt}/{execution.max_attempts}"
    line = f"{at:13} {execution.state.value:10} {name:20} {late:>8} {took:>10}  {attempts:8} {_remark(execution)}"
    return line.rstrip()


def _milliseconds(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds * 1000:.0f} ms"


def _remark(execution: Execution) -> str:
    if execution.slot_count > 1:
        return f"{execution.slot_count} slots, {execution.reason}"
    return execution.error or (execution.reason.value if execution.reason else "")
