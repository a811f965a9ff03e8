"""Closing batches of entries: the leader's duty, every few seconds.

Two sealers at once do no harm: both would write the seal of the same number, and the database refuses the second.
"""

import logging
from collections.abc import Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.domains.audit import repository
from stationmaster.domains.audit.chain import NO_SEAL, SealKey, columns_of, root_of
from stationmaster.domains.audit.models import AuditSeal
from stationmaster.domains.audit.repository import Row
from stationmaster.kit import clock

logger = logging.getLogger(__name__)

BATCH = 2000
"""Entries; signing so many takes about 25 ms."""


async def seal(session: AsyncSession, key: SealKey) -> int:
    """Seal the oldest entries that are not sealed yet, up to a batch of them; return how many.

    The line in the log is the copy of the chain's end that lies outside the database; keep it somewhere else.
    """
    waiting = await repository.read_unsealed(session, limit=BATCH)
    if not waiting:
        return 0
    previous = await repository.find_last_seal(session)
    rows = _number(waiting, key, first=previous.last_sequence + 1 if previous else 1)
    made = _make_seal(rows, key, previous)
    session.add(made)
    await session.flush()
    marked = await repository.mark_sealed(session, rows)
    assert marked == len(rows), "nobody can delete entries"
    facts = {"seal": made.number, "sequence": made.last_sequence, "entries": len(rows), "digest": made.digest}
    logger.info("audit.sealed", extra=facts)
    return len(rows)


def _number(waiting: Sequence[Row], key: SealKey, *, first: int) -> list[dict[str, Any]]:
    return [
        {"id": columns[0].decode(), "sequence": sequence, "digest": key.sign_entry(sequence, columns)}
        for sequence, columns in enumerate(waiting, start=first)
    ]


def _make_seal(rows: Sequence[dict[str, Any]], key: SealKey, previous: AuditSeal | None) -> AuditSeal:
    made = AuditSeal(
        number=previous.number + 1 if previous else 1,
        first_sequence=rows[0]["sequence"],
        last_sequence=rows[-1]["sequence"],
        root=root_of(row["digest"] for row in rows),
        previous=previous.digest if previous else NO_SEAL,
        key_id=key.id,
        sealed_at=clock.now(),
        digest="",
    )
    made.digest = key.sign_seal(columns_of(made))
    return made
