"""Jobs that run after others: which ends belong together, and what follows."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from stationmaster.db.session import unit_of_work
from stationmaster.domains.executions.states import Reason, State, Trigger
from stationmaster.domains.jobs import waves
from tests.domains.jobs.following import end, hear, run, start
from tests.support.databases import ONLY_SQLITE
from tests.support.work import ALLOW, TARGET, Desk, faults, read_executions, set_job

NIGHT = datetime(2026, 11, 21, 2, tzinfo=UTC)
DAY = timedelta(days=1)
HALF_HOUR = timedelta(minutes=30)

Job = dict[str, Any]


@pytest.fixture
def desk(shared_desk: Desk) -> Desk:
    return shared_desk


async def make_tree(desk: Desk, *conditions: str) -> tuple[Job, list[Job]]:
    """Make as many jobs as there are conditions, and one that waits for them all; return it and them."""
    others = [await desk.create(overlap=ALLOW) for _ in conditions]
    needs = [{"job": other["name"], "on": on} for other, on in zip(others, conditions, strict=True)]
    return await desk.create(overlap=ALLOW, depends_on=needs), others


async def told(desk: Desk, job: Job) -> list[tuple[str, str | None]]:
    """Return state and reason of each execution of a job, oldest first."""
    rows = sorted(await read_executions(desk.database, UUID(job["id"])), key=lambda row: row.id)
    return [(row.state.value, row.reason.value if row.reason else None) for row in rows]


async def test_a_job_runs_after_another(desk: Desk) -> None:
    job, [other] = await make_tree(desk, "success")

    await run(desk, other)

    [execution] = await read_executions(desk.database, UUID(job["id"]))
    assert (Trigger.DEPENDENCY, State.QUEUED, job["name"]) == (execution.trigger, execution.state, execution.job_name)
    assert UUID(job["owner_id"]) == execution.owner_id


@pytest.mark.parametrize(
    ("condition", "state", "runs"),
    [
        ("success", State.SUCCEEDED, True),
        ("success", State.FAILED, False),
        ("success", State.CANCELLED, False),
        ("failure", State.FAILED, True),
        ("failure", State.TIMED_OUT, True),
        ("failure", State.LOST, True),
        ("failure", State.SUCCEEDED, False),
        ("always", State.SUCCEEDED, True),
        ("always", State.CANCELLED, True),
        ("always", State.SKIPPED, True),
    ],
)
async def test_it_depends_on_how_the_other_ended(desk: Desk, condition: str, state: State, runs: bool) -> None:
    job, [other] = await make_tree(desk, condition)

    await run(desk, other, state)

    assert [("queued", None) if runs else ("skipped", "dependency")] == await told(desk, job)


async def test_it_waits_for_all_and_runs_once(desk: Desk) -> None:
    job, [first, second] = await make_tree(desk, "success", "always")

    await run(desk, first)
    before = await told(desk, job)
    await run(desk, second)
    await hear(desk)

    assert ([], [("queued", None)]) == (before, await told(desk, job))


async def test_one_that_fails_is_enough_and_is_recorded_once(desk: Desk) -> None:
    job, [first, second] = await make_tree(desk, "success", "success")

    await run(desk, first, State.FAILED)
    await run(desk, second, State.FAILED)

    assert [("skipped", "dependency")] == await told(desk, job)


async def test_a_late_sibling_joins_its_own_wave(desk: Desk) -> None:
    """A of night 1 and 2 has ended, B of night 1 is still busy, B of night 2 is quicker: each joins its own night."""
    job, [a, b] = await make_tree(desk, "success", "success")
    a1, a2 = [await start(desk, a, planned_at=NIGHT + night * DAY) for night in range(2)]
    b1, b2 = [await start(desk, b, planned_at=NIGHT + night * DAY + HALF_HOUR) for night in range(2)]

    await end(desk, a1)
    await end(desk, a2)
    await end(desk, b2, State.FAILED)
    second_night = await told(desk, job)
    await end(desk, b1)

    assert [("skipped", "dependency")] == second_night
    assert [("skipped", "dependency"), ("queued", None)] == await told(desk, job)


@pytest.mark.parametrize("order", ["a1 b1 a2 b2", "b1 b2 a2 a1", "b2 a1 b1 a2", "a2 b1 b2 a1", "a1 a2 b1 b2"])
async def test_whatever_the_order_each_night_is_one_wave(desk: Desk, order: str) -> None:
    job, [a, b] = await make_tree(desk, "success", "failure")
    begun = {}
    for night in range(2):
        begun[f"a{night + 1}"] = await start(desk, a, planned_at=NIGHT + night * DAY)
        begun[f"b{night + 1}"] = await start(desk, b, planned_at=NIGHT + night * DAY + HALF_HOUR)
    ends = {"a1": State.SUCCEEDED, "b1": State.FAILED, "a2": State.FAILED, "b2": State.SUCCEEDED}

    for name in order.split():
        await end(desk, begun[name], ends[name])

    assert [("queued", None), ("skipped", "dependency")] == sorted(await told(desk, job))


async def test_branches_meet_again_in_the_wave_they_began_in(desk: Desk) -> None:
    root = await desk.create(overlap=ALLOW)
    branches = [await desk.create(overlap=ALLOW, depends_on=[{"job": root["id"]}]) for _ in range(2)]
    job = await desk.create(overlap=ALLOW, depends_on=[{"job": branch["id"]} for branch in branches])
    for night in range(2):
        await end(desk, await start(desk, root, planned_at=NIGHT + night * DAY))
    begun = [
        sorted(await read_executions(desk.database, UUID(branch["id"])), key=lambda row: row.id) for branch in branches
    ]

    await end(desk, begun[0][0].id)
    await end(desk, begun[0][1].id)
    await end(desk, begun[1][1].id, State.FAILED)
    second_night = await told(desk, job)
    await end(desk, begun[1][0].id)

    assert [("skipped", "dependency")] == second_night
    assert [("skipped", "dependency"), ("queued", None)] == await told(desk, job)


async def test_a_retry_that_succeeds_mends_its_wave(desk: Desk) -> None:
    job, [first, second] = await make_tree(desk, "success", "success")
    failed = await run(desk, first, State.FAILED)
    await run(desk, second)

    answer = await desk.client.post(f"/api/v1/executions/{failed}/retry", headers=desk.owner.headers)
    await end(desk, UUID(answer.json()["id"]))

    assert [("skipped", "dependency"), ("queued", None)] == await told(desk, job)


@pytest.mark.parametrize(
    ("hinder", "reason"), [("pause", Reason.PAUSED), ("switch off", Reason.PAUSED), ("end", Reason.EXPIRED)]
)
async def test_a_job_that_may_not_run_says_so(desk: Desk, hinder: str, reason: Reason) -> None:

    job, [other] = await make_tree(desk, "success")
    if hinder == "pause":
        await desk.call("POST", f"/{job['id']}/pause")
    elif hinder == "switch off":
        await desk.call("PATCH", f"/{job['id']}", {"is_active": False})
    else:
        await set_job(desk.database, UUID(job["id"]), ends_at=NIGHT)

    await run(desk, other)

    assert [("skipped", reason.value)] == await told(desk, job)


async def test_a_chain_goes_on(desk: Desk) -> None:
    first = await desk.create(overlap=ALLOW)
    second = await desk.create(overlap=ALLOW, depends_on=[{"job": first["name"]}])
    third = await desk.create(overlap=ALLOW, depends_on=[{"job": second["name"], "on": "failure"}])

    await run(desk, first)
    [execution] = await read_executions(desk.database, UUID(second["id"]))
    await end(desk, execution.id, State.FAILED)

    assert [("queued", None)] == await told(desk, third)


async def test_what_waits_too_long_is_given_up_and_recorded(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    job, [first, _] = await make_tree(desk, "success", "success")
    await run(desk, first)
    monkeypatch.setattr(waves, "KEPT", -DAY)

    async with unit_of_work(desk.database) as session:
        await waves.forget_old(session, timezone="UTC")

    assert [("skipped", "dependency")] == await told(desk, job)


async def test_dependencies_are_shown_and_changed(desk: Desk) -> None:
    job, [first, second] = await make_tree(desk, "success", "always")
    shown = sorted(
        [{"job": first["name"], "on": "success"}, {"job": second["name"], "on": "always"}], key=lambda one: one["job"]
    )

    changed = await desk.call("PATCH", f"/{job['id']}", {"depends_on": [{"job": second["id"]}]})
    await run(desk, first)

    assert shown == job["depends_on"]
    assert [{"job": second["name"], "on": "success"}] == changed.json()["depends_on"]
    assert [] == await told(desk, job)


async def test_what_others_wait_for_is_not_deleted(desk: Desk) -> None:
    job, [other] = await make_tree(desk, "success")

    refused = await desk.call("DELETE", f"/{other['id']}")
    in_order = [(await desk.call("DELETE", f"/{one['id']}")).status_code for one in (job, other)]

    assert (409, [204, 204]) == (refused.status_code, in_order)
    assert job["name"] in refused.json()["detail"]


@ONLY_SQLITE
async def test_circles_and_strangers_are_refused(desk: Desk) -> None:
    first = await desk.create()
    second = await desk.create(depends_on=[{"job": first["name"]}])
    third = await desk.create(depends_on=[{"job": second["name"]}])
    body: dict[str, Any] = {"name": "x", "target": TARGET}

    found = [
        faults(await desk.call("PATCH", f"/{first['id']}", {"depends_on": [{"job": third["name"]}]})),
        faults(await desk.call("PATCH", f"/{first['id']}", {"depends_on": [{"job": first["id"]}]})),
        faults(await desk.call("POST", body=body | {"depends_on": [{"job": str(uuid4())}]})),
        faults(await desk.call("POST", body=body | {"depends_on": [{"job": first["id"]}, {"job": first["name"]}]})),
        faults(await desk.call("POST", body=body | {"depends_on": [{"job": first["id"], "on": "success?"}]})),
    ]

    assert [
        ["/depends_on"],
        ["/depends_on/0/job"],
        ["/depends_on/0/job"],
        ["/depends_on/1/job"],
        ["/depends_on/0/on"],
    ] == found


async def test_ends_that_nobody_waits_for_are_not_watched(desk: Desk) -> None:
    alone = await desk.create(overlap=ALLOW)
    _, [other] = await make_tree(desk, "success")

    watched = [await start(desk, job) for job in (alone, other)]

    rows = [row for job in (alone, other) for row in await read_executions(desk.database, UUID(job["id"]))]
    assert dict(zip(watched, (False, True), strict=True)) == {row.id: row.is_watched for row in rows}
