"""What follows for jobs when executions have ended."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.domains.executions.models import Execution
from stationmaster.domains.jobs import state, streaks, telling, waves


class JobFollower:
    """Tells how jobs fare, counts failures, pauses what fails too often, and sets off the jobs that wait.

    `timezone` is that of jobs without schedules.
    """

    name = "jobs"

    def __init__(self, timezone: str) -> None:
        self._timezone = timezone

    async def follow(self, session: AsyncSession, ended: Sequence[Execution]) -> None:
        of_jobs = [execution for execution in ended if execution.job_id is not None]
        if of_jobs:
            await telling.tell(session, of_jobs)
            await state.settle(session, of_jobs)
            await streaks.count(session, of_jobs)
            await waves.follow(session, of_jobs, timezone=self._timezone)
