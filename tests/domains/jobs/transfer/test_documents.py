"""Export, import, and the differences between."""

from typing import Any

import pytest
import yaml
from dirty_equals import IsPartialDict

from tests.support.databases import ONLY_SQLITE
from tests.support.people import Person
from tests.support.work import TARGET, Desk, faults

SECRET = TARGET | {"secret_headers": {"Authorization": "Bearer of a secret"}}


async def export(desk: Desk, by: Person | None = None, form: str = "yaml") -> str:
    answer = await desk.call("GET", f"/export?format={form}", by=by or desk.admin)
    assert answer.status_code == 200, answer.text
    return answer.text


async def send(desk: Desk, by: Person | None = None, **body: Any) -> dict[str, Any]:
    answer = await desk.call("POST", "/import", body, by=by or desk.admin)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def fill(desk: Desk) -> None:
    """Make one of everything."""
    for path, body in (
        ("job-categories", {"name": "Data imports"}),
        ("teams", {"name": "Night shift", "slack_handle": "@nights"}),
        ("calendars", {"name": "holidays", "dates": ["2099-12-25"], "description": "Days off\nfor all"}),
    ):
        answer = await desk.client.post(f"/api/v1/{path}", json=body, headers=desk.admin.headers)
        assert answer.status_code == 201, answer.text
    jobs: list[dict[str, Any]] = [
        {"name": "import", "target": SECRET, "cron_expression": "0 3 * * 1-5", "timezone": "Europe/Berlin"},
        {
            "name": "after",
            "target": TARGET | {"body": {"yes": "no", "when": "2026-01-01"}},
            "category": "data-imports",
            "team": "night-shift",
            "end_date": "2099-12-31",
            "depends_on": [{"job": "import", "on": "always"}],
            "notifications": {"enabled": True, "emails": ["ops@example.com"]},
            "retry": {"max_attempts": 3},
            "overlap": {"policy": "queue", "key": "shared"},
            "metadata": {"a": [1, None, {"b": True}]},
            "spread_seconds": 60,
            "schedules": [
                {"interval_seconds": 60, "params": {"depth": 3}},
                {"run_at": "2099-01-01T00:00:00Z", "calendars": ["holidays"]},
                {"cron_expression": "30 2 * * *", "timezone": "Asia/Tokyo", "dst_gap": "skip", "is_active": False},
            ],
        },
        {"name": "by hand", "target": TARGET, "description": "one\ntwo", "on_lost": "fail", "is_active": False},
    ]
    for job in jobs:
        answer = await desk.call("POST", body=job, by=desk.admin)
        assert answer.status_code == 201, answer.text


async def test_export_import_export_is_the_same_text(desk: Desk) -> None:
    await fill(desk)
    first = await export(desk)

    same = await send(desk, text=first, mode="apply")

    assert same == IsPartialDict(is_applied=True, has_drift=False, errors=[])
    assert {"same"} == {change["action"] for change in same["changes"]}
    assert first == await export(desk)


async def test_what_was_deleted_comes_back(desk: Desk) -> None:
    await fill(desk)
    await desk.call("PATCH", f"/{await id_of(desk, 'import')}", {"target": TARGET}, by=desk.admin)
    first = await export(desk)
    for name in ("after", "import", "by hand"):
        assert 204 == (await desk.call("DELETE", f"/{await id_of(desk, name)}", by=desk.admin)).status_code

    made = await send(desk, text=first, mode="apply")

    assert made["counts"] == IsPartialDict(create=3)
    assert first == await export(desk)


async def id_of(desk: Desk, name: str) -> str:
    items = (await desk.call("GET", "?size=100", by=desk.admin)).json()["items"]
    return str(next(item["id"] for item in items if item["name"] == name))


async def test_json_says_the_same_as_yaml(desk: Desk) -> None:
    await fill(desk)

    as_json = await export(desk, form="json")
    same = await send(desk, text=as_json)

    assert not same["has_drift"]
    assert yaml.safe_load(as_json)["jobs"][0]["name"] == "after"


async def test_secrets_are_masked_and_kept(desk: Desk) -> None:
    await fill(desk)
    document = yaml.safe_load(await export(desk))
    job = next(job for job in document["jobs"] if job["name"] == "import")
    masked = job["target"]["secret_headers"]
    job["target"]["url"] = "https://receiver.example/other"

    await send(desk, document={"version": 1, "jobs": [job]}, mode="apply")

    shown = (await desk.call("GET", f"/{await id_of(desk, 'import')}", by=desk.admin)).json()
    assert {"Authorization": "********"} == masked == shown["target"]["secret_headers"]
    assert "https://receiver.example/other" == shown["target"]["url"]


async def test_a_plan_tells_what_differs_and_changes_nothing(desk: Desk) -> None:
    await fill(desk)
    before = await export(desk)
    document = yaml.safe_load(before)
    jobs = {job["name"]: job for job in document["jobs"]}
    jobs["import"]["timeout_seconds"] = 60
    jobs["after"].pop("retry")
    jobs["new"] = {"name": "new", "target": TARGET, "depends_on": [{"job": "import"}]}
    del jobs["by hand"]
    document["jobs"] = list(jobs.values())

    plan = await send(desk, document=document, prune=True)

    told = {change["name"]: (change["action"], change["fields"]) for change in plan["changes"]}
    assert plan == IsPartialDict(mode="plan", is_applied=False, has_drift=True, errors=[])
    assert ("update", [{"field": "timeout_seconds", "present": None, "wanted": 60.0}]) == told["import"]
    assert ("update", [{"field": "retry", "present": {"max_attempts": 3}, "wanted": None}]) == told["after"]
    assert [("create", []), ("delete", [])] == [told["new"], told["by hand"]]
    assert before == await export(desk)


async def test_what_a_plan_tells_is_done(desk: Desk) -> None:
    await fill(desk)
    document = yaml.safe_load(await export(desk))
    document["teams"].append({"name": "Early shift"})
    document["categories"][0]["is_active"] = False
    document["calendars"][0]["dates"] = ["2099-12-26"]
    document["jobs"] = [job | {"team": "early-shift"} for job in document["jobs"] if job["name"] != "by hand"]

    done = await send(desk, document=document, mode="apply", prune=True)
    again = await send(desk, text=await export(desk), prune=True)

    assert done == IsPartialDict(is_applied=True, errors=[])
    assert done["counts"] == IsPartialDict(create=1, update=4, delete=1)
    assert not again["has_drift"]
    assert document["jobs"] == yaml.safe_load(await export(desk))["jobs"]


async def test_a_document_that_leaves_things_out_leaves_them_alone(desk: Desk) -> None:
    await fill(desk)

    done = await send(desk, document={"version": 1, "jobs": [{"name": "new", "target": TARGET}]}, mode="apply")

    assert {"after": "unlisted", "by hand": "unlisted", "import": "unlisted", "new": "create"} == {
        change["name"]: change["action"] for change in done["changes"]
    }


async def test_all_or_nothing(desk: Desk) -> None:
    await fill(desk)
    before = await export(desk)
    jobs = [
        {"name": "good", "target": TARGET},
        {"name": "bad", "target": TARGET, "cron_expression": "61 * * * *"},
        {"name": "worse", "target": TARGET, "team": "nobody"},
        {"name": "good", "target": TARGET},
        "nonsense",
    ]

    plan = await send(desk, document={"version": 1, "jobs": jobs})
    refused = await desk.call("POST", "/import", {"document": {"version": 1, "jobs": jobs}, "mode": "apply"})

    assert ["4", "bad", "good", "worse"] == sorted(fault["name"] for fault in plan["errors"])
    assert ["/document"] * 4 == faults(refused)
    assert before == await export(desk)


async def test_others_jobs_and_labels_are_not_changed_by_a_user(desk: Desk) -> None:
    await fill(desk)
    document = {
        "version": 1,
        "categories": [{"name": "New"}],
        "jobs": [{"name": "import", "target": TARGET}, {"name": "mine", "target": TARGET}],
    }

    plan = await send(desk, by=desk.owner, document=document)

    assert {"new", "import"} == {fault["name"] for fault in plan["errors"]}
    assert all("admins" in fault["detail"] for fault in plan["errors"])


async def test_addresses_are_not_exported_to_everybody(desk: Desk) -> None:
    await fill(desk)

    texts = [await export(desk), await export(desk, by=desk.stranger)]

    assert [True, False] == ["ops@example.com" in text for text in texts]


@ONLY_SQLITE
@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, [""]),
        ({"text": "{}", "document": {}}, [""]),
        ({"text": "a: [1"}, ["/text"]),
        ({"text": "- 1"}, ["/text"]),
        ({"text": "version: 2"}, ["/text"]),
        ({"text": "a: &x [1]\nb: *x"}, ["/text"]),
        ({"text": "version: 1\nx: !!python/object/apply:os.system [ls]"}, ["/text"]),
        ({"document": {"version": 2}}, ["/document/version"]),
        ({"document": {"version": 1, "colours": []}}, ["/document"]),
        ({"document": {"version": 1, "jobs": {}}}, ["/document"]),
        ({"document": {"version": 1}, "mode": "maybe"}, ["/mode"]),
    ],
)
async def test_what_is_no_document_is_refused(desk: Desk, body: dict[str, Any], fields: list[str]) -> None:
    assert fields == faults(await desk.call("POST", "/import", body))


@ONLY_SQLITE
async def test_viewers_neither_export_nor_import(desk: Desk) -> None:
    answers = [
        await desk.call("GET", "/export", by=desk.viewer),
        await desk.call("POST", "/import", {"document": {"version": 1}}, by=desk.viewer),
        await desk.client.get("/api/v1/jobs/export"),
    ]

    assert [403, 403, 401] == [answer.status_code for answer in answers]
