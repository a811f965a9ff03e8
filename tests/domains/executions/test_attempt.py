"""What an outcome means for the execution: the retry policy at work."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from stationmaster.domains.executions import attempt
from stationmaster.domains.executions.attempt import conclude
from stationmaster.domains.executions.desk import TrialDesk
from stationmaster.domains.executions.executor import Facts, Outcome
from stationmaster.domains.executions.flights import Flight
from stationmaster.domains.executions.models import OnLost
from stationmaster.domains.executions.policies import Retry
from stationmaster.domains.executions.queue import Claimed
from stationmaster.domains.executions.specs import Order
from stationmaster.domains.executions.states import Reason, State
from stationmaster.kit.ids import new_id
from tests.support.executions import webhook

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
