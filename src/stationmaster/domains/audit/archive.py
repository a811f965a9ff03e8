"""Reading the audit log: entries with the names of those in them, and how many of which kind there are."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.domains.audit import repository
from stationmaster.domains.audit.chain import SealKey
from stationmaster.domains.audit.models import AuditLog
from stationmaster.domains.audit.repository import Filters
from stationmaster.domains.audit.schemas import ActionCount, ActorCount, AuditLogOut, DayCount, StatsOut
from stationmaster.domains.audit.stored import ENTRIES
from stationmaster.errors import NotFound

NameFinder = Callable[[AsyncSession, Collection[UUID]], Awaitable[Mapping[UUID, str]]]
"""Gives the names of those of these ids that it knows."""

MOST_KINDS = 100
MOST_DAYS = 366


@dataclass(frozen=True)
class Archive:
    """Made once by the lifespan. The rooms above know the names of people and of keys, and hand in how to find them."""

    key: SealKey
    name_finders: Sequence[NameFinder]

    async def get(self, session: AsyncSession, id_: UUID) -> AuditLogOut:
        """Return an entry.

        Raises:
            NotFound: there is none with this id.
        """
        entry = await repository.find_entry(session, id_)
        if entry is None:
            raise NotFound("audit log entry", id_)
        return (await self.show(session, [entry]))[0]

    async def show(self, session: AsyncSession, entries: Sequence[AuditLog]) -> list[AuditLogOut]:
        """Show entries with the names that are known today."""
        names = await self._find_names(session, {id_ for entry in entries for id_ in (entry.actor_id, entry.user_id)})
        return [AuditLogOut.of(entry, names) for entry in entries]

    async def count(self, session: AsyncSession, filters: Filters) -> StatsOut:
        """Count entries by action, actor, outcome and day."""
        columns = ENTRIES.c
        outcomes = await repository.count_by(session, filters, columns.outcome, limit=MOST_KINDS)
        actions = await repository.count_by(session, filters, columns.action, limit=MOST_KINDS)
        actors = await repository.count_by(session, filters, columns.actor_kind, columns.actor_id, limit=MOST_KINDS)
        days = await repository.count_by_day(session, filters, limit=MOST_DAYS)
        names = await self._find_names(session, {row.actor_id for row in actors})
        return StatsOut(
            total=sum(row.number for row in outcomes),
            by_outcome={row.outcome: row.number for row in outcomes},
            by_action=[ActionCount(action=row.action, count=row.number) for row in actions],
            by_actor=[
                ActorCount(kind=row.actor_kind, id=row.actor_id, name=names.get(row.actor_id), count=row.number)
                for row in actors
            ],
            by_day=[DayCount(day=row.day, count=row.number) for row in days],
        )

    async def _find_names(self, session: AsyncSession, ids: Collection[UUID | None]) -> dict[Any, str]:
        known = {id_ for id_ in ids if id_ is not None}
        names: dict[Any, str] = {}
        for find in self.name_finders if known else ():
            names |= await find(session, known)
        return names


def list_statement(filters: Filters) -> Any:
    """Return the statement of a list of entries, for paging."""
    return repository.list_statement(filters)
