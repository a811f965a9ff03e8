"""What follows when the execution of a step has ended: the step run ends with it, is done again, or lets others begin."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.domains.executions.models import Execution
from stationmaster.domains.jobs.rules import JobRules
from stationmaster.domains.processes import versions
from stationmaster.domains.runs import repository, reruns, results, workflow
from stationmaster.domains.runs.models import Run, StepRun
from stationmaster.domains.runs.status import ENDED, StepStatus


class WorkflowFollower:
    """Takes runs on when the work for one of their steps has ended."""

    name = "workflow"

    def __init__(self, rules: JobRules) -> None:
        self._rules = rules

    async def follow(self, session: AsyncSession, ended: Sequence[Execution]) -> None:
        """Write the ends into the step runs, and do what follows for their runs."""
        mine = [execution for execution in ended if execution.step_run_id is not None]
        if not mine:
            return
        ids = [execution.step_run_id for execution in mine if execution.step_run_id is not None]
        runs = {run.id: run for run in await repository.lock_runs(session, await repository.find_runs_of(session, ids))}
        for execution in mine:
            await self._conclude(session, runs, execution)
        for run in runs.values():
            await workflow.advance(session, self._rules, run)

    async def _conclude(self, session: AsyncSession, runs: Mapping[UUID, Run], execution: Execution) -> None:
        assert execution.step_run_id is not None
        step_run = await session.get(StepRun, execution.step_run_id, populate_existing=True)
        if step_run is None or step_run.execution_id != execution.id or step_run.status in ENDED:
            return  # it was purged, done again, or reported meanwhile
        if results.is_only_accepted(execution):
            return  # the receiver reports how it ends
        run = runs[step_run.run_id]
        results.conclude(step_run, execution)
        if run.neutralized_at is not None:
            step_run.result = step_run.failure = None
        await session.flush()
        if step_run.status is StepStatus.FAILED:
            version = await versions.get_version_of(session, run.process_id, run.version)
            step = next(step for step in versions.steps_of(version) if step.id == step_run.step_id)
            await reruns.rerun_by_itself(session, self._rules, run, step, step_run)
