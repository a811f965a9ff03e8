"""Cutting off the oldest seals with their entries, so that what is left can still be verified.

A checkpoint is signed in the place of the last seal that goes: its number, its digest, and the place of its last entry. The
verification begins there. Who can write to the database, and has not the key, cannot make one.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import partial

from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.db.retention import Rule
from stationmaster.domains.audit import repository
from stationmaster.domains.audit.chain import SealKey, columns_of_checkpoint
from stationmaster.domains.audit.models import AuditCheckpoint, AuditSeal
from stationmaster.kit import clock
from stationmaster.retention_settings import RetentionSettings


def rules(settings: RetentionSettings, key: SealKey) -> Iterator[Rule]:
    """Offer the rule of the audit log."""
    text = "Entries of the audit log, in whole seals."
    yield Rule("audit", text, _count, partial(_remove, key=key), keep=settings.audit)


async def _count(session: AsyncSession, before: datetime, limit: int) -> int:
    seals = _fitting(await repository.list_old_seals(session, before, limit), limit)
    return sum(seal.last_sequence - seal.first_sequence + 1 for seal in seals)


async def _remove(session: AsyncSession, before: datetime, limit: int, *, key: SealKey) -> int:
    seals = _fitting(await repository.list_old_seals(session, before, limit), limit)
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
