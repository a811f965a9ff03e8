"""Trying a target once: the same executor and the same guards as a real execution, and nothing stored."""

import asyncio
import time

from stationmaster.domains.audit import service as audit
from stationmaster.domains.executions.desk import TrialDesk
from stationmaster.domains.executions.executor import Context, Facts, Outcome
from stationmaster.domains.executions.journal import TrialJournal
from stationmaster.domains.executions.states import Reason, State
from stationmaster.domains.executions.targets import Target
from stationmaster.domains.jobs import fire_time
from stationmaster.domains.jobs.action_schemas import TestRunIn, TestRunOut
from stationmaster.domains.jobs.rules import JobRules
from stationmaster.domains.jobs.versions import keep_masked
from stationmaster.errors import FieldError, Invalid
from stationmaster.identity.actor import Actor
from stationmaster.kit import clock
from stationmaster.kit.ids import new_id

GRACE_SECONDS = 1
JOB_NAME = "test-run"
"""What `job_name` stands for: there is no job."""


async def try_target(rules: JobRules, wanted: TestRunIn, actor: Actor) -> TestRunOut:
    """Carry a target out once and tell what came of it.

    Raises:
        Invalid: the target cannot be carried out here, or the params do not fit it.
    """
    keep_masked(wanted.target, None)
    rules.check_target(wanted.target)
    target = _lay_in_params(wanted, rules.timezone)
    audit.mention("target", target.type, after={"target": target.model_dump(exclude_unset=True)})
    context = Context(
        new_id(),
        attempt=1,
        scheduled_for=None,
        timeout_seconds=wanted.timeout_seconds,
        desk=TrialDesk(Facts(owner_id=actor.user_id)),
        journal=TrialJournal(),
    )
    began = time.monotonic()
    try:
        async with asyncio.timeout(wanted.timeout_seconds + GRACE_SECONDS):
            outcome = await rules.executors[target.type].run(target, context)
    except TimeoutError:
        await rules.executors[target.type].stop(target, context)
        outcome = Outcome(State.TIMED_OUT, Reason.TIMEOUT, error=f"No end after {wanted.timeout_seconds:g} s.")
    return TestRunOut(
        ok=outcome.state is State.SUCCEEDED,
        type=target.type,
        state=outcome.state,
        reason=outcome.reason,
        response_status=outcome.response_status,
        error=outcome.error,
        result=outcome.result,
        duration_seconds=round(time.monotonic() - began, 6),
    )


def _lay_in_params(wanted: TestRunIn, zone: str) -> Target:
    """Return the target with the params of the try, templates resolved for now; nothing has succeeded before."""
    own = fire_time.params_of(wanted.target)
    fire_time.try_out(own, pointer="/target/params")
    fire_time.try_out(wanted.params, pointer="/params")
    params = fire_time.resolve(wanted.params, own=own, at=clock.now(), job_name=JOB_NAME, zone=zone, last_success=None)
    try:
        return wanted.target.with_params(params or {}).for_trial()
    except ValueError as error:
        raise Invalid(FieldError(str(error), pointer="/params")) from error
