"""Search over runs: any text, in what people know a run by."""

from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from pydantic import ConfigDict, Field
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import select

from stationmaster.db.base import table_of
from stationmaster.db.json_member import member_text
from stationmaster.domains.processes import service as processes
from stationmaster.domains.processes.metadata_schema import read_schema
from stationmaster.domains.runs import reading
from stationmaster.domains.runs.models import Run
from stationmaster.domains.runs.repository import is_visible
from stationmaster.domains.runs.schemas import RUN_EXAMPLE, RunOut
from stationmaster.web.schema import Output

PLAIN = ("entity_id", "entity_name", "status")

_runs = table_of(Run)


class MatchOut(Output):
    """Where the text was found."""

    field: str = Field(examples=["entity_name"])
    value: str = Field(examples=["Ada Lovelace"])


class RunHit(RunOut):
    """A run that was found, and by what."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [RUN_EXAMPLE | {"matches": [{"field": "entity_name", "value": "Ada Lovelace"}]}]}
    )

    matches: list[MatchOut]


async def find_fields(session: AsyncSession, process_id: UUID | None) -> tuple[str, ...]:
    """Name the metadata fields that are searched: those that the process declares.

    Raises:
        ProcessNotFound
    """
    if process_id is None:
        return ()
    process = await processes.get_process(session, process_id)
    return tuple(read_schema(process.run_metadata_schema))


def search_statement(text: str, process_id: UUID | None, fields: Sequence[str]) -> Any:
    """Select the runs in which this text stands, newest first."""
    texts = [_runs.c.entity_id, _runs.c.entity_name, sa.cast(_runs.c.status, sa.Text)]
    texts += [member_text(_runs.c.meta, name) for name in fields]
    statement = select(Run).where(
        is_visible(), sa.or_(*(sa.type_coerce(one, sa.Text).icontains(text, autoescape=True) for one in texts))
    )
    if process_id is not None:
        statement = statement.where(Run.process_id == process_id)
    return statement.order_by(_runs.c.id.desc())


async def show_hits(session: AsyncSession, rows: Sequence[Run], text: str, fields: Sequence[str]) -> list[RunHit]:
    """Show the runs of a page with what was found in them."""
    return [
        RunHit(**dict(shown), matches=list(_matches(shown, text.casefold(), fields)))
        for shown in await reading.show_runs(session, rows)
    ]


def _matches(run: RunOut, wanted: str, fields: Sequence[str]) -> Iterator[MatchOut]:
    values = {name: getattr(run, name) for name in PLAIN} | {f"meta.{name}": run.meta.get(name) for name in fields}
    for name, value in values.items():
        text = str(value).lower() if isinstance(value, bool) else str(value)
        if value is not None and not isinstance(value, dict | list) and wanted in text.casefold():
            yield MatchOut(field=name, value=text)
