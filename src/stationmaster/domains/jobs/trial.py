"""Trying a target once: the same executor and the same guards as a real execution, and nothing stored."""

import asyncio
import time

from stationmaster.domains.audit import service as audit
from stationmaster.domains.executions.desk import TrialDesk
from stationmaster.domains.executions.executor import Context, Facts, Outcome
from stationmaster.domains.executions.journal import TrialJournal
from stationmaster.domains.executions.states import Reason, State
from stationmaster.domains.jobs.action_schemas import TestRunIn, TestRunOut
from stationmaster.domains.jobs.rules import JobRules
from stationmaster.domains.jobs.versions import keep_masked
from stationmaster.errors import FieldError, Invalid
from stationmaster.identity.actor import Actor
from stationmaster.kit.ids import new_id

GRACE_SECONDS = 1


async def try_target(rules: JobRules, wanted: TestRunIn, actor: Actor) -> TestRunOut:
    """Carry a target out once and tell what came of it.

    Raises:
        Invalid: the target cannot be carried out here, or the params do not fit it.
    """
    keep_masked(wanted.target, None)
    rules.check_target(wanted.target)
    try:
        target = wanted.target.with_params(wanted.params or {}).for_trial()
    except ValueError as error:
        raise Invalid(FieldError(str(error), pointer="/params")) from error
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
