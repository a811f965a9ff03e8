"""People are told how a job fares at its changes: the rule of the job decides, and only who belongs to it hears."""

from typing import Any

import pytest
import sqlalchemy as sa
from sqlmodel import col

from stationmaster.db.session import read_only
from stationmaster.domains.executions.models import Execution
from stationmaster.domains.executions.states import State, Trigger
from stationmaster.domains.jobs.policy_schemas import Notifications
from stationmaster.domains.jobs.telling import choose
from stationmaster.domains.notifications.notice import Topic
from stationmaster.domains.outbox.models import Message
from stationmaster.kit import clock
from tests.domains.jobs.following import run
from tests.support.people import Person
from tests.support.work import ALLOW, Desk

S, F, T, L, C, K = (
    State.SUCCEEDED,
    State.FAILED,
    State.TIMED_OUT,
    State.LOST,
    State.CANCELLED,
    State.SKIPPED,
)
FAILED, RECOVERED, SUCCEEDED = Topic.JOB_FAILED, Topic.JOB_RECOVERED, Topic.JOB_SUCCEEDED


def ended(state: State) -> Execution:
    now = clock.now()
    return Execution(kind="webhook", trigger=Trigger.MANUAL, state=state, queued_at=now, available_at=now, turn_at=now)


@pytest.mark.parametrize(
    ("rule", "before", "states", "told"),
    [
        ({}, 0, [F, F, F, S, S], [FAILED, None, None, RECOVERED, None]),
        ({}, 0, [T, S, L, S], [FAILED, RECOVERED, FAILED, RECOVERED]),
        ({}, 0, [C, K, S], [None, None, None]),
        ({}, 1, [F, S], [None, RECOVERED]),
        ({"after_failures": 3}, 0, [F, F, F, F, S], [None, None, FAILED, None, RECOVERED]),
        ({"after_failures": 3}, 0, [F, F, S, F], [None, None, None, None]),
        ({"after_failures": 3}, 2, [C, F], [None, FAILED]),
        ({"on_success": True}, 0, [S, F, S, S], [SUCCEEDED, FAILED, RECOVERED, SUCCEEDED]),
    ],
)
def test_changes_are_told_and_not_each_end(
    rule: dict[str, Any], before: int, states: list[State], told: list[Topic | None]
) -> None:
    ends = [ended(state) for state in states]
    chosen = {id(end.execution): end.topic for end in choose(Notifications(enabled=True, **rule), before, ends)}

    assert told == [chosen.get(id(end)) for end in ends]


@pytest.fixture
def desk(shared_desk: Desk) -> Desk:
    return shared_desk


async def inbox(desk: Desk, job: dict[str, Any], person: Person) -> list[dict[str, Any]]:
    """Return what a person was told of a job, oldest first."""
    answer = await desk.client.get("/api/v1/notifications?size=100", headers=person.headers)
    return [item for item in answer.json()["items"] if item["job_id"] == job["id"]][::-1]


async def mailed(desk: Desk, job: dict[str, Any]) -> list[str]:
    """Return the addresses to which something about a job was mailed."""
    async with read_only(desk.database) as session:
        messages = await session.scalars(sa.select(Message).where(col(Message.channel) == "email"))
        return sorted(
            message.recipient
            for message in messages
            if (message.facts or {}).get("about", {}).get("job_id") == job["id"]
        )


async def test_owner_team_and_addresses_hear_of_failure_and_recovery(desk: Desk) -> None:
    members = {"name": f"Watch of {desk.viewer.id}", "members": [str(desk.viewer.id)]}
    team = await desk.client.post("/api/v1/teams", json=members, headers=desk.admin.headers)
    rule = {"enabled": True, "emails": ["ops@example.com"]}
    job = await desk.create(overlap=ALLOW, notifications=rule, team=team.json()["slug"])

    for state in (F, F, S, S):
        await run(desk, job, state)

    for person in (desk.owner, desk.viewer):
        told = await inbox(desk, job, person)
        assert [f"{job['name']} failed", f"{job['name']} works again"] == [each["title"] for each in told]
        assert ["error", "success"] == [each["type"] for each in told]
        assert all(each["link"] == f"/api/v1/executions/{each['execution_id']}" for each in told)
    assert "after 2 failures" in told[1]["message"]
    addresses = ["ops@example.com", desk.owner.user.email, desk.viewer.user.email]
    assert sorted(2 * addresses) == await mailed(desk, job)


async def test_nobody_else_hears(desk: Desk) -> None:
    job = await desk.create(overlap=ALLOW, notifications={"enabled": True})

    await run(desk, job, F)

    assert [] == await inbox(desk, job, desk.viewer)
    assert [] == await inbox(desk, job, desk.admin)


async def test_a_job_without_the_rule_tells_nobody(desk: Desk) -> None:
    job = await desk.create(overlap=ALLOW, auto_pause_after_failures=9)

    await run(desk, job, F)

    assert [] == await inbox(desk, job, desk.owner)
