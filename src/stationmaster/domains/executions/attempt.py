"""One attempt: from the executor's call to a result that can be written."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial

from stationmaster.domains.executions.breaker import is_host_unwell
from stationmaster.domains.executions.executor import Context, Desk, Disowned, Executor, Outcome
from stationmaster.domains.executions.flights import Flight, Flights, Stop
from stationmaster.domains.executions.journals.attempt_journal import AttemptJournal
from stationmaster.domains.executions.journals.writer import JournalWriter
from stationmaster.domains.executions.models import OnLost
from stationmaster.domains.executions.queue import Claimed, Result
from stationmaster.domains.executions.recorder import Ending, Recorder
from stationmaster.domains.executions.rescue import POISON_CRASHES
from stationmaster.domains.executions.states import Reason, State
from stationmaster.domains.executions.targets import Target
from stationmaster.telemetry import metrics

logger = logging.getLogger(__name__)

GRACE_SECONDS = 5
"""Executors end at their time-out themselves; one that does not is cut off this much later."""
UNREADABLE = "What it was to do cannot be read: it was stored with another secret key, or is not valid any more."
STOP_SECONDS = 45
"""Longest time that the end of work elsewhere may take; a container's own grace is within it."""
SHORTEST_SECONDS = 1.0
DISOWNED = Outcome(State.LOST, Reason.LOST)
FAILED = frozenset({State.FAILED, State.TIMED_OUT})


async def fly(
    flight: Flight, executor: Executor, desk: Desk, journals: JournalWriter, *, flights: Flights, recorder: Recorder
) -> None:
    """Make one attempt and hand its result to the recorder; a disowned flight ends in silence."""
    flight.task = asyncio.current_task()
    claimed = flight.claimed
    _measure_lateness(claimed)
    journal = journals.open(claimed)
    try:
        outcome = await _run(flight, executor, desk, journals, journal)
    finally:
        flights.end(flight)
    if flight.stop is Stop.DISOWNED:
        journal.abandon()
        flights.forget([claimed.id])
        return
    # What it said is stored before its end is, so that whoever sees the end can read all of it.
    outcome = await journals.complete(journal, outcome, has_reporter=desk.has_reporter)
    result = conclude(flight, outcome)
    recorder.put(Ending(flight, result, is_host_unwell(claimed.kind, outcome)))


def _measure_lateness(claimed: Claimed) -> None:
    if claimed.number == 1 and claimed.started_at == claimed.claimed_at:
        due = claimed.scheduled_for or claimed.available_at
        seconds = (claimed.started_at - due).total_seconds()
        metrics.start_lateness_seconds.labels(claimed.kind).observe(max(0.0, seconds))


async def _run(
    flight: Flight, executor: Executor, desk: Desk, journals: JournalWriter, journal: AttemptJournal
) -> Outcome:
    target = flight.order.target
    if target is None:
        return Outcome(State.FAILED, Reason.INTERNAL_ERROR, error=UNREADABLE, is_final=True)
    context = Context(
        execution_id=flight.claimed.id,
        attempt=flight.claimed.number,
        scheduled_for=flight.claimed.scheduled_for,
        timeout_seconds=_remaining_seconds(flight),
        desk=desk,
        journal=journal,
    )
    try:
        return await _carry_out(flight, executor, target, context, partial(journals.resume, journal))
    except TimeoutError:
        await _stop(executor, target, context)
        return Outcome(State.TIMED_OUT, Reason.TIMEOUT, error=f"No end after {flight.order.timeout_seconds:g} s.")
    except Disowned:
        flight.stop = Stop.DISOWNED
        return DISOWNED
    except asyncio.CancelledError:
        if flight.stop is None:
            raise
        return await _heed_stop(flight, executor, target, context)
    except Exception:  # an executor's own fault must end this execution only, never the replica
        logger.exception("executor.failed", extra={"execution_id": str(flight.claimed.id), "kind": executor.kind})
        return Outcome(State.FAILED, Reason.INTERNAL_ERROR, error="The service failed to carry this out; see its log.")


async def _carry_out(
    flight: Flight, executor: Executor, target: Target, context: Context, resume: Callable[[], Awaitable[None]]
) -> Outcome:
    """Have the executor do it, within its time; whoever was told to stop before it began is stopped here."""
    async with asyncio.timeout(context.timeout_seconds + GRACE_SECONDS) as limit:
        context.stopwatch.govern(limit)
        if flight.stop is not None:
            raise asyncio.CancelledError
        if flight.claimed.claimed_at != flight.claimed.started_at:  # it was begun elsewhere, and goes on here
            with context.stopwatch.stopped():
                await resume()
        return await executor.run(await _lay_in_params(flight, target, context.desk), context)


async def _heed_stop(flight: Flight, executor: Executor, target: Target, context: Context) -> Outcome:
    """Take the cancellation as an end like any other, and end the work elsewhere if that was asked for."""
    task = asyncio.current_task()
    assert task is not None
    task.uncancel()
    if flight.stop is Stop.REQUESTED:
        await _stop(executor, target, context)
    return Outcome(State.CANCELLED, Reason.REQUESTED, error="It was stopped on request.")


async def _lay_in_params(flight: Flight, target: Target, desk: Desk) -> Target:
    """Return the target with the params of this execution, where templates in them were resolved when it was made."""
    if not flight.order.is_templated:
        return target
    params = (await desk.read_facts()).params
    return target.with_params(dict(params)) if params else target


def _remaining_seconds(flight: Flight) -> float:
    """Return the time that is left, for an attempt that was taken over; at least enough to look after it."""
    claimed = flight.claimed
    passed = (claimed.claimed_at - claimed.started_at).total_seconds()
    return max(flight.order.timeout_seconds - passed, SHORTEST_SECONDS) if passed else flight.order.timeout_seconds


async def _stop(executor: Executor, target: Target, context: Context) -> None:
    """Have the work elsewhere ended; what cannot be reached in time is left to the executor's clean-up."""
    try:
        async with asyncio.timeout(STOP_SECONDS):
            await executor.stop(target, context)
    except TimeoutError:
        logger.warning("executor.not_stopped", extra={"execution_id": str(context.execution_id), "kind": executor.kind})


def conclude(flight: Flight, outcome: Outcome) -> Result:
    """Decide by the retry policy what the outcome means for the execution."""
    claimed = flight.claimed
    # Counted on our monotonic clock from the database's instant, so that skewed clocks of replicas do not show.
    finished_at = claimed.claimed_at + timedelta(seconds=time.monotonic() - flight.launched)
    delay = _delay_before_retry(flight, outcome)
    return Result(
        id=claimed.id,
        token=claimed.token,
        number=claimed.number,
        state=outcome.state if delay is None else State.QUEUED,
        attempt_state=outcome.state,
        reason=outcome.reason,
        started_at=claimed.started_at,
        finished_at=finished_at,
        duration_seconds=(finished_at - claimed.first_started_at).total_seconds(),
        available_at=None if delay is None else finished_at + timedelta(seconds=delay),
        response_status=outcome.response_status,
        error=outcome.error,
        result=outcome.result,
    )


def _delay_before_retry(flight: Flight, outcome: Outcome) -> float | None:
    """Return the seconds to wait before the next attempt, or None when there is none."""
    claimed, retry = flight.claimed, flight.order.retry
    made = claimed.number - claimed.crash_count
    if outcome.state is State.LOST:
        return 0 if flight.order.on_lost is OnLost.RETRY and claimed.crash_count + 1 < POISON_CRASHES else None
    if outcome.state not in FAILED or outcome.is_final or made >= claimed.max_attempts:
        return None
    if not retry.covers(outcome.reason, outcome.response_status if outcome.code is None else outcome.code):
        return None
    asked = outcome.retry_after_seconds if retry.respect_retry_after else None
    return retry.backoff.delay_after(made, retry_after_seconds=asked)
