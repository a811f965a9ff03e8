"""Looking at a cron expression before it is used."""

from datetime import UTC, datetime
from typing import Any

import pytest
from dirty_equals import IsPartialDict, IsStr

from stationmaster.domains.jobs import preview
from stationmaster.domains.jobs.schedule_schemas import CronIn
from stationmaster.errors import Invalid
from tests.support.databases import ONLY_SQLITE
from tests.support.work import Desk, faults

BERLIN = {"expression": "30 2 * * *", "timezone": "Europe/Berlin"}
WINTER = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.fixture
def desk(shared_desk: Desk) -> Desk:
    return shared_desk


def look(**fields: Any) -> dict[str, Any]:
    wanted = CronIn.model_validate({"expression": "30 2 * * *"} | fields)
    return preview.validate(wanted, default_timezone="Asia/Tokyo", now=WINTER).model_dump(mode="json")


@ONLY_SQLITE
@pytest.mark.parametrize("path", ["/validate-cron", "/cron-preview"])
async def test_everybody_who_is_signed_in_may_ask(desk: Desk, path: str) -> None:
    anonymous = await desk.client.post(f"/api/v1/jobs{path}", json=BERLIN)
    answer = await desk.call("POST", path, BERLIN | {"count": 3}, by=desk.viewer)

    assert [401, 200] == [anonymous.status_code, answer.status_code]
    assert answer.json() == IsPartialDict(
        valid=True,
        expression="30 2 * * *",
        timezone="Europe/Berlin",
        description="At 02:30, every day (Europe/Berlin)",
        next_runs=[IsStr(regex=r"\d{4}-\d\d-\d\dT0[01]:30:00\.000Z")] * 3,
        error=None,
        field=None,
    )


@ONLY_SQLITE
@pytest.mark.parametrize(
    ("body", "field", "pointer"),
    [
        ({"expression": "61 * * * *"}, "minute", "/expression"),
        ({"expression": "0 0 30 2 *"}, "day-of-month", "/expression"),
        ({"expression": "* * * *"}, None, "/expression"),
        ({"expression": ""}, None, "/expression"),
        ({"expression": "@reboot"}, None, "/expression"),
        (BERLIN | {"timezone": "Europe/berlin"}, "timezone", "/timezone"),
        (BERLIN | {"timezone": "../etc/passwd"}, "timezone", "/timezone"),
    ],
)
async def test_a_wrong_expression_is_an_answer_to_one_and_refused_by_the_other(
    desk: Desk, body: dict[str, Any], field: str | None, pointer: str
) -> None:
    told = await desk.call("POST", "/validate-cron", body)
    refused = await desk.call("POST", "/cron-preview", body)

    assert (200, IsPartialDict(valid=False, field=field, next_runs=[])) == (told.status_code, told.json())
    assert told.json()["error"] == refused.json()["errors"][0]["detail"]
    assert [pointer] == faults(refused)


@ONLY_SQLITE
@pytest.mark.parametrize("path", ["/validate-cron", "/cron-preview"])
async def test_what_is_no_question_is_refused_by_both(desk: Desk, path: str) -> None:
    wrong: list[tuple[Any, list[str]]] = [
        ({}, ["/expression"]),
        ({"expression": 5}, ["/expression"]),
        ({"expression": None}, ["/expression"]),
        ({"expression": "a\0b"}, ["/expression"]),
        ({"expression": "x" * 1001}, ["/expression"]),
        (BERLIN | {"count": 0}, ["/count"]),
        (BERLIN | {"count": 101}, ["/count"]),
        (BERLIN | {"count": "5"}, ["/count"]),
        (BERLIN | {"timezone": 5}, ["/timezone"]),
        (BERLIN | {"colour": "red"}, ["/colour"]),
        ([], [""]),
    ]

    assert wrong == [(body, faults(await desk.call("POST", path, body))) for body, _ in wrong]


def test_the_houses_zone_is_the_default() -> None:
    assert ("Asia/Tokyo", "2026-11-21T17:30:00.000Z") == (look()["timezone"], look()["next_runs"][0])


@pytest.mark.parametrize("count", [1, 5, 100])
def test_as_many_runs_are_shown_as_are_asked_for(count: int) -> None:
    runs = look(count=count)["next_runs"]

    assert count == len(runs)
    assert runs == sorted(set(runs))


@pytest.mark.parametrize(
    ("choices", "effects"),
    [
        (
            {},
            ["not exist; there is one run at 03:00 instead", "come twice and run the first time only"],
        ),
        ({"dst_gap": "skip"}, ["not exist; nothing runs instead", "come twice and run the first time only"]),
        (
            {"dst_fold": "second"},
            ["not exist; there is one run at 03:00 instead", "come twice and run the second time only"],
        ),
        ({"dst_fold": "both"}, ["not exist; there is one run at 03:00 instead", "come twice and run both times"]),
    ],
)
def test_the_next_clock_changes_are_told_with_what_they_do(choices: dict[str, str], effects: list[str]) -> None:
    """02:30 in Berlin does not exist on 28 March 2027 and comes twice on 31 October."""
    gap, fold = look(timezone="Europe/Berlin", **choices)["clock_changes"]

    assert ("2027-03-28T01:00:00.000Z", "gap", "2027-03-28 02:30") == (gap["at"], gap["kind"], gap["local_time"])
    assert ("2027-10-31T01:00:00.000Z", "fold", "2027-10-31 02:30") == (fold["at"], fold["kind"], fold["local_time"])
    assert [True, True] == [effect in one["effect"] for effect, one in zip(effects, (gap, fold), strict=True)]


@pytest.mark.parametrize(
    ("expression", "zone"), [("30 2 * * *", "UTC"), ("30 12 * * *", "Europe/Berlin"), ("*/15 * * * *", "Europe/Berlin")]
)
def test_what_no_clock_change_touches_says_nothing_of_them(expression: str, zone: str) -> None:
    assert [] == look(expression=expression, timezone=zone)["clock_changes"]


def test_the_preview_shows_the_run_after_the_gap() -> None:
    wanted = CronIn.model_validate(BERLIN | {"count": 2})
    before = datetime(2027, 3, 27, 12, tzinfo=UTC)

    runs = preview.preview(wanted, default_timezone="UTC", now=before).next_runs

    assert [datetime(2027, 3, 28, 1, tzinfo=UTC), datetime(2027, 3, 29, 0, 30, tzinfo=UTC)] == runs


def test_the_preview_refuses_what_never_fires() -> None:
    with pytest.raises(Invalid) as refused:
        preview.preview(CronIn(expression="0 0 31 4 *"), default_timezone="UTC", now=WINTER)

    assert ["/expression"] == [error.pointer for error in refused.value.errors]
