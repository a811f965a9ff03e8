"""What must be hidden of an attempt, kept sealed while it runs: a report may reach a replica that does not carry it out."""

import json
from collections.abc import Sequence
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.db.base import table_of
from stationmaster.domains.executions.journals.models import MASKS_ROW, Journal
from stationmaster.kit.sealing import Sealer
from stationmaster.kit.secret_mask import SecretMask

journals = table_of(Journal)


def seal(sealer: Sealer, execution_id: UUID, secrets: Sequence[str]) -> str:
    """Return these texts as they are stored; the empty text when there are none (any more)."""
    return sealer.seal(json.dumps(secrets), row=MASKS_ROW.format(execution_id=execution_id)) if secrets else ""


async def read(session: AsyncSession, sealer: Sealer, execution_id: UUID, attempt: int) -> SecretMask:
    """Return what hides the secrets of an attempt that runs.

    Raises:
        CannotOpen: they were sealed with a key that is gone.
    """
    statement = sa.select(journals.c.masks).where(
        journals.c.execution_id == execution_id, journals.c.attempt == attempt
    )
    sealed = await session.scalar(statement)
    if sealed is None:
        return SecretMask()
    return SecretMask(json.loads(sealer.open(sealed, row=MASKS_ROW.format(execution_id=execution_id))))
