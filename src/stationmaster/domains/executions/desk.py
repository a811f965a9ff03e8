"""The desk of a flight: its own row, in short transactions guarded by its lease."""

from collections.abc import Callable, Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.db.base import table_of
from stationmaster.db.blobs import Source
from stationmaster.db.engine import Database
from stationmaster.db.session import read_only, unit_of_work
from stationmaster.domains.executions import artifacts
from stationmaster.domains.executions.artifacts import Owner
from stationmaster.domains.executions.errors import NotRunning
from stationmaster.domains.executions.executor import Disowned, Facts
from stationmaster.domains.executions.models import Execution
from stationmaster.domains.executions.queue import Claimed
from stationmaster.domains.executions.report_tokens import ReportTokens
from stationmaster.domains.executions.states import State
from stationmaster.errors import StationmasterError
from stationmaster.setting_groups import JournalSettings

executions = table_of(Execution)
_FACTS = ("owner_id", "job_id", "script_id", "step_run_id", "params", "handle")


class FlightDesk:
    """Reads and keeps what belongs to one attempt, as long as it is ours."""

    def __init__(
        self,
        database: Database,
        claimed: Claimed,
        tokens: ReportTokens,
        *,
        limits: JournalSettings | None = None,
        on_aside: Callable[[], None] = lambda: None,
    ) -> None:
        self._database = database
        self._claimed = claimed
        self._tokens = tokens
        self._limits = limits or JournalSettings()
        self._on_aside = on_aside
        self.has_reporter = False

    async def read_facts(self) -> Facts:
        """Read for whom this attempt works."""
        async with read_only(self._database) as session:
            row = (
                await session.execute(sa.select(*(executions.c[name] for name in _FACTS)).where(self._is_ours()))
            ).first()
        if row is None:
            raise Disowned
        return Facts(*row)

    def report_token(self) -> str:
        """Make the token by which the program may report."""
        self.has_reporter = True
        return self._tokens.issue(self._claimed.id, self._claimed.number)

    async def keep_artifact(self, name: str, source: Source) -> str | None:
        """Keep a file that the program made."""
        owner = Owner(self._claimed.id, self._claimed.number)
        try:
            async with unit_of_work(self._database) as session:
                await artifacts.keep(session, self._limits, owner, name, source)
        except NotRunning as error:
            raise Disowned from error
        except (ValueError, StationmasterError) as error:
            return str(error)
        return None

    async def save_handle(self, handle: Mapping[str, Any]) -> None:
        """Keep by what the outside world will know this attempt."""
        async with unit_of_work(self._database) as session:
            await self._update(session, handle=dict(handle))

    def step_aside(self) -> None:
        """Give the attempt's place to others."""
        self._on_aside()

    async def _update(self, session: AsyncSession, **values: Any) -> None:
        written = await session.scalar(
            sa.update(executions).where(self._is_ours()).values(values).returning(executions.c.id)
        )
        if written is None:
            raise Disowned

    def _is_ours(self) -> sa.ColumnElement[bool]:
        """Made only when it is asked for: most attempts never do, and there are thousands a second."""
        return sa.and_(
            executions.c.id == self._claimed.id,
            executions.c.lease_token == self._claimed.token,
            executions.c.attempt == self._claimed.number,
            executions.c.state == State.RUNNING,
        )


class TrialDesk:
    """The desk of a trial: it works for whoever tries, and nothing is kept."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self.has_reporter = False

    async def read_facts(self) -> Facts:
        """Return for whom the trial is."""
        return self._facts

    def report_token(self) -> None:
        """Give none: there is nothing to report on."""

    async def keep_artifact(self, name: str, source: Source) -> str | None:
        """Keep nothing."""

    async def save_handle(self, handle: Mapping[str, Any]) -> None:
        """Keep nothing: a trial is not taken over."""

    def step_aside(self) -> None:
        """Do nothing: a trial holds no place."""
