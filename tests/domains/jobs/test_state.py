"""What a job keeps between its runs."""

from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from stationmaster.domains.executions.report_tokens import ReportTokens
from stationmaster.domains.executions.states import State
from stationmaster.kit import clock
from tests.domains.jobs.following import change, end, start
from tests.support.databases import ONLY_SQLITE
from tests.support.people import Person
from tests.support.work import ALLOW, Desk, faults

TOKENS = ReportTokens("a secret key of the tests, long enough")
KEPT = {"cursor": "2026-11-21", "seen": [1, 2]}


@pytest.fixture
def desk(shared_desk: Desk) -> Desk:
    return shared_desk


async def call(
    desk: Desk, method: str, job: dict[str, Any], body: Any = None, *, by: Person | None = None, **options: Any
) -> httpx.Response:
    return await desk.call(method, f"/{job['id']}/state", body, by=by, **options)


async def begin(desk: Desk, job: dict[str, Any]) -> tuple[UUID, dict[str, str]]:
    """Begin an execution; return its id and the headers of its own token."""
    id_ = await start(desk, job)
    await change(desk, id_, state=State.RUNNING, attempt=1, started_at=clock.now(), attempt_started_at=clock.now())
    return id_, {"Authorization": f"Bearer {TOKENS.issue(id_, 1)}"}


async def put(desk: Desk, job: dict[str, Any], token: dict[str, str], document: Any, query: str = "") -> httpx.Response:
    path = f"/api/v1/jobs/{job['id']}/state{query}"
    return await desk.client.put(path, json=document, headers=token)


async def read(desk: Desk, job: dict[str, Any]) -> Any:
    return (await call(desk, "GET", job)).json()


async def test_an_owner_keeps_and_forgets(desk: Desk) -> None:
    job = await desk.create()

    before = await read(desk, job)
    kept = await call(desk, "PUT", job, KEPT)
    after = await call(desk, "GET", job)
    stale = await call(desk, "PUT", job, {}, headers={"If-Match": '"x.y"'})
    forgotten = await call(desk, "DELETE", job, headers={"If-Match": after.headers["etag"]})

    assert ({}, 200, KEPT, KEPT) == (before, kept.status_code, kept.json(), after.json())
    assert (412, 204, {}) == (stale.status_code, forgotten.status_code, await read(desk, job))


@pytest.mark.parametrize(("state", "expected"), [(State.SUCCEEDED, {"n": 2}), (State.FAILED, {"n": 1})])
async def test_what_a_run_writes_counts_when_it_succeeds(desk: Desk, state: State, expected: Any) -> None:
    job = await desk.create(overlap=ALLOW)
    await call(desk, "PUT", job, {"n": 1})
    id_, token = await begin(desk, job)

    written = await put(desk, job, token, {"n": 2})
    own = await desk.client.get(f"/api/v1/jobs/{job['id']}/state", headers=token)
    meanwhile = await read(desk, job)
    await end(desk, id_, state)

    assert (200, {"n": 2}, {"n": 1}) == (written.status_code, own.json(), meanwhile)
    assert expected == await read(desk, job)


async def test_a_checkpoint_counts_at_once_and_stays(desk: Desk) -> None:
    job = await desk.create(overlap=ALLOW)
    id_, token = await begin(desk, job)

    await put(desk, job, token, {"n": 1})
    await put(desk, job, token, {"n": 2}, "?checkpoint=true")
    at_once = await read(desk, job)
    await end(desk, id_, State.FAILED)

    assert [{"n": 2}, {"n": 2}] == [at_once, await read(desk, job)]


async def test_runs_side_by_side_have_drafts_of_their_own(desk: Desk) -> None:
    job = await desk.create(overlap=ALLOW)
    (first, one), (second, two) = await begin(desk, job), await begin(desk, job)
    await put(desk, job, one, {"by": "one"})
    await put(desk, job, two, {"by": "two"})

    await end(desk, second)
    after_second = await read(desk, job)
    await end(desk, first, State.TIMED_OUT)

    assert [{"by": "two"}, {"by": "two"}] == [after_second, await read(desk, job)]


async def test_a_run_reaches_the_state_of_its_own_job_only(desk: Desk) -> None:
    job, other = await desk.create(overlap=ALLOW), await desk.create()
    id_, token = await begin(desk, job)

    strange = await put(desk, other, token, KEPT)
    await end(desk, id_)
    too_late = await put(desk, job, token, KEPT)

    assert (403, 401) == (strange.status_code, too_late.status_code)


@ONLY_SQLITE
async def test_who_and_what_is_refused(desk: Desk) -> None:
    job = await desk.create()

    statuses = [
        (await desk.client.get(f"/api/v1/jobs/{job['id']}/state")).status_code,
        (await call(desk, "GET", job, by=desk.viewer)).status_code,
        (await call(desk, "PUT", job, KEPT, by=desk.stranger)).status_code,
        (await call(desk, "PUT", job, KEPT, by=desk.admin)).status_code,
        (await call(desk, "DELETE", {"id": str(uuid4())})).status_code,
        (await call(desk, "PUT", job, {"x": "y" * 70_000})).status_code,
    ]

    assert [401, 403, 403, 200, 404, 413] == statuses
    assert [""] == faults(await call(desk, "PUT", job, [1]))
