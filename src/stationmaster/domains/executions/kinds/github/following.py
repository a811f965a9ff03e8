"""Follows a run to its end, and tells of it."""

import asyncio
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from stationmaster.domains.executions.executor import Outcome
from stationmaster.domains.executions.journal import Journal, Stream
from stationmaster.domains.executions.kinds.github.api import GithubApi, RateLimited, Unreachable
from stationmaster.domains.executions.kinds.github.board import Board, Gone
from stationmaster.domains.executions.kinds.github.reading import Job, Run, read_jobs
from stationmaster.domains.executions.states import Reason, State

PATIENCE = 5
"""So many times a run may be gone, one look after the other, before it is believed: GitHub's replicas differ for a while."""
MOST_LOGS = 10
_TIME_STAMP = re.compile(r"^\ufeff?\d{4}-\d\d-\d\dT[\d:.]+Z ")
_ENDS: dict[str, tuple[State, Reason | None]] = {
    "success": (State.SUCCEEDED, None),
    "neutral": (State.SUCCEEDED, None),
    "skipped": (State.SUCCEEDED, None),
    "cancelled": (State.CANCELLED, Reason.REQUESTED),
    "timed_out": (State.TIMED_OUT, Reason.TIMEOUT),
}
"""What a conclusion means; any other is a failure (GitHub Docs, "Workflow runs", conclusion)."""


@dataclass(frozen=True, slots=True)
class Following:
    """One run that is followed."""

    api: GithubApi
    board: Board
    run_id: int
    journal: Journal
    log_lines: int

    async def to_the_end(self) -> Outcome:
        """Come back when the run is over; whoever waits sets the limit. GitHub may be away meanwhile."""
        told, missed = "", 0
        while True:
            try:
                run = await self.board.look(self.run_id)
            except Gone as error:
                missed += 1
                if missed >= PATIENCE:
                    return Outcome(State.LOST, Reason.LOST, response_status=404, error=f"The run is gone. {error}")
                await asyncio.sleep(self.board.interval_seconds)
                continue
            except (Unreachable, RateLimited) as trouble:
                await asyncio.sleep(max(self.board.interval_seconds, getattr(trouble, "seconds", 0)))
                continue
            missed = 0
            if run.status != told:
                await self.journal.line(f"Run {run.id} is {run.status.replace('_', ' ')}: {run.address}")
                told = run.status
            if run.is_over:
                return await self._conclude(run)
            await asyncio.sleep(self.board.interval_seconds)

    async def _conclude(self, run: Run) -> Outcome:
        jobs = await self._read_jobs()
        await self._tell(jobs)
        state, reason = _ENDS.get(run.conclusion or "", (State.FAILED, Reason.EXIT_CODE))
        error = None if state is State.SUCCEEDED else _explain(run, jobs)
        return Outcome(state, reason, response_status=200, error=error, result=_result(run, jobs))

    async def _read_jobs(self) -> list[Job]:
        """Return the jobs of the run; none when GitHub does not tell: the run's own end is what counts."""
        path = f"/repos/{self.board.repository}/actions/runs/{self.run_id}/jobs"
        try:
            reply = await self.api.get(path, token=self.board.token, query={"per_page": 100})
        except (Unreachable, RateLimited):
            return []
        return read_jobs(reply.data) if reply.status == 200 else []

    async def _tell(self, jobs: Sequence[Job]) -> None:
        for job in jobs:
            level = "error" if job.conclusion == "failure" else "info"
            await self.journal.line(f"Job {job.name}: {job.conclusion or job.status}", level=level)
        told = sorted(jobs, key=lambda job: job.conclusion != "failure")[:MOST_LOGS]
        for job in told if self.log_lines else ():
            await self._tell_log(job)

    async def _tell_log(self, job: Job) -> None:
        """Add the end of a job's log; a log that cannot be had is no fault of the run."""
        path = f"/repos/{self.board.repository}/actions/jobs/{job.id}/logs"
        try:
            log = await self.api.download(path, token=self.board.token)
        except (Unreachable, RateLimited) as trouble:
            await self.journal.line(f"The log of {job.name} could not be read: {trouble}", level="warning")
            return
        if log is None:
            return
        text, is_longer = log
        where = "from the middle of a long log" if is_longer else "the end of its log"
        await self.journal.line(f"{job.name}, {where}:")
        for line in text.splitlines()[-self.log_lines :]:
            await self.journal.line(_TIME_STAMP.sub("", line), Stream.STDOUT)


def _explain(run: Run, jobs: Sequence[Job]) -> str:
    failed = list(_failures(jobs))
    where = f" ({'; '.join(failed[:5])})" if failed else ""
    return f"The run ended as {run.conclusion or 'unknown'}{where}."


def _failures(jobs: Sequence[Job]) -> Iterator[str]:
    for job in jobs:
        if job.conclusion == "failure":
            yield f"{job.name}: {', '.join(job.failed_steps)}" if job.failed_steps else job.name


def _result(run: Run, jobs: Sequence[Job]) -> dict[str, Any]:
    shown = [{"name": job.name, "conclusion": job.conclusion, "failed_steps": [*job.failed_steps]} for job in jobs]
    return {"run_id": run.id, "html_url": run.address, "conclusion": run.conclusion, "jobs": shown}
