"""Changing a job over HTTP: what is given changes, what is not stays, and what is refused leaves no trace."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import pytest
from dirty_equals import IsPartialDict

from stationmaster.domains.executions.models import Spec
from stationmaster.domains.jobs.models import Job
from tests.support.databases import ONLY_SQLITE
from tests.support.work import (
    HOURLY,
    TARGET,
    Desk,
    count_rows,
    faults,
    lead,
    read_job,
    read_schedules,
    run_tick,
    set_schedules,
)

CRON = {"cron_expression": "30 2 * * 1-5", "timezone": "Europe/Berlin"}
FULL = {
    "description": "what it is for",
    "metadata": {"team": "maps"},
    "misfire": {"policy": "all", "max_runs": 7},
    "overlap": {"policy": "queue", "queue_max": 3},
    "retry": {"max_attempts": 4, "jitter": False},
    "timeout_seconds": 12.5,
    "on_lost": "fail",
} | CRON
TIMES = {"updated_at", "last_execution"}


@pytest.fixture
def desk(shared_desk: Desk) -> Desk:
    return shared_desk


def facts(job: dict[str, Any], *but: str) -> dict[str, Any]:
    return {name: value for name, value in job.items() if name not in TIMES.union(but)}


async def stored(desk: Desk, job: dict[str, Any]) -> Job:
    return await read_job(desk.database, UUID(job["id"]))


@pytest.mark.parametrize(
    ("patch", "expected"),
    [
        ({"name": "  weekly "}, {"name": "weekly"}),
        ({"description": "other"}, {"description": "other"}),
        ({"description": None}, {"description": None}),
        ({"metadata": {}}, {"metadata": {}}),
        ({"timeout_seconds": 3}, {"timeout_seconds": 3.0}),
        ({"on_lost": "retry"}, {"on_lost": "retry"}),
        ({"misfire": {"policy": "skip"}}, {"misfire": IsPartialDict(policy="skip", max_runs=100)}),
        ({"overlap": {"key": "printer"}}, {"overlap": IsPartialDict(policy="skip", key="printer", queue_max=100)}),
        ({"retry": {"max_attempts": 2}}, {"retry": IsPartialDict(max_attempts=2, jitter=True)}),
        ({"policies": {"timeout_seconds": 9}}, {"timeout_seconds": 9.0}),
        ({"target": TARGET | {"method": "PUT"}}, {"target": IsPartialDict(method="PUT", body=None)}),
        ({}, {}),
    ],
)
async def test_what_is_given_changes_and_all_else_stays(
    desk: Desk, patch: dict[str, Any], expected: dict[str, Any]
) -> None:
    """Policies and the target are replaced whole: what a new one does not name falls back to its default."""
    before = await desk.create(target=TARGET | {"body": {"a": 1}}, **FULL)

    answer = await desk.call("PATCH", f"/{before['id']}", patch)

    after = await desk.read(before)
    assert (200, facts(after)) == (answer.status_code, facts(answer.json()))
    assert after == IsPartialDict(expected)
    assert facts(before, *expected) == facts(after, *expected)


@pytest.mark.parametrize(
    ("by", "status"), [(None, 401), ("viewer", 403), ("stranger", 403), ("owner", 200), ("admin", 200)]
)
async def test_only_the_owner_and_admins_change_a_job(desk: Desk, by: str | None, status: int) -> None:
    job = await desk.create()
    headers = getattr(desk, by).headers if by else {}

    answer = await desk.client.patch(f"/api/v1/jobs/{job['id']}", json={"description": "after"}, headers=headers)

    assert status == answer.status_code
    assert ("after" if status == 200 else None) == (await desk.read(job))["description"]


async def test_what_is_not_there_is_not_found(desk: Desk) -> None:
    assert 404 == (await desk.call("PATCH", f"/{uuid4()}", {"name": "x"}, by=desk.admin)).status_code


@ONLY_SQLITE
async def test_null_is_refused_where_a_field_cannot_be_empty(desk: Desk) -> None:
    job = await desk.create(**FULL)
    fields = ["name", "target", "schedules", "is_active", "metadata", "timezone", *("misfire", "overlap", "retry")]
    fields += ["timeout_seconds", "on_lost"]

    found = [faults(await desk.call("PATCH", f"/{job['id']}", {field: None})) for field in fields]

    assert [[f"/{field}"] for field in fields] == found
    assert job == await desk.read(job)


WRONG: list[tuple[dict[str, Any], list[str]]] = [
    ({"cron_expression": "61 * * * *"}, ["/cron_expression"]),
    ({"timezone": "Europe/berlin"}, ["/timezone"]),
    ({"target": TARGET | {"url": "ftp://x/"}}, ["/target/url"]),
    ({"target": TARGET | {"url": "http://169.254.169.254/"}}, ["/target/url"]),
    ({"target": TARGET | {"secret_headers": {"X-A": "********"}}}, ["/target/secret_headers/X-A"]),
    ({"target": TARGET | {"signing_secret": "********"}}, ["/target/signing_secret"]),
    ({"schedules": [HOURLY, {"run_at": "2000-01-01T00:00:00Z"}]}, ["/schedules/1/run_at"]),
    ({"schedules": [HOURLY | {"timezone": "Mars/Base"}]}, ["/schedules/0/timezone"]),
    ({"retry": {"max_attempts": 0}}, ["/retry/max_attempts"]),
    ({"metadata": {"a": "\0"}}, ["/metadata"]),
    ({"owner_id": str(uuid4())}, ["/owner_id"]),
    ({"cron_expression": "@daily", "schedules": []}, [""]),
]


async def test_a_refused_change_leaves_nothing_behind(desk: Desk) -> None:
    """The old system stored the name although it refused the rest: "rejected updates are still saved"."""
    job = await desk.create(**FULL)
    rows = await count_rows(desk.database, Spec)

    found = []
    for wrong, _ in WRONG:
        answer = await desk.call("PATCH", f"/{job['id']}", {"name": f"renamed {job['id']}", "is_active": False} | wrong)
        found.append((wrong, faults(answer)))

    assert WRONG == found
    assert job == await desk.read(job)
    assert rows == await count_rows(desk.database, Spec)


async def test_a_change_that_fails_at_its_end_is_undone_as_a_whole(desk: Desk) -> None:
    """The name is free, the target is right; only a later part, the schedule's params, does not fit the new body."""
    job = await desk.create(schedules=[HOURLY | {"params": {"a": 1}}])

    answer = await desk.call("PATCH", f"/{job['id']}", {"name": "renamed", "target": TARGET | {"body": "text"}})

    assert ["/target/body"] == faults(answer)
    assert job == await desk.read(job)


async def test_a_name_that_is_taken_is_a_conflict(desk: Desk) -> None:
    job, other = await desk.create(), await desk.create()

    taken = await desk.call("PATCH", f"/{job['id']}", {"name": other["name"], "description": "changed"})
    own = await desk.call("PATCH", f"/{other['id']}", {"name": other["name"]})

    assert (409, 200) == (taken.status_code, own.status_code)
    assert job == await desk.read(job)


async def test_of_two_that_take_the_same_name_at_once_one_gets_a_conflict(desk: Desk) -> None:
    jobs = [await desk.create() for _ in range(2)]

    answers = await asyncio.gather(*(desk.call("PATCH", f"/{job['id']}", {"name": "c"}) for job in jobs))

    assert [200, 409] == sorted(answer.status_code for answer in answers)


async def test_changes_at_once_are_all_kept(desk: Desk) -> None:
    """Each locks the job before it reads it, so none writes back what it read before another's change."""
    job = await desk.create()
    patches = [{"description": "d"}, {"metadata": {"m": 1}}, {"timeout_seconds": 1}, {"is_active": False}]

    await asyncio.gather(*(desk.call("PATCH", f"/{job['id']}", patch) for patch in patches))

    assert await desk.read(job) == IsPartialDict(
        description="d", metadata={"m": 1}, timeout_seconds=1.0, is_active=False
    )


async def test_what_changes_the_work_makes_a_new_version_and_a_name_does_not(desk: Desk) -> None:
    job = await desk.create()
    path, id_ = f"/{job['id']}", (await stored(desk, job)).id
    versions = [(await read_job(desk.database, id_)).spec_id]

    for patch in ({"name": f"other {job['id']}"}, {"timeout_seconds": 7}, {"metadata": {"a": 1}}):
        await desk.call("PATCH", path, patch)
        versions.append((await read_job(desk.database, id_)).spec_id)

    assert versions[0] == versions[1]
    assert 3 == len(set(versions))


async def test_switching_off_and_on_plans_anew(desk: Desk) -> None:
    job = await desk.create(schedules=[HOURLY, CRON])

    off = (await desk.call("PATCH", f"/{job['id']}", {"is_active": False})).json()
    on = (await desk.call("PATCH", f"/{job['id']}", {"is_active": True})).json()

    assert (None, [None, None]) == (off["next_run_at"], [one["next_run_at"] for one in off["schedules"]])
    assert facts(job, "schedules") == facts(on, "schedules")
    assert [one["next_run_at"] for one in job["schedules"]] == [one["next_run_at"] for one in on["schedules"]]


async def test_schedules_are_replaced_whole(desk: Desk) -> None:
    job = await desk.create(schedules=[CRON, HOURLY])

    one = (await desk.call("PATCH", f"/{job['id']}", {"schedules": [{"interval_seconds": 60}]})).json()
    none = (await desk.call("PATCH", f"/{job['id']}", {"schedules": []})).json()

    assert [60] == [each["interval_seconds"] for each in one["schedules"]]
    assert ([], None, None) == (none["schedules"], none["next_run_at"], none["schedule_text"])


@pytest.mark.parametrize(
    ("schedules", "patch", "expected"),
    [
        ([CRON], {"cron_expression": "@daily"}, ("0 0 * * *", "Europe/Berlin")),
        ([CRON], {"timezone": "UTC"}, ("30 2 * * 1-5", "UTC")),
        ([CRON], {"cron_expression": "@daily", "timezone": "UTC"}, ("0 0 * * *", "UTC")),
        ([CRON], {"cron_expression": None}, (None, None)),
        ([], CRON, ("30 2 * * 1-5", "Europe/Berlin")),
        ([], {"cron_expression": "@daily"}, ("0 0 * * *", "UTC")),
        ([HOURLY], CRON, ("30 2 * * 1-5", "Europe/Berlin")),
    ],
)
async def test_the_short_form_changes_the_only_schedule(
    desk: Desk, schedules: list[dict[str, Any]], patch: dict[str, Any], expected: tuple[str | None, str | None]
) -> None:
    job = await desk.create(schedules=schedules)

    changed = (await desk.call("PATCH", f"/{job['id']}", patch)).json()

    assert expected == (changed["cron_expression"], changed["timezone"])
    assert (1 if expected[0] else 0) == len(changed["schedules"])


async def test_the_short_form_keeps_the_schedule_it_changes(desk: Desk) -> None:
    job = await desk.create(schedules=[CRON | {"params": {"a": 1}, "dst_fold": "both"}])

    changed = (await desk.call("PATCH", f"/{job['id']}", {"cron_expression": "@daily"})).json()

    kept = {"id": job["schedules"][0]["id"], "params": {"a": 1}, "dst_fold": "both"}
    assert changed["schedules"] == [IsPartialDict(kept)]


@ONLY_SQLITE
@pytest.mark.parametrize(
    ("schedules", "patch", "pointer"),
    [
        ([CRON, HOURLY], {"cron_expression": "@daily"}, "/cron_expression"),
        ([HOURLY], {"timezone": "UTC"}, "/timezone"),
        ([], {"timezone": "UTC"}, "/timezone"),
    ],
)
async def test_the_short_form_is_refused_where_it_says_nothing(
    desk: Desk, schedules: list[dict[str, Any]], patch: dict[str, Any], pointer: str
) -> None:
    job = await desk.create(schedules=schedules)

    assert [pointer] == faults(await desk.call("PATCH", f"/{job['id']}", patch))
    assert len(schedules) == len(await read_schedules(desk.database, (await stored(desk, job)).id))


async def test_a_change_based_on_an_older_version_is_refused(desk: Desk) -> None:
    job = await desk.create(schedules=[HOURLY])
    path = f"/{job['id']}"
    seen = {"if-match": (await desk.call("GET", path)).headers["etag"]}
    [schedule] = await read_schedules(desk.database, UUID(job["id"]))
    await set_schedules(desk.database, UUID(job["id"]), next_run_at=schedule.anchor_at)
    await run_tick(desk.database, await lead(desk.database))  # that a slot was decided is no change of the job

    first, second = [
        await desk.call("PATCH", path, {"description": text}, headers=seen) for text in ("first", "second")
    ]
    deleted = await desk.call("DELETE", path, headers=seen)

    assert [200, 412, 412] == [answer.status_code for answer in (first, second, deleted)]
    assert "first" == (await desk.read(job))["description"]


async def test_so_is_a_change_of_a_schedule(desk: Desk) -> None:
    job = await desk.create()
    made = await desk.call("POST", f"/{job['id']}/schedules", HOURLY)
    path = f"/{job['id']}/schedules/{made.json()['id']}"
    seen = {"if-match": (await desk.call("PATCH", path, {})).headers["etag"]}

    answers = [await desk.call("PATCH", path, {"params": {"a": number}}, headers=seen) for number in (1, 2)]
    answers.append(await desk.call("DELETE", path, headers=seen))

    assert [200, 412, 412] == [answer.status_code for answer in answers]
