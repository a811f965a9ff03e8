"""Which executions somebody sees, and into which they may look: one rule, as a function for one and a condition for many.

The work of jobs and of processes is in sight of everybody who is signed in, as jobs and processes are. A run of a script
that somebody asked for is in sight of those who may look inside it, and to all others it looks as if it were not there.
What an execution said, made and answered is for

    whoever it works for
    whoever may read the logs of the script that it runs: the script's owner
    admins

Its script is named to those, and to whoever may see that script.
"""

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.db.base import table_of
from stationmaster.domains.executions.models import Execution
from stationmaster.domains.scripts import service as scripts
from stationmaster.domains.scripts.access import logs_open_to
from stationmaster.domains.scripts.models import Script
from stationmaster.identity.actor import Actor

executions = table_of(Execution)


@dataclass(frozen=True)
class Sight:
    """What a caller sees of some executions; `scripts` are those of theirs that the caller may see.

    To each of these belongs whether its logs are open to the caller.
    """

    actor: Actor
    scripts: dict[UUID, bool]

    def may_see(self, execution: Execution) -> bool:
        """Say whether an execution is in sight at all."""
        is_own_run = execution.script_id is not None and execution.job_id is None and execution.step_run_id is None
        return not is_own_run or self.may_look_inside(execution)

    def may_look_inside(self, execution: Execution) -> bool:
        """Say whether logs, results and artifacts of an execution are open."""
        is_own = execution.owner_id is not None and execution.owner_id == self.actor.user_id
        return self.actor.is_admin or is_own or self._is_log_open(execution.script_id)

    def may_name_script(self, execution: Execution) -> bool:
        """Say whether the script of an execution may be named."""
        return execution.script_id in self.scripts or self.may_look_inside(execution)

    def _is_log_open(self, script_id: UUID | None) -> bool:
        return script_id is not None and self.scripts.get(script_id, False)


async def read_sight(session: AsyncSession, several: Collection[Execution], actor: Actor) -> Sight:
    """Return what a caller sees of these executions; one statement, and none where no script is run."""
    ids = {execution.script_id for execution in several if execution.script_id is not None}
    return Sight(actor, await scripts.find_log_access(session, ids, actor) if ids and not actor.is_admin else {})


def in_sight_of(actor: Actor) -> sa.ColumnElement[bool]:
    """Return the condition on `executions` that `may_see` is of one."""
    if actor.is_admin:
        return sa.true()
    own_scripts = sa.select(table_of(Script).c.id).where(logs_open_to(actor))
    return sa.or_(
        executions.c.script_id.is_(None),
        executions.c.job_id.is_not(None),
        executions.c.step_run_id.is_not(None),
        executions.c.owner_id == actor.user_id,
        executions.c.script_id.in_(own_scripts),
    )
