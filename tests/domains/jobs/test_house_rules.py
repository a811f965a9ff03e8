"""What the settings of a house add to the rules of jobs."""

import pytest

from stationmaster.config import HttpSettings, Settings
from stationmaster.domains.executions.models import Spec
from stationmaster.domains.jobs.models import Job, Schedule
from tests.support.databases import ONLY_SQLITE
from tests.support.work import HOURLY, TARGET, Desk, count_rows, faults

pytestmark = ONLY_SQLITE

BODY = {"name": "nightly", "target": TARGET}


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(
        update={
            "http": HttpSettings(max_body_bytes=2000),
            "min_interval_seconds": 60,
            "scheduler_timezone": "Asia/Tokyo",
            "outbound_allow": ("10.0.0.0/8", "127.0.0.1:8080"),
        }
    )


async def test_a_body_over_the_limit_is_refused(desk: Desk) -> None:
    answer = await desk.call("POST", body=BODY | {"description": "x" * 3000})

    assert (413, [0]) == (answer.status_code, await count_rows(desk.database, Job))


async def test_slots_may_not_come_more_often_than_the_house_allows(desk: Desk) -> None:
    answer = await desk.call("POST", body=BODY | {"schedules": [{"interval_seconds": 59}]})

    assert ["/schedules/0/interval_seconds"] == faults(answer)
    assert [0, 0, 0] == await count_rows(desk.database, Job, Schedule, Spec)


async def test_the_zone_of_the_house_is_the_default(desk: Desk) -> None:
    assert "Asia/Tokyo" == (await desk.create(cron_expression="@daily"))["timezone"]


@pytest.mark.parametrize(
    ("url", "status"),
    [
        ("http://10.1.2.3/", 201),
        ("http://127.0.0.1:8080/", 201),
        ("http://127.0.0.1:8081/", 422),
        ("http://169.254.169.254/", 422),
    ],
)
async def test_private_addresses_are_called_only_where_the_house_allows_it(desk: Desk, url: str, status: int) -> None:
    answer = await desk.call("POST", body=BODY | {"target": TARGET | {"url": url}})

    assert status == answer.status_code


async def test_an_interval_of_a_schedule_is_not_changed_below_the_least(desk: Desk) -> None:
    job = await desk.create(schedules=[HOURLY])

    path = f"/{job['id']}/schedules/{job['schedules'][0]['id']}"
    answer = await desk.call("PATCH", path, {"interval_seconds": 59})

    assert ["/interval_seconds"] == faults(answer)
    assert job == await desk.read(job)
