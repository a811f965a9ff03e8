"""Categories, teams and settings about whom to tell, on jobs."""

from typing import Any

import pytest
from dirty_equals import IsPartialDict

from stationmaster.config import Settings
from stationmaster.setting_groups import JobSettings
from tests.support.databases import ONLY_SQLITE
from tests.support.work import TARGET, Desk, faults

QUIET = {"enabled": False, "emails": [], "on_success": False, "after_failures": 1}


async def make_label(desk: Desk, path: str, name: str) -> str:
    answer = await desk.client.post(f"/api/v1/{path}", json={"name": name}, headers=desk.admin.headers)
    assert answer.status_code == 201, answer.text
    return str(answer.headers["location"])


async def names_of(desk: Desk, query: str) -> list[str]:
    answer = await desk.call("GET", query)
    assert answer.status_code == 200, answer.text
    return sorted(job["name"] for job in answer.json()["items"])


async def test_a_job_has_a_category_and_may_have_a_team(desk: Desk) -> None:
    await make_label(desk, "job-categories", "Data imports")
    await make_label(desk, "teams", "Night shift")

    plain = await desk.create(name="plain")
    sorted_job = await desk.create(name="sorted", category="Data imports", team="night-shift")

    assert plain == IsPartialDict(category="general", team=None, end_date=None, notifications=QUIET)
    assert sorted_job == IsPartialDict(category="data-imports", team="night-shift")


async def test_lists_are_narrowed_and_sorted_by_them(desk: Desk) -> None:
    await make_label(desk, "job-categories", "Data imports")
    await make_label(desk, "teams", "Night shift")
    await desk.create(name="plain")
    await desk.create(name="sorted", category="Data imports", team="night-shift", end_date="2099-12-31")

    found = [
        await names_of(desk, query)
        for query in (
            "?category=data-imports",
            "?category=general",
            "?team=Night shift",
            "?filter=category = data-imports",
            "?filter=team = null",
            "?filter=end_date > 2099-12-30",
            "?is_paused=false&sort=category",
        )
    ]

    assert [["sorted"], ["plain"], ["sorted"], ["sorted"], ["plain"], ["sorted"], ["plain", "sorted"]] == found


@ONLY_SQLITE
async def test_labels_that_are_not_there_or_off_are_refused(desk: Desk) -> None:
    place = await make_label(desk, "teams", "Old team")
    held = await desk.create(team="old-team")
    await desk.client.delete(place, headers=desk.admin.headers)
    body = {"name": "new", "target": TARGET}

    wrong = [
        await desk.call("POST", body=body | {"category": "nowhere"}),
        await desk.call("POST", body=body | {"team": "nobody"}),
        await desk.call("POST", body=body | {"team": "Old team"}),
        await desk.call("GET", "?category=nowhere"),
        await desk.call("GET", "?filter=end_date = soon"),
    ]
    kept = await desk.call("PATCH", f"/{held['id']}", {"team": "old-team", "description": "kept"})

    assert [["/category"], ["/team"], ["/team"], ["category"], ["filter"]] == [faults(answer) for answer in wrong]
    assert (200, "old-team") == (kept.status_code, kept.json()["team"])


async def test_labels_change(desk: Desk) -> None:
    await make_label(desk, "job-categories", "Data imports")
    await make_label(desk, "teams", "Night shift")
    job = await desk.create()

    changed = await desk.call("PATCH", f"/{job['id']}", {"category": "data-imports", "team": "night-shift"})
    cleared = await desk.call("PATCH", f"/{job['id']}", {"team": None})

    assert changed.json() == IsPartialDict(category="data-imports", team="night-shift")
    assert cleared.json() == IsPartialDict(category="data-imports", team=None)


async def test_whom_to_tell_is_kept_and_addresses_are_not_for_everybody(desk: Desk) -> None:
    wanted = {"enabled": True, "emails": ["Ops@Example.com"], "on_success": True, "after_failures": 3}
    job = await desk.create(notifications=wanted)

    by_viewer = (await desk.call("GET", f"/{job['id']}", by=desk.viewer)).json()["notifications"]

    assert wanted | {"emails": ["ops@example.com"]} == job["notifications"]
    assert wanted | {"emails": []} == by_viewer


@ONLY_SQLITE
@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"emails": ["nobody"]}, "/notifications/emails/0"),
        ({"emails": [5]}, "/notifications/emails/0"),
        ({"emails": "ops@example.com"}, "/notifications/emails"),
        ({"after_failures": 0}, "/notifications/after_failures"),
        ({"colour": "red"}, "/notifications/colour"),
        (None, "/notifications"),
    ],
)
async def test_wrong_addressees_are_refused(desk: Desk, given: Any, field: str) -> None:
    assert [field] == faults(await desk.call("POST", body={"name": "x", "target": TARGET, "notifications": given}))


@ONLY_SQLITE
class TestWhereTheHouseAsksForMore:
    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return settings.model_copy(update={"jobs": JobSettings(require_end_date=True, require_team=True)})

    async def test_both_are_needed(self, desk: Desk) -> None:
        await make_label(desk, "teams", "Night shift")

        bare = await desk.call("POST", body={"name": "x", "target": TARGET})
        job = await desk.create(end_date="2099-12-31", team="night-shift")
        cleared = [await desk.call("PATCH", f"/{job['id']}", {name: None}) for name in ("end_date", "team")]

        assert ["/end_date", "/team"] == faults(bare)
        assert [["/end_date"], ["/team"]] == [faults(answer) for answer in cleared]
        assert 200 == (await desk.call("PATCH", f"/{job['id']}", {"description": "other"})).status_code
