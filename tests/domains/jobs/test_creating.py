"""Creating and reading jobs over HTTP."""

import asyncio
from uuid import uuid4

import pytest
from dirty_equals import IsPartialDict

from stationmaster.domains.jobs.models import Job, Schedule
from tests.support.databases import ONLY_SQLITE
from tests.support.people import Person
from tests.support.work import HOURLY, TARGET, Desk, count_rows, faults

CRON = {"cron_expression": "30 2 * * 1-5", "timezone": "Europe/Berlin"}
BODY = {"name": "nightly", "target": TARGET}


@pytest.mark.parametrize(
    ("method", "path"), [("POST", ""), ("GET", ""), ("GET", f"/{uuid4()}"), ("PATCH", f"/{uuid4()}")]
)
@ONLY_SQLITE
async def test_nobody_gets_in_without_a_login(desk: Desk, method: str, path: str) -> None:
    body = BODY if method == "POST" else {} if method == "PATCH" else None
    answer = await desk.client.request(method, f"/api/v1/jobs{path}", json=body)

    assert (401, "Bearer") == (answer.status_code, answer.headers["www-authenticate"])


async def test_viewers_read_and_do_not_create(desk: Desk) -> None:
    job = await desk.create()

    refused = await desk.call("POST", body=BODY, by=desk.viewer)
    listed = await desk.call("GET", by=desk.viewer)

    assert (403, "/problems/forbidden") == (refused.status_code, refused.json()["type"])
    assert [job["id"]] == [item["id"] for item in listed.json()["items"]]


async def test_a_created_job_is_answered_as_it_will_be_read(desk: Desk) -> None:
    answer = await desk.call("POST", body=BODY | CRON | {"metadata": {"team": "maps"}})

    job = answer.json()
    assert (201, f"/api/v1/jobs/{job['id']}") == (answer.status_code, answer.headers["location"])
    assert job == await desk.read(job)
    assert job == IsPartialDict(
        {
            "name": "nightly",
            "owner_id": str(desk.owner.id),
            "target": IsPartialDict(TARGET | {"method": "POST", "signing_secret": None}),
            "metadata": {"team": "maps"},
            "is_active": True,
            "paused_at": None,
            "last_execution": None,
            "schedule_text": "At 02:30, Monday to Friday (Europe/Berlin)",
            "next_run_at": job["schedules"][0]["next_run_at"],
        }
        | CRON
    )


async def test_the_defaults_are_those_that_are_documented(desk: Desk) -> None:
    job = await desk.create()

    assert job == IsPartialDict(
        misfire={"policy": "last", "max_lateness_seconds": 3600.0, "max_runs": 100},
        overlap={"policy": "skip", "key": None, "max_running": 1, "queue_max": 100},
        retry=IsPartialDict(max_attempts=1, initial_seconds=2.0, multiplier=2.0, max_seconds=900.0, jitter=True),
        timeout_seconds=300.0,
        on_lost="retry",
        schedules=[],
        next_run_at=None,
        schedule_text=None,
    )


async def test_policies_may_come_as_one_object(desk: Desk) -> None:
    job = await desk.create(policies={"timeout_seconds": 5, "overlap": {"policy": "allow"}, "on_lost": "fail"})

    assert job == IsPartialDict(timeout_seconds=5.0, overlap=IsPartialDict(policy="allow"), on_lost="fail")


async def test_a_job_has_any_number_of_schedules(desk: Desk) -> None:
    job = await desk.create(schedules=[CRON, HOURLY, {"run_at": "2099-01-01T00:00:00+01:00", "timezone": "Asia/Tokyo"}])

    assert ["At 02:30", "Every hour", "Once, at 2099-01-01 08:00 Asia/Tokyo"] == [
        one["text"].partition(",")[0] if one["run_at"] is None else one["text"] for one in job["schedules"]
    ]
    assert "2098-12-31T23:00:00.000Z" == job["schedules"][2]["next_run_at"]
    assert (None, None) == (job["cron_expression"], job["timezone"])
    assert job["next_run_at"] == min(one["next_run_at"] for one in job["schedules"])


async def test_an_inactive_job_has_nothing_to_come(desk: Desk) -> None:
    job = await desk.create(is_active=False, **CRON)

    assert (None, None) == (job["next_run_at"], job["schedules"][0]["next_run_at"])


async def test_schedules_without_a_zone_are_in_the_houses(desk: Desk) -> None:
    job = await desk.create(cron_expression="@daily")

    assert ("0 0 * * *", "UTC") == (job["cron_expression"], job["timezone"])


async def test_a_name_is_used_once(desk: Desk) -> None:
    await desk.create(name="nightly")

    answer = await desk.call("POST", body=BODY | {"name": " nightly "}, by=desk.stranger)

    assert (409, "/problems/already-exists") == (answer.status_code, answer.json()["type"])
    assert "nightly" in answer.json()["detail"]
    assert [1] == await count_rows(desk.database, Job)


async def test_of_two_that_create_the_same_name_at_once_one_gets_a_conflict(desk: Desk) -> None:
    """The old system answered 500 to the second one."""
    answers = await asyncio.gather(*(desk.call("POST", body=BODY | CRON) for _ in range(4)))

    assert [201, 409, 409, 409] == sorted(answer.status_code for answer in answers)
    assert [1, 1] == await count_rows(desk.database, Job, Schedule)


async def test_what_is_not_there_is_not_found(desk: Desk) -> None:
    answer = await desk.call("GET", f"/{uuid4()}")

    assert (404, "/problems/not-found") == (answer.status_code, answer.json()["type"])


@pytest.mark.parametrize(
    ("query", "count"), [("?owner_id={owner}", 2), ("?is_active=false", 1), ("", 3), ("?size=2", 2)]
)
async def test_the_list_is_narrowed_and_paged(desk: Desk, query: str, count: int) -> None:
    jobs = [await desk.create(), await desk.create(is_active=False)]
    other: Person = desk.stranger
    jobs.append((await desk.call("POST", body=BODY, by=other)).json())

    answer = await desk.call("GET", query.format(owner=desk.owner.id))

    newest_first = [job["id"] for job in reversed(jobs)]
    ids = [item["id"] for item in answer.json()["items"]]
    assert (200, count) == (answer.status_code, len(ids))
    assert ids == [id_ for id_ in newest_first if id_ in ids]


@ONLY_SQLITE
async def test_unknown_query_parameters_are_refused(desk: Desk) -> None:
    assert ["colour"] == faults(await desk.call("GET", "?colour=red"))


@ONLY_SQLITE
@pytest.mark.parametrize(
    ("content_type", "content", "status"),
    [
        ("text/plain", b"{}", 415),
        ("application/x-www-form-urlencoded", b"name=x", 415),
        ("application/json", b"{", 400),
        ("application/json", b"[]", 422),
        ("application/json", b'{"name": NaN}', 422),
        ("application/json", b"\xff\xfe", 400),
        ("application/json", b"", 422),
        ("application/json", b"[" * 100_000, 400),
    ],
)
async def test_what_is_no_json_object_is_refused(desk: Desk, content_type: str, content: bytes, status: int) -> None:
    answer = await desk.call("POST", content=content, headers={"content-type": content_type})

    assert (status, "application/problem+json") == (answer.status_code, answer.headers["content-type"])
