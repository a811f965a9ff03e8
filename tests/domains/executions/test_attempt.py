"""One attempt: how it ends when it is told to, and what its outcome means for the execution."""

import asyncio
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from stationmaster.domains.executions import attempt
from stationmaster.domains.executions.attempt import conclude, fly
from stationmaster.domains.executions.desk import TrialDesk
from stationmaster.domains.executions.executor import Context, Facts, Outcome
from stationmaster.domains.executions.flights import Flight, Flights, Stop, stop
from stationmaster.domains.executions.models import OnLost
from stationmaster.domains.executions.policies import Retry
from stationmaster.domains.executions.queue import Claimed
from stationmaster.domains.executions.recorder import Ending
from stationmaster.domains.executions.specs import Order
from stationmaster.domains.executions.states import Reason, State
from stationmaster.domains.executions.targets import Target
from stationmaster.kit.ids import new_id
from tests.support.executions import SUCCESS, webhook

NOW = datetime(2026, 11, 21, 2, 30, tzinfo=UTC)
BROKEN = Outcome(State.FAILED, Reason.SERVER_ERROR, response_status=500)


def flight(*, number: int = 1, crashes: int = 0, on_lost: OnLost = OnLost.FAIL, **retry: Any) -> Flight:
    policy = Retry.model_validate({"max_attempts": 3, "delays_seconds": [5, 60], **retry})
    claimed = Claimed(
        id=new_id(),
        token=new_id(),
        claimed_at=NOW,
        started_at=NOW,
        first_started_at=NOW,
        spec_id=new_id(),
        number=number,
        max_attempts=policy.max_attempts,
        crash_count=crashes,
        host=None,
        scheduled_for=NOW,
        available_at=NOW,
        kind="webhook",
    )
    return Flight(claimed, Order(webhook(), 5, policy, on_lost, frees_others=False))


def seconds_to_retry(one: Flight, outcome: Outcome) -> float | None:
    result = conclude(one, outcome)
    if result.available_at is None:
        return None
    assert State.QUEUED is result.state
    return round((result.available_at - result.finished_at).total_seconds(), 3)


def test_success_ends_it() -> None:
    result = conclude(flight(), Outcome(State.SUCCEEDED, response_status=204))

    assert (State.SUCCEEDED, State.SUCCEEDED, None, 204) == (
        result.state, result.attempt_state, result.available_at, result.response_status
    )  # fmt: skip


@pytest.mark.parametrize(("number", "expected"), [(1, 5), (2, 60), (3, None)])
def test_failures_are_retried_after_the_listed_delays_until_the_attempts_are_used_up(
    number: int, expected: float | None
) -> None:
    assert expected == seconds_to_retry(flight(number=number), BROKEN)


def test_an_attempt_that_died_with_its_replica_does_not_count() -> None:
    assert 60 == seconds_to_retry(flight(number=3, crashes=1), BROKEN)


@pytest.mark.parametrize(
    ("outcome", "is_retried"),
    [
        (Outcome(State.FAILED, Reason.NETWORK_ERROR), True),
        (Outcome(State.TIMED_OUT, Reason.TIMEOUT), True),
        (Outcome(State.FAILED, Reason.RATE_LIMIT, response_status=429), True),
        (Outcome(State.FAILED, Reason.CLIENT_ERROR, response_status=404), False),
        (Outcome(State.FAILED, Reason.BLOCKED), False),
        (Outcome(State.FAILED, Reason.SERVER_ERROR, response_status=500, is_final=True), False),
        (Outcome(State.CANCELLED, Reason.REQUESTED), False),
    ],
)
def test_only_what_may_pass_by_itself_is_retried(outcome: Outcome, *, is_retried: bool) -> None:
    assert is_retried is (seconds_to_retry(flight(), outcome) is not None)


def test_retry_on_narrows_the_causes_and_takes_statuses() -> None:
    only = flight(retry_on=[409])

    assert seconds_to_retry(only, BROKEN) is None
    assert 5 == seconds_to_retry(only, Outcome(State.FAILED, Reason.CLIENT_ERROR, response_status=409))


def test_retry_after_is_a_lower_bound_unless_the_job_says_otherwise() -> None:
    busy = Outcome(State.FAILED, Reason.RATE_LIMIT, response_status=429, retry_after_seconds=30)

    assert 30 == seconds_to_retry(flight(), busy)
    assert 60 == seconds_to_retry(flight(number=2), busy)
    assert 5 == seconds_to_retry(flight(respect_retry_after=False), busy)


@pytest.mark.parametrize(
    ("is_templated", "params", "body"),
    [
        (True, {"day": "2026-11-21"}, {"day": "2026-11-21", "kept": 1}),
        (True, None, {"day": "{{ scheduled_time | date }}", "kept": 1}),
        (False, {"day": "2026-11-21"}, {"day": "{{ scheduled_time | date }}", "kept": 1}),
    ],
)
async def test_params_that_were_resolved_for_this_execution_are_laid_in(
    is_templated: bool, params: dict[str, Any] | None, body: dict[str, Any]
) -> None:
    one = flight()
    one.order = replace(one.order, is_templated=is_templated)
    target = webhook(body={"day": "{{ scheduled_time | date }}", "kept": 1})

    done = await attempt._lay_in_params(one, target, TrialDesk(Facts(params=params)))

    assert body == done.model_dump()["body"]


class Journals:
    """Takes nothing in. Holds up what goes on from elsewhere until the gate opens."""

    def __init__(self) -> None:
        self.gate = asyncio.Event()
        self.resumed = asyncio.Event()

    def open(self, claimed: Claimed) -> "Journals":
        return self

    def abandon(self) -> None: ...

    async def resume(self, journal: "Journals") -> None:
        self.resumed.set()
        await self.gate.wait()

    async def complete(self, journal: "Journals", outcome: Outcome, *, has_reporter: bool) -> Outcome:
        return outcome


@dataclass
class Airport:
    """One flight with all that it needs; it notes what is begun, what is stopped elsewhere, and what is recorded."""

    flight: Flight
    flights: Flights = field(default_factory=lambda: Flights(capacity=1, per_host=1))
    journals: Any = field(default_factory=Journals)
    begun: list[Target] = field(default_factory=list)
    stopped: list[Target] = field(default_factory=list)
    endings: list[Ending] = field(default_factory=list)
    kind: str = "webhook"

    async def run(self, target: Target, context: Context) -> Outcome:
        self.begun.append(target)
        return SUCCESS

    async def stop(self, target: Target, context: Context) -> None:
        self.stopped.append(target)

    def put(self, ending: Ending) -> None:
        self.endings.append(ending)

    def launch(self) -> asyncio.Task[None]:
        self.flights.add(self.flight)
        here: Any = self
        desk = TrialDesk(Facts())
        return asyncio.create_task(fly(self.flight, here, desk, self.journals, flights=self.flights, recorder=here))


async def test_what_is_told_to_stop_before_it_begins_never_does() -> None:
    airport = Airport(flight())
    task = airport.launch()

    stop([airport.flight], Stop.REQUESTED)
    await task

    assert [State.CANCELLED] == [ending.result.state for ending in airport.endings]
    assert ([], 1) == (airport.begun, airport.flights.free)


async def test_what_is_not_ours_any_more_before_it_begins_says_nothing() -> None:
    airport = Airport(flight())
    task = airport.launch()

    stop([airport.flight], Stop.DISOWNED)
    await task

    assert ([], [], []) == (airport.begun, airport.endings, airport.flights.all())


async def test_what_is_told_to_stop_while_it_is_taken_over_is_stopped_elsewhere() -> None:
    one = flight()
    one.claimed = replace(one.claimed, claimed_at=NOW + timedelta(seconds=1))
    airport = Airport(one)
    task = airport.launch()
    await airport.journals.resumed.wait()

    stop([one], Stop.REQUESTED)
    await task

    assert [State.CANCELLED] == [ending.result.state for ending in airport.endings]
    assert ([], [one.order.target], 1) == (airport.begun, airport.stopped, airport.flights.free)
