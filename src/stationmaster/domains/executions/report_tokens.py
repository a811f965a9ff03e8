"""The token by which a running program reports on its own execution, and on nothing else.

It names the execution and the attempt and is signed with a key of the service's secret; nothing of it is stored. It counts
only while that very attempt runs, which is looked up at each use. A replica that takes the attempt over gives out the same
token, so a container that lives on can go on reporting.
"""

import hmac
import re
from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.db.base import table_of
from stationmaster.db.engine import Database
from stationmaster.db.session import read_only
from stationmaster.domains.executions.models import Execution
from stationmaster.domains.executions.states import State
from stationmaster.identity.actor import Actor, Role
from stationmaster.kit import tokens
from stationmaster.kit.keys import derive_key

PREFIX = "smx_"
_FORM = re.compile(r"smx_([0-9a-f]{32})_(\d{1,9})_([0-9a-f]{64})\Z", re.ASCII)

executions = table_of(Execution)


@dataclass(frozen=True)
class Bearer:
    """Of whom a token speaks."""

    execution_id: UUID
    attempt: int


class ReportTokens:
    """Makes and reads these tokens; all replicas have the same secret."""

    prefix = PREFIX

    def __init__(self, secret: str) -> None:
        self._key = derive_key(secret, "execution tokens")

    def issue(self, execution_id: UUID, attempt: int) -> str:
        """Make the token of an attempt, the same each time."""
        return f"{PREFIX}{execution_id.hex}_{attempt}_{self._sign(execution_id, attempt)}"

    def read(self, text: str) -> Bearer | None:
        """Return of whom a token speaks, or None when it is none of ours."""
        found = _FORM.match(text)
        if found is None:
            return None
        bearer = Bearer(UUID(found[1]), int(found[2]))
        return bearer if tokens.is_same(self._sign(bearer.execution_id, bearer.attempt), found[3]) else None

    async def find_actor(self, database: Database, text: str) -> Actor | None:
        """Return the execution as a caller, or None when the token does not count (any more)."""
        bearer = self.read(text)
        if bearer is None:
            return None
        async with read_only(database) as session:
            row = await _find_running(session, bearer)
        if row is None:
            return None
        id_ = bearer.execution_id
        return Actor("execution", id_, row.owner_id or id_, f"execution {id_}", "", Role.VIEWER)

    def _sign(self, execution_id: UUID, attempt: int) -> str:
        return hmac.digest(self._key, b"%s %d" % (execution_id.bytes, attempt), "sha256").hex()


async def _find_running(session: AsyncSession, bearer: Bearer) -> sa.Row[tuple[UUID | None]] | None:
    statement = sa.select(executions.c.owner_id).where(
        executions.c.id == bearer.execution_id,
        executions.c.attempt == bearer.attempt,
        executions.c.state == State.RUNNING,
    )
    return (await session.execute(statement)).one_or_none()
