"""A check that watches one of our own jobs: the ends of its executions are its signs, its schedules say when."""

from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from stationmaster.db.session import unit_of_work
from stationmaster.domains.executions.models import Execution
from stationmaster.domains.executions.states import State
from stationmaster.kit import clock
from tests.domains.checks.checking import CHECKS, Post
from tests.support.executions import make_spec, store
from tests.support.work import HOURLY, TARGET


async def make_job(post: Post, **fields: Any) -> dict[str, Any]:
    body = {"name": "nightly", "target": TARGET, "schedules": [HOURLY]} | fields
    answer = await post.client.post("/api/v1/jobs", json=body, headers=post.owner.headers)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def run(post: Post, job: dict[str, Any], state: State) -> None:
    """Let an execution of a job end now."""
    database = post.app.state.database
    (id_,) = await store(database, make_spec(), owner_id=post.owner.id, job_id=UUID(job["id"]))
    async with unit_of_work(database) as session:
        ended = sa.update(Execution).where(sa.column("id", sa.Uuid()) == id_)
        await session.execute(ended.values(state=state, finished_at=clock.now()))


async def forget_executions(post: Post) -> None:
    """Have what ended so far gone, so that letting time pass does not make it new."""
    async with unit_of_work(post.app.state.database) as session:
        await session.execute(sa.delete(Execution))


async def test_a_job_that_runs_is_up_and_one_that_does_not_is_missed(post: Post) -> None:
    job = await make_job(post)
    check = await post.create(job_id=job["id"])
    await run(post, job, State.SUCCEEDED)

    seen = await post.let_pass(check, 0)
    await forget_executions(post)
    missed = await post.let_pass(check, 3661)

    assert ("up", "down") == (seen, missed)
    assert ["backup is down"] == await post.told()


async def test_a_job_that_never_ran_is_missed_too(post: Post) -> None:
    check = await post.create(job_id=(await make_job(post))["id"])

    assert check["state"] == "up"
    assert await post.let_pass(check, 3661) == "down"


async def test_a_paused_job_is_missed(post: Post) -> None:
    """That is what it is for: somebody stopped the job and forgot it."""
    job = await make_job(post)
    check = await post.create(job_id=job["id"])
    await post.client.post(f"/api/v1/jobs/{job['id']}/pause", headers=post.owner.headers)

    assert await post.let_pass(check, 3661) == "down"


@pytest.mark.parametrize("state", [State.FAILED, State.TIMED_OUT, State.LOST])
async def test_a_failure_is_down_at_once_and_a_success_up(post: Post, state: State) -> None:
    job = await make_job(post)
    check = await post.create(job_id=job["id"])

    await run(post, job, state)
    after = await post.let_pass(check, 0)
    await run(post, job, State.SUCCEEDED)
    later = await post.let_pass(check, 0)

    assert ("down", "up") == (after, later)
    assert ["backup is down", "backup is up again"] == await post.told()


async def test_each_end_is_one_sign(post: Post) -> None:
    job = await make_job(post)
    check = await post.create(job_id=job["id"])
    for state in (State.SUCCEEDED, State.CANCELLED, State.SUCCEEDED):
        await run(post, job, state)
    for _ in range(3):
        await post.look()

    page = (await post.client.get(f"{CHECKS}/{check['id']}/pings", headers=post.owner.headers)).json()
    assert (page["total"], {item["signal"] for item in page["items"]}) == (2, {"success"})
    assert all(item["execution_id"] for item in page["items"])


async def test_a_job_without_schedules_cannot_be_missed(post: Post) -> None:
    job = await make_job(post, schedules=[])

    body = {"name": "x", "job_id": job["id"], "grace_seconds": 60}
    answer = await post.client.post(CHECKS, json=body, headers=post.owner.headers)

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/job_id"


async def test_it_goes_with_its_job(post: Post) -> None:
    job = await make_job(post)
    check = await post.create(job_id=job["id"])

    await post.client.delete(f"/api/v1/jobs/{job['id']}", headers=post.owner.headers)

    answer = await post.client.get(f"{CHECKS}/{check['id']}", headers=post.owner.headers)
    assert answer.status_code == 404
