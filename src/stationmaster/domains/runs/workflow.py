"""The next steps of a run: which of them have their turn, which are left out, and what their items come to.

`advance` looks at a locked run as it is and does what follows, until nothing follows any more. Whatever changes a step run
(a report, the end of an execution, a decision, a rerun) calls it in the same transaction. So a crash at any instant leaves a
run either before the change or behind all that follows from it.

Steps that are reported from outside are left alone, unless they have a condition of their own: then they are skipped when it
does not hold.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from itertools import product
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.db.clock import database_now
from stationmaster.domains.jobs.rules import JobRules
from stationmaster.domains.processes import service as processes
from stationmaster.domains.processes import step_work, versions
from stationmaster.domains.processes.graph import dependencies
from stationmaster.domains.processes.models import Step
from stationmaster.domains.processes.references import (
    Surroundings,
    find_value,
    holds,
    parse_condition,
    parse_reference,
    reference_name,
)
from stationmaster.domains.processes.work_schemas import MOST_ITEMS, FanOut
from stationmaster.domains.runs import deriving, repository
from stationmaster.domains.runs.dispatching import Stage, dispatch, fail, surroundings_of
from stationmaster.domains.runs.inputs import NO_INPUT, NoInput, resolve_inputs
from stationmaster.domains.runs.models import Run, StepRun
from stationmaster.domains.runs.status import ENDED, SkipReason, StepStatus
from stationmaster.kit.instants import normalise

BAD = frozenset({StepStatus.FAILED, StepStatus.CANCELLED})


async def advance(session: AsyncSession, rules: JobRules, run: Run) -> None:
    """Do what follows from the step runs of a locked run, and bring its status up to them."""
    await session.flush()
    process = await processes.find_process(session, run.process_id)
    is_open = process is not None and process.deleted_at is None and run.deleted_at is None and run.cancelled_at is None
    if process is not None and is_open:
        stage = Stage(session, rules, process, run, normalise(await database_now(session)))
        await _Look.at(stage, await _steps_of(session, run), await repository.list_current(session, run.id)).go_on()
    await deriving.derive(session, [run.id])
    await session.refresh(run)


async def _steps_of(session: AsyncSession, run: Run) -> list[Step]:
    return versions.steps_of(await versions.get_version_of(session, run.process_id, run.version))


class _Look:
    """One look at a run: its steps, in their order, and where they stand."""

    def __init__(self, stage: Stage, steps: Sequence[Step], step_runs: Mapping[UUID, StepRun]) -> None:
        self.stage = stage
        self.steps = steps
        self.step_runs = step_runs
        self.waits_for = dependencies(steps)
        self.optional = {step.id for step in steps if step.is_optional}
        self.ours = {step.id for step in steps if step.work or step.approval}
        self.names = {step.id: reference_name(step.name) for step in steps}

    @classmethod
    def at(cls, stage: Stage, steps: Sequence[Step], step_runs: Sequence[StepRun]) -> "_Look":
        return cls(stage, steps, {step_run.step_id: step_run for step_run in step_runs})

    async def go_on(self) -> None:
        """Begin and skip steps until no other step's turn comes by it."""
        while [step for step in self.steps if await self._try(step)]:
            pass
        await self.stage.session.flush()

    async def _try(self, step: Step) -> bool:
        """Decide about one step; say whether it has ended by that, so that others may have their turn."""
        step_run = self.step_runs[step.id]
        if step_run.status is StepStatus.RUNNING and step.work and step.work.get("fan_out"):
            await self._go_through_items(step, step_run)
            return step_run.status in ENDED
        is_waiting = step_run.status is StepStatus.PENDING and step_run.execution_id is None
        if not is_waiting or not (step.id in self.ours or step.run_if) or not self._have_all_ended(step):
            return False
        reason = self._find_reason_against(step)
        if reason is not None:
            step_run.status, step_run.reason, step_run.finished_at = StepStatus.SKIPPED, reason, self.stage.now
            return True
        await self._begin(step, step_run)
        return step_run.status in ENDED

    def _have_all_ended(self, step: Step) -> bool:
        return all(self._holds_nothing_up(id_) for id_ in self.waits_for[step.id])

    def _holds_nothing_up(self, step_id: UUID) -> bool:
        """Say whether nobody waits for a step: it has ended, or nobody knows whether it will ever be done."""
        status = self.step_runs[step_id].status
        is_unneeded = status is StepStatus.PENDING and step_id in self.optional - self.ours
        return status in ENDED or status is StepStatus.OPTIONAL or is_unneeded

    def _find_reason_against(self, step: Step) -> SkipReason | None:
        has_failed = any(self._is_bad(id_) for id_ in self.waits_for[step.id])
        match step.run_if:
            case None | "success":
                return SkipReason.DEPENDENCY if has_failed else None
            case "failure":
                return None if has_failed else SkipReason.CONDITION
            case "always":
                return None
            case text:
                return None if holds(parse_condition(text), self._surroundings()) else SkipReason.CONDITION

    def _is_bad(self, step_id: UUID) -> bool:
        step_run = self.step_runs[step_id]
        if step_run.reason is SkipReason.DEPENDENCY:
            return True
        return step_run.status in BAD and step_id not in self.optional

    def _surroundings(self) -> Surroundings:
        return surroundings_of(self.stage.run, self.step_runs, self.names)

    async def _begin(self, step: Step, step_run: StepRun) -> None:
        if step.approval is not None:
            _ask(step, step_run, self.stage)
        elif step.work:
            await self._begin_work(step, step_run)

    async def _begin_work(self, step: Step, step_run: StepRun) -> None:
        work = step_work.read_work(step)
        try:
            params = await resolve_inputs(self.stage.session, work, self._surroundings())
        except NoInput as error:
            fail(step_run, NO_INPUT, str(error), self.stage.now)
            return
        if work.fan_out is not None:
            await self._spread(step, step_run, work.fan_out, params)
        else:
            await dispatch(self.stage, step, step_run, params)

    async def _spread(self, step: Step, step_run: StepRun, fan_out: FanOut, params: dict[str, Any]) -> None:
        """Make a step run for each item, and begin the first of them."""
        try:
            items = _list_items(fan_out, self._surroundings())
        except ValueError as error:
            fail(step_run, "fan_out", str(error), self.stage.now)
            return
        step_run.params = params
        step_run.status, step_run.started_at = StepStatus.RUNNING, self.stage.now
        self.stage.session.add_all(_make_child(step_run, number, item) for number, item in enumerate(items))
        await self.stage.session.flush()
        await self._go_through_items(step, step_run)

    async def _go_through_items(self, step: Step, step_run: StepRun) -> None:
        """Begin as many items as may be under way, and end the step when all have ended."""
        fan_out = step_work.read_work(step).fan_out
        assert fan_out is not None
        children = await repository.list_children(self.stage.session, step_run.id)
        waiting = [child for child in children if child.status is StepStatus.PENDING]
        while waiting and sum(child.status is StepStatus.RUNNING for child in children) < fan_out.parallel:
            if sum(child.status in BAD for child in children) > fan_out.max_failed:
                break
            child = waiting.pop(0)
            await dispatch(self.stage, step, child, (step_run.params or {}) | (child.item or {}))
        if all(child.status is not StepStatus.RUNNING for child in children):
            _leave_out(waiting, self.stage)
            _sum_up(step_run, children, fan_out, self.stage)


def _ask(step: Step, step_run: StepRun, stage: Stage) -> None:
    """Let a step wait for somebody's decision."""
    assert step.approval is not None
    seconds = step.approval.get("timeout_seconds")
    step_run.status, step_run.started_at = StepStatus.RUNNING, stage.now
    step_run.deadline_at = stage.now + timedelta(seconds=seconds) if seconds else None


def _list_items(fan_out: FanOut, there: Surroundings) -> list[dict[str, Any]]:
    """Return the parameters of each item: one for each combination.

    Raises:
        ValueError: what should be a list is none, or there are too many.
    """
    lists = {}
    for name, given in fan_out.over.items():
        found = find_value(parse_reference(given), there) if isinstance(given, str) else given
        if not isinstance(found, list):
            raise ValueError(f"{given} is no list")  # noqa: TRY004  # the value is wrong for the user
        lists[name] = found
    items = [dict(zip(lists, combination, strict=True)) for combination in product(*lists.values())]
    if len(items) > MOST_ITEMS:
        raise ValueError(f"these are {len(items)} items, and {MOST_ITEMS} are the most")
    return items


def _make_child(parent: StepRun, number: int, item: dict[str, Any]) -> StepRun:
    return StepRun(
        run_id=parent.run_id,
        step_id=parent.step_id,
        index=parent.index,
        name=parent.name,
        is_optional=parent.is_optional,
        parent_id=parent.id,
        item=item,
        item_index=number,
        meta={},
    )


def _leave_out(waiting: Sequence[StepRun], stage: Stage) -> None:
    for child in waiting:
        child.status, child.reason, child.finished_at = StepStatus.SKIPPED, SkipReason.ENOUGH_FAILED, stage.now


def _sum_up(step_run: StepRun, children: Sequence[StepRun], fan_out: FanOut, stage: Stage) -> None:
    """End a step whose items have all ended."""
    failed = sum(child.status in BAD for child in children)
    good = [child for child in children if child.status is StepStatus.SUCCESS]
    step_run.finished_at = stage.now
    step_run.result = {
        "results": [child.result for child in good],
        "succeeded": len(good),
        "failed": failed,
        "skipped": len(children) - len(good) - failed,
    }
    step_run.is_partial = failed > 0
    if failed > fan_out.max_failed:
        fail(step_run, "items_failed", f"{failed} of {len(children)} items failed.", stage.now)
        return
    step_run.status = StepStatus.SUCCESS
