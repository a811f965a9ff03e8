"""Jobs out of CSV files."""

import csv
import io
from typing import Any

import httpx
import pytest
from dirty_equals import IsPartialDict

from stationmaster.domains.jobs.models import Job, Schedule
from stationmaster.domains.jobs.rules import JobRules
from stationmaster.domains.jobs.transfer.csv_upload import shift_weekdays
from tests.support.databases import ONLY_SQLITE
from tests.support.executions import SEALER, ScriptedExecutor
from tests.support.people import Person
from tests.support.work import Desk, count_rows, faults

HEADING = ["Job Name", "Cron Schedule (JST)", "Status", "Target URL", "Request Body"]
WEBHOOK = "https://receiver.example/hook"


def rules() -> JobRules:
    executors = {kind: ScriptedExecutor(kind=kind) for kind in ("webhook", "github")}
    return JobRules(SEALER, executors, "UTC", min_interval_seconds=1)


def sheet(heading: list[str], *rows: list[str]) -> str:
    file = io.StringIO()
    csv.writer(file).writerows([heading, *rows])
    return file.getvalue()


async def send(desk: Desk, text: str | bytes, by: Person | None = None, **form: Any) -> httpx.Response:
    content = text.encode() if isinstance(text, str) else text
    with desk.ruled_by(rules()):
        return await desk.client.post(
            "/api/v1/jobs/bulk-upload",
            files={"file": ("jobs.csv", content)},
            data={name: str(value) for name, value in form.items()},
            headers=(by or desk.owner).headers,
        )


async def take(desk: Desk, text: str | bytes, **form: Any) -> dict[str, Any]:
    answer = await send(desk, text, **form)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def read(desk: Desk, uploaded: dict[str, Any], index: int = 0) -> dict[str, Any]:
    return await desk.read({"id": uploaded["jobs"][index]["id"]})


async def test_a_row_is_a_job(desk: Desk) -> None:
    found = await take(desk, sheet(HEADING, ["nightly", "0 3 * * 1", "disabled", WEBHOOK, '{"depth": 3}']))

    job = await read(desk, found)
    assert found == IsPartialDict(created_count=1, error_count=0, errors=[])
    assert job == IsPartialDict(
        name="nightly", is_active=False, metadata={"depth": 3}, cron_expression="0 3 * * 1", timezone="Asia/Tokyo"
    )
    assert (WEBHOOK, "webhook") == (job["target"]["url"], job["target"]["type"])


async def test_108_rows_with_46_names_are_46_jobs(desk: Desk) -> None:
    """The file that the old system shipped and could not take: one name for each weekday's line."""
    names = [f"regression {number}" for number in range(46)]
    rows = [[names[index % 46], f"{index % 60} 4 * * {index // 46}", "active", "", ""] for index in range(108)]
    for row in rows:
        row[3] = WEBHOOK
    text = sheet(HEADING, *rows)

    dry = await take(desk, text, dry_run=True)
    empty = await count_rows(desk.database, Job, Schedule)
    found = await take(desk, text)
    again = await send(desk, text)

    assert (46, 0, [0, 0]) == (dry["created_count"], dry["error_count"], empty)
    assert (46, 0) == (found["created_count"], found["error_count"])
    assert [46, 108] == await count_rows(desk.database, Job, Schedule)
    assert {2, 3} == {job["schedule_count"] for job in found["jobs"]}
    assert [2, 48, 94] == found["jobs"][0]["rows"]
    assert 422 == again.status_code


async def test_columns_have_many_names_and_empty_ones_go(desk: Desk) -> None:
    heading = ["NAME", "cron expression", "", "github owner", "GitHub Repo", "Workflow Name", "Ref", "", "metadata"]
    rows = [
        ["a", "@daily", "", "acme", "reports", "nightly.yml", "release", "", '{"depth": 3, "tags": ["x"]}'],
        ["", "", "", "", "", "", "", "", ""],
        ["b", "@daily", "", "", "acme/reports", "nightly.yml", "", "", ""],
        ["c", "@daily", "", "", "reports", "nightly.yml", "", "", ""],
    ]

    found = await take(desk, "\ufeff" + sheet(heading, *rows), default_github_owner="house", timezone="Europe/Berlin")

    jobs = [await read(desk, found, index) for index in range(3)]
    assert found["stats"] == {
        "original_column_count": 9,
        "original_row_count": 4,
        "removed_column_count": 2,
        "removed_empty_row_count": 1,
    }
    assert ["acme", "acme", "house"] == [job["target"]["owner"] for job in jobs]
    assert ("release", {"depth": 3, "tags": '["x"]'}) == (jobs[0]["target"]["ref"], jobs[0]["target"]["inputs"])
    assert {"Europe/Berlin"} == {job["timezone"] for job in jobs}


@pytest.mark.parametrize(
    "dispatch",
    [
        "acme/reports/nightly.yml",
        "https://github.com/acme/reports/actions/workflows/nightly.yml",
        "https://api.github.com/repos/acme/reports/actions/workflows/nightly.yml/dispatches",
    ],
)
async def test_workflows_are_named_in_several_ways(desk: Desk, dispatch: str) -> None:
    found = await take(desk, sheet(["Name", "Cron", "Dispatch URL"], ["a", "@daily", dispatch]))

    target = (await read(desk, found))["target"]
    assert target == IsPartialDict(type="github", owner="acme", repo="reports", workflow="nightly.yml", ref="main")


async def test_a_body_of_its_own_becomes_the_params_of_a_schedule(desk: Desk) -> None:
    rows = [["a", f"0 {hour} * * *", "", WEBHOOK, body] for hour, body in ((1, '{"d": 1}'), (2, '{"d": 2}'), (3, ""))]

    found = await take(desk, sheet(HEADING, *rows))

    job = await read(desk, found)
    assert {"d": 1} == job["metadata"]
    assert [None, {"d": 2}, None] == [schedule["params"] for schedule in job["schedules"]]


async def test_wrong_rows_are_told_and_hinder_no_others(desk: Desk) -> None:
    await desk.create(name="taken")
    heading = [*HEADING, "Category", "End Date", "Team", "Timezone"]
    rest = ["", "", "", ""]
    rows = [
        ["good", "0 1 * * *", "", WEBHOOK, "", *rest],
        ["", "0 1 * * *", "", WEBHOOK, "", *rest],
        ["cron", "61 1 * * *", "", WEBHOOK, "", *rest],
        ["taken", "0 1 * * *", "", WEBHOOK, "", *rest],
        ["json", "0 1 * * *", "", WEBHOOK, "[1]", *rest],
        ["nowhere", "0 1 * * *", "", "", "", *rest],
        ["category", "0 1 * * *", "", WEBHOOK, "", "nowhere", "", "", ""],
        ["ended", "0 1 * * *", "", WEBHOOK, "", "", "2020-01-01", "", ""],
        ["team", "0 1 * * *", "", WEBHOOK, "", "", "", "nobody", ""],
        ["zone", "0 1 * * *", "", WEBHOOK, "", "", "", "", "Moon/Sea"],
        ["good", "0 2 * * *", "", "https://other.example/", "", *rest],
        ["good", "", "", "", "", *rest],
    ]

    found = await take(desk, sheet(heading, *rows))

    assert ["good"] == [job["name"] for job in found["jobs"]]
    assert [
        (3, "name"),
        (4, "cron_expression"),
        (5, "name"),
        (6, "body"),
        (7, "target"),
        (8, "category"),
        (9, "end_date"),
        (10, "team"),
        (11, "timezone"),
        (12, "url"),
        (13, "cron_expression"),
    ] == [(error["row"], error["field"]) for error in found["errors"]][:11]
    assert not any(error["error"].startswith("Value error") for error in found["errors"])
    assert 1 == len((await read(desk, found))["schedules"])


@ONLY_SQLITE
@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"\xff\xfe", "not CSV in UTF-8"),
        (b"a,b\n1,2\n", "no column for the name"),
        (b"Name,Colour\nx,red\n", "columns that are not known here: colour"),
        (b"Name,Job Name\nx,y\n", "several columns for name"),
        (b'Name\n"x\n', "not CSV"),
        (b"Name,Cron\n,\nx,61 * * * *\n", "row 3"),
    ],
)
async def test_what_is_no_such_file_is_refused(desk: Desk, content: bytes, words: str) -> None:
    answer = await send(desk, content)

    assert ["/file"] == faults(answer)
    assert words in answer.json()["errors"][0]["detail"]


@ONLY_SQLITE
async def test_who_may_upload(desk: Desk) -> None:
    text = sheet(["Name", "Url"], ["x", WEBHOOK])

    refused = await send(desk, text, by=desk.viewer)
    anonymous = await desk.client.post("/api/v1/jobs/bulk-upload", files={"file": ("a.csv", text.encode())})
    missing = await desk.client.post("/api/v1/jobs/bulk-upload", data={"dry_run": "yes"}, headers=desk.owner.headers)

    assert [403, 401, 422] == [refused.status_code, anonymous.status_code, missing.status_code]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("0 4 * * 0", "0 4 * * 1"),
        ("0 4 * * 6", "0 4 * * 0"),
        ("0 4 * * 0-4", "0 4 * * 1,2,3,4,5"),
        ("0 4 * * 5,6", "0 4 * * 6,0"),
        ("0 4 * * mon-fri", "0 4 * * mon-fri"),
        ("0 4 * * *", "0 4 * * *"),
        ("*/5 4 1-7 * 4-6", "*/5 4 1-7 * 5,6,0"),
        ("0 4 * * 0/2", "0 4 * * 1,3,5,0"),
        ("@daily", "@daily"),
    ],
)
def test_weekdays_that_count_from_monday_are_turned_into_ours(given: str, expected: str) -> None:
    assert expected == shift_weekdays(given)


async def test_the_caller_says_how_weekdays_count(desk: Desk) -> None:
    text = sheet(["Name", "Cron", "Url"], ["x", "0 4 * * 0", WEBHOOK])

    found = await take(desk, text, weekdays="monday_is_zero")

    assert "0 4 * * 1" == (await read(desk, found))["cron_expression"]
