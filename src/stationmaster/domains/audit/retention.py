"""Cutting off the oldest seals with their entries, so that what is left can still be verified.

A checkpoint is signed in the place of the last seal that goes: its number, its digest, and the place of its last entry. The
verification begins there. Who can write to the database, and has not the key, cannot make one.
"""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.db.retention import Rule
from stationmaster.domains.audit import repository
from stationmaster.domains.audit.chain import SealKey, columns_of_checkpoint
from stationmaster.domains.audit.models import AuditCheckpoint, AuditSeal
from stationmaster.kit import clock
from stationmaster.retention_settings import RetentionSettings


def rules(settings: RetentionSettings, key: SealKey) -> Iterator[Rule]:
    """Offer the rules of the audit log: by age, and by how many entries there are."""
    old = _Cut(repository.list_old_seals, key)
    yield Rule("audit", "Entries of the audit log, in whole seals.", old.count, old.remove, keep=settings.audit)

    async def list_beyond(session: AsyncSession, _before: datetime, limit: int) -> Sequence[AuditSeal]:
        return await repository.list_seals_beyond(session, settings.audit_entries, limit)

    beyond, text = _Cut(list_beyond, key), "Entries of the audit log beyond the newest, in whole seals."
    yield Rule("audit_entries", text, beyond.count, beyond.remove, keep_count=settings.audit_entries)


@dataclass(frozen=True)
class _Cut:
    """Cuts off the oldest seals, as many as are listed and fit."""

    list_seals: Callable[[AsyncSession, datetime, int], Awaitable[Sequence[AuditSeal]]]
    key: SealKey

    async def count(self, session: AsyncSession, before: datetime, limit: int) -> int:
        seals = _fitting(await self.list_seals(session, before, limit), limit)
        return sum(seal.last_sequence - seal.first_sequence + 1 for seal in seals)

    async def remove(self, session: AsyncSession, before: datetime, limit: int) -> int:
        return await _remove(session, _fitting(await self.list_seals(session, before, limit), limit), self.key)


async def _remove(session: AsyncSession, seals: Sequence[AuditSeal], key: SealKey) -> int:
    if not seals:
        return 0
    last = seals[-1]
    point = AuditCheckpoint(
        number=last.number,
        last_sequence=last.last_sequence,
        seal_digest=last.digest,
        key_id=key.id,
        made_at=clock.now(),
        digest="",
    )
    point.digest = key.sign_checkpoint(columns_of_checkpoint(point))
    return await repository.cut_off(session, point)


def _fitting(seals: Sequence[AuditSeal], limit: int) -> Sequence[AuditSeal]:
    """Return as many of the oldest seals as have no more entries than the limit, or the first."""
    begin = seals[0].first_sequence if seals else 0
    return [seal for index, seal in enumerate(seals) if index == 0 or seal.last_sequence - begin < limit]
