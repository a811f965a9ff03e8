"""Carries the target `process` out: begins a run, once for each execution, whatever crashes meanwhile."""

from collections.abc import Callable
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.db.engine import Database
from stationmaster.db.session import unit_of_work
from stationmaster.domains.executions.executor import Context, Outcome
from stationmaster.domains.executions.states import Reason, State
from stationmaster.domains.executions.targets.process import ProcessTarget
from stationmaster.domains.jobs.rules import JobRules
from stationmaster.domains.processes import service as processes
from stationmaster.domains.processes.models import Process
from stationmaster.domains.runs import service
from stationmaster.domains.runs.schemas import RunIn
from stationmaster.errors import Invalid

KEY_PREFIX = "execution:"


def read_key(key: str | None) -> UUID | None:
    """Return the execution that the key of a run names; anybody may have written it, so that alone proves nothing."""
    if key is None or not key.startswith(KEY_PREFIX):
        return None
    try:
        return UUID(key.removeprefix(KEY_PREFIX))
    except ValueError:
        return None


class ProcessExecutor:
    """Begins runs. `find_rules` is asked when it works: the rules know all executors, this one among them."""

    kind = "process"

    def __init__(self, database: Database, find_rules: Callable[[], JobRules]) -> None:
        self._database = database
        self._find_rules = find_rules

    async def run(self, target: ProcessTarget, context: Context) -> Outcome:
        """Begin a run under a key that all attempts of the execution share, so that it is begun once."""
        async with unit_of_work(self._database) as session:
            process = await processes.find_by_id_or_name(session, target.process)
            if process is None:
                return _refused(f"There is no process {target.process!r}.")
            try:
                run_id = await self._begin(session, process, target, context)
            except Invalid as error:
                details = "; ".join(f"{one.pointer}: {one.detail}" for one in error.errors)
                return _refused(f"The process does not take this run: {details}")
        return Outcome(State.SUCCEEDED, result={"run_id": run_id})

    async def _begin(self, session: AsyncSession, process: Process, target: ProcessTarget, context: Context) -> str:
        wanted = RunIn(
            process_id=process.id,
            entity_id=target.entity_id or str(context.execution_id),
            entity_name=target.entity_name,
            key=f"{KEY_PREFIX}{context.execution_id}",
            meta=target.meta,
            params=target.meta,
        )
        run, _ = await service.begin_run(session, self._find_rules(), process, wanted, actor_id=None)
        return str(run.id)

    async def stop(self, target: ProcessTarget, context: Context) -> None:
        """Do nothing: a run that has begun is a thing of its own, and is cancelled by itself."""

    def check(self, target: ProcessTarget) -> None:
        """Take every target: the process may be made later than the job."""

    def host_of(self, target: ProcessTarget) -> str | None:  # noqa: ARG002  # it loads nothing
        """Name nothing: only our own database is asked."""
        return None


def _refused(why: str) -> Outcome:
    return Outcome(State.FAILED, Reason.CLIENT_ERROR, error=why, is_final=True)
