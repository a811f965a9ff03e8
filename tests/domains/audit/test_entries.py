"""What an entry says, and when there is none."""

import asyncio
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from stationmaster.domains.audit.models import AuditLog
from stationmaster.identity.actor import Role
from stationmaster.kit.masking import MASK
from tests.domains.audit.operations import Stage
from tests.domains.audit.reading import read_entries, said
from tests.support.people import PASSWORD, make_key, make_person
from tests.support.work import HOURLY, TARGET

CANARY = "canary-4711"
SECRETS = {"secret_headers": {"X-Token": CANARY}, "signing_secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}


async def one(stage: Stage, operation: str, **request: Any) -> AuditLog:
    """Call an operation and return the one entry it leaves."""
    answer, entries = await stage.call(operation, **request)
    assert len(entries) == 1, answer.text
    return entries[0]


async def test_it_says_who_did_what_by_what_from_where(stage: Stage) -> None:
    entry = await one(stage, "pause_job", headers=stage.owner.headers)

    assert (entry.actor_kind, entry.actor_id, entry.user_id) == ("user", stage.owner.id, stage.owner.id)
    assert entry.session_id == stage.owner.grant.session_id
    assert (entry.action, entry.outcome, entry.reason) == ("pause_job", "success", None)
    assert (entry.resource_type, entry.resource_id) == ("job", stage.objects["job_id"])
    assert entry.address == "127.0.0.0"


async def test_it_says_which_key_did_it(stage: Stage) -> None:
    key, headers = await make_key(stage.app, stage.owner.user)

    entry = await one(stage, "pause_job", headers=headers)

    assert (entry.actor_kind, entry.actor_id, entry.user_id) == ("api_key", key.id, stage.owner.id)
    assert entry.session_id is None


async def test_a_change_shows_only_what_changed(stage: Stage) -> None:
    entry = await one(stage, "update_job", headers=stage.owner.headers, json={"timeout_seconds": 7, "description": "x"})

    assert said(entry.before) == {"description": None, "timeout_seconds": 300}
    assert said(entry.after) == {"description": "x", "timeout_seconds": 7}


async def test_a_new_timetable_is_shown_whole(stage: Stage) -> None:
    entry = await one(stage, "update_job", headers=stage.owner.headers, json={"schedules": []})

    assert said(entry.before)["schedules"][0]["interval_seconds"] == HOURLY["interval_seconds"]
    assert said(entry.after) == {"schedules": []}


async def test_what_was_deleted_is_shown_as_it_was(stage: Stage) -> None:
    entry = await one(stage, "delete_schedule", headers=stage.owner.headers)

    assert said(entry.before)["interval_seconds"] == HOURLY["interval_seconds"]
    assert entry.after is None


async def test_a_test_run_shows_what_was_called(stage: Stage) -> None:
    target = {"type": "webhook", "url": "http://127.0.0.1:9/", "secret_headers": {"X": CANARY}}

    entry = await one(stage, "run_test", headers=stage.owner.headers, json={"target": target})

    assert said(entry.after)["target"] == target | {"secret_headers": {"X": MASK}}


async def test_secrets_are_masked(stage: Stage) -> None:
    body = {"name": "secret", "target": TARGET | SECRETS, "metadata": {"inner": {"password": CANARY}}}

    entry = await one(stage, "create_job", headers=stage.owner.headers, json=body)

    target = said(entry.after)["target"]
    assert target["secret_headers"] == {"X-Token": MASK}
    assert target["signing_secret"] == MASK
    assert said(entry.after)["metadata"] == {"inner": {"password": MASK}}
    assert CANARY not in repr(entry)
    assert "whsec_" not in repr(entry)


async def test_a_new_secret_shows_as_a_change_of_the_target(stage: Stage) -> None:
    await stage.call("update_job", headers=stage.owner.headers, json={"target": TARGET | SECRETS})
    changed = TARGET | SECRETS | {"secret_headers": {"X-Token": "another"}}

    entry = await one(stage, "update_job", headers=stage.owner.headers, json={"target": changed})

    assert said(entry.before)["target"]["secret_headers"] == {"X-Token": MASK}
    assert said(entry.before) == said(entry.after)


async def test_personal_fields_are_masked_and_others_are_not(stage: Stage) -> None:
    body = {"name": CANARY, "email": f"{CANARY}@example.com", "country": CANARY, "role": "viewer"}

    entry = await one(stage, "patch_user", headers=stage.boss.headers, json=body)

    before = said(entry.before)
    assert (before["name"], before["email"], before["country"], before["role"]) == (MASK, MASK, None, "user")
    assert said(entry.after)["country"] == MASK
    assert CANARY not in repr(entry)


async def test_a_new_password_shows_as_two_masks(stage: Stage) -> None:
    body = {"current_password": PASSWORD, "new_password": "eight silent semaphores"}

    entry = await one(stage, "change_own_password", headers=stage.owner.headers, json=body)

    assert said(entry.before) == {"password_hash": MASK, "version": 1}
    assert said(entry.after) == {"password_hash": MASK, "version": 2}


async def test_a_login_names_who_logged_in(stage: Stage) -> None:
    body = {"username": stage.owner.user.email, "password": PASSWORD}

    entry = await one(stage, "log_in", json=body)

    assert (entry.actor_kind, entry.user_id, entry.resource_type) == ("user", stage.owner.id, "session")


async def test_a_failed_login_names_the_account_that_was_tried(stage: Stage) -> None:
    entry = await one(stage, "log_in", json={"username": stage.owner.user.email, "password": "wrong"})

    assert (entry.outcome, entry.actor_kind, entry.user_id) == ("failed", "anonymous", None)
    assert (entry.resource_type, entry.resource_id) == ("user", str(stage.owner.id))


async def test_a_failed_login_to_no_account_keeps_no_name(stage: Stage) -> None:
    entry = await one(stage, "log_in", json={"username": CANARY, "password": "wrong"})

    assert (entry.outcome, entry.resource_id) == ("failed", None)
    assert CANARY not in repr(entry)


@pytest.mark.parametrize("headers", [{"Authorization": "Bearer rubbish"}, {"X-API-Key": "rubbish"}])
async def test_credentials_that_do_not_count_leave_one_entry(
    app: FastAPI, client: httpx.AsyncClient, headers: dict[str, str]
) -> None:
    await client.get("/api/v1/jobs", headers=headers)

    (entry,) = await read_entries(app.state.database)
    assert (entry.action, entry.outcome, entry.actor_kind) == ("list_jobs", "failed", "anonymous")


async def test_the_second_use_of_a_refresh_token_is_a_failure_about_its_session(stage: Stage) -> None:
    body = {"refresh_token": stage.objects["refresh_token"]}
    successor = (await stage.call("refresh", json=body))[0].json()["refresh_token"]
    await stage.call("refresh", json={"refresh_token": successor})

    entry = await one(stage, "refresh", json=body)

    assert (entry.outcome, entry.resource_type, entry.resource_id) == ("failed", "session", stage.objects["session_id"])


async def test_a_missing_role_leaves_one_entry(stage: Stage) -> None:
    viewer = await make_person(stage.app, Role.VIEWER)

    entry = await one(stage, "create_job", headers=viewer.headers, json={"name": "x", "target": TARGET})

    assert (entry.outcome, entry.reason, entry.user_id) == ("denied", "forbidden", viewer.id)
    assert (entry.resource_type, entry.resource_id, entry.after) == ("job", None, None)


async def test_a_refusal_by_the_service_names_the_object(stage: Stage) -> None:
    stranger = await make_person(stage.app)

    entry = await one(stage, "delete_schedule", headers=stranger.headers)

    assert (entry.outcome, entry.user_id) == ("denied", stranger.id)
    assert (entry.resource_type, entry.resource_id) == ("schedule", stage.objects["schedule_id"])


async def test_reading_what_one_may_not_read_leaves_one_entry(app: FastAPI, client: httpx.AsyncClient) -> None:
    ada = await make_person(app)

    await client.get("/api/v1/audit-logs", headers=ada.headers)

    (entry,) = await read_entries(app.state.database)
    assert (entry.action, entry.outcome) == ("list_audit_logs", "denied")


@pytest.mark.parametrize(
    ("operation", "request_", "status"),
    [
        ("create_job", {"json": {"name": "x"}}, 422),
        ("resume_job", {}, 409),
        ("validate_cron", {"json": {"expression": "* * * * *"}}, 200),
    ],
)
async def test_what_changes_nothing_leaves_none(
    stage: Stage, operation: str, request_: dict[str, Any], status: int
) -> None:
    answer, entries = await stage.call(operation, headers=stage.owner.headers, **request_)

    assert (answer.status_code, entries) == (status, [])


async def test_nobody_who_only_asks_leaves_any(app: FastAPI, client: httpx.AsyncClient) -> None:
    ada = await make_person(app)

    await client.get("/api/v1/jobs", headers=ada.headers)  # may
    await client.get("/api/v1/jobs")  # says not who
    await client.post("/api/v1/auth/logout")  # ends nothing
    await client.get("/api/v1/nowhere")

    assert await read_entries(app.state.database) == []


async def test_a_change_that_is_taken_back_leaves_none(stage: Stage) -> None:
    body = {"name": "twice", "target": TARGET}
    await stage.call("create_job", headers=stage.owner.headers, json=body)

    answer, entries = await stage.call("create_job", headers=stage.owner.headers, json=body)

    assert (answer.status_code, entries) == (409, [])


async def test_an_answer_that_is_given_again_leaves_none(stage: Stage) -> None:
    headers = stage.owner.headers | {"Idempotency-Key": "once"}
    body = {"name": "once", "target": TARGET}
    await stage.call("create_job", headers=headers, json=body)

    answer, entries = await stage.call("create_job", headers=headers, json=body)

    assert (answer.headers["idempotency-replayed"], entries) == ("true", [])


async def test_many_at_once_leave_one_each(app: FastAPI, client: httpx.AsyncClient, stage: Stage) -> None:
    viewer = await make_person(app, Role.VIEWER)

    async def create(number: int) -> tuple[str, list[str]]:
        person = (stage.owner, viewer)[number % 2]
        body = {"name": f"job {number}", "target": TARGET}
        answer, entries = await stage.call("create_job", headers=person.headers, json=body)
        return str(answer.status_code), [entry.outcome for entry in entries]

    found = await asyncio.gather(*(create(number) for number in range(40)))

    assert found == [("201", ["success"]), ("403", ["denied"])] * 20
