"""Shows each execution on the terminal as it ends, one line each."""

import asyncio
import logging
from collections.abc import Sequence
from uuid import UUID

from sqlmodel import col, select

from stationmaster.db.engine import Database
from stationmaster.db.errors import AWAY
from stationmaster.db.session import read_only
from stationmaster.domains.executions.models import Execution
from stationmaster.domains.executions.schemas import lateness
from stationmaster.domains.executions.states import TERMINAL, State
from stationmaster.entrypoints.cli.terminal import say

logger = logging.getLogger(__name__)

LOOK_EVERY_SECONDS = 0.25
NEWEST = 100
"""Executions looked at: what takes longer than this many others need is not shown."""
HEADING = "time (UTC)    state      job                  late        took  attempts"
STYLES = {State.SUCCEEDED: "green", State.SKIPPED: "yellow", State.CANCELLED: "yellow"}


class Board:
    """Remembers which of the newest executions it has shown."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._shown: set[UUID] = set()

    async def show_for_ever(self) -> None:
        """Show what ends from now on."""
        await self.list_ended()
        say(HEADING, style="bold")
        while True:
            await asyncio.sleep(LOOK_EVERY_SECONDS)
            for execution in await self.list_ended():
                say(describe(execution), style=STYLES.get(execution.state, "red"))

    async def list_ended(self) -> list[Execution]:
        """Return what ended since the last look, in the order of its end."""
        newest = await self._read_newest()
        ended = [execution for execution in newest if execution.state in TERMINAL]
        new = [execution for execution in ended if execution.id not in self._shown]
        if newest:
            self._shown = {execution.id for execution in ended}
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
