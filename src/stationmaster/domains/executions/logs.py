"""What others may ask of journals."""

from collections import defaultdict
from collections.abc import Collection
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.domains.executions.journals import chunks, store
from stationmaster.domains.executions.journals.chronicle import unfold
from stationmaster.domains.executions.journals.entry import Entry, Kind
from stationmaster.domains.executions.models import Execution
from stationmaster.domains.executions.states import State

LAST_LINES = 50
"""How many lines a list of executions shows of each."""


async def find_result(session: AsyncSession, execution: Execution) -> dict[str, Any] | None:
    """Return what an execution reported as its result, also while it runs."""
    if execution.state is not State.RUNNING:
        return execution.result
    journal = await store.find_journal(session, execution.id)
    return journal.result if journal is not None and journal.attempt == execution.attempt else None


async def last_lines(session: AsyncSession, ids: Collection[UUID]) -> dict[UUID, list[Entry]]:
    """Return the last lines of output of several executions."""
    lines: defaultdict[UUID, list[Entry]] = defaultdict(list)
    for row in await chunks.read_last_chunks(session, ids, lines=LAST_LINES):
        said = (item for item in unfold([row], row.first_sequence - 1) if isinstance(item, Entry))
        lines[row.execution_id] += [entry for entry in said if entry.kind is Kind.OUTPUT]
    return {id_: entries[-LAST_LINES:] for id_, entries in lines.items()}
