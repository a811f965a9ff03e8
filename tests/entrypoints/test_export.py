"""Everything that is held about a person."""

import httpx
import pytest
from fastapi import FastAPI

from stationmaster.config import Settings
from stationmaster.domains.auth.models import AccountToken, MailRequest, RefreshToken
from stationmaster.identity.actor import Role
from stationmaster.tables import metadata
from tests.support.mails import STAYING
from tests.support.objects import make_objects
from tests.support.people import make_key, make_person

EXPORT = "/api/v1/users/me/export"
# Columns that are marked personal, and where the export shows them.
SHOWN = {
    "users": "account",
    "sessions": "sessions",
    "messages": "mails",
    "notifications": "notifications",
    "jobs": "jobs",
    "checks": "checks",
    "files": "files",
}
NOT_SHOWN = {
    AccountToken.__tablename__: "the address is the account's own, or one that it asked for an hour ago",
    MailRequest.__tablename__: "an address that somebody typed, forgotten in seconds",
    RefreshToken.__tablename__: "part of a session",
    "pings": "what programs sent to checks, listed by GET /checks/{id}/pings",
    "runs": "about whoever goes through a process; that person's report is the process's own",
    "step_runs": "as runs",
}


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"mail": STAYING})


async def test_shows_it_all(app: FastAPI, client: httpx.AsyncClient) -> None:
    ada = await make_person(app, country="France")
    objects = await make_objects(app, ada.user)
    check = f"/api/v1/checks/{objects['check_id']}"
    await client.patch(check, json={"emails": ["ops@example.com"]}, headers=ada.headers)
    await client.put("/api/v1/users/me/ui-preferences", json={"dark": True}, headers=ada.headers)

    held = (await client.get(EXPORT, headers=ada.headers)).json()

    assert held["account"]["country"] == "France"
    assert held["ui_preferences"] == {"dark": True}
    assert held["notification_preferences"]["email_on_account_activity"] is True
    assert {item["id"] for item in held["sessions"]} == {str(ada.grant.session_id), objects["session_id"]}
    assert [item["id"] for item in held["api_keys"]] == [objects["key_id"]]
    assert [item["kind"] for item in held["mails"]] == ["api_key_created"]
    assert [item["id"] for item in held["jobs"]] == [objects["job_id"]]
    assert [(item["id"], item["emails"]) for item in held["checks"]] == [(objects["check_id"], ["ops@example.com"])]
    assert [item["id"] for item in held["files"]] == [objects["file_id"]]
    assert [held["files"][0]] == [(await client.get(f"/api/v1/files/{objects['file_id']}", headers=ada.headers)).json()]


async def test_shows_nothing_of_others_and_no_secret(app: FastAPI, client: httpx.AsyncClient) -> None:
    """Also to an administrator, who sees everybody's by other ways."""
    ada, bob = await make_person(app, Role.ADMIN), await make_person(app, name="bob")
    own, others = await make_objects(app, ada.user), await make_objects(app, bob.user)
    check = (await client.get(f"/api/v1/checks/{own['check_id']}", headers=ada.headers)).json()

    answer = await client.get(EXPORT, headers=ada.headers)

    assert "bob" not in answer.text
    assert not [name for name, id_ in others.items() if name.endswith("_id") and id_ in answer.text]
    assert check["ping_url"].rpartition("/")[2] not in answer.text
    assert ada.grant.refresh_token not in answer.text
    assert "$argon2id$" not in answer.text


async def test_who_may_not(app: FastAPI, client: httpx.AsyncClient) -> None:
    ada = await make_person(app)
    _, key = await make_key(app, ada.user)

    assert (await client.get(EXPORT)).status_code == 401
    assert (await client.get(EXPORT, headers=key)).status_code == 403


def test_every_table_with_personal_columns_was_thought_of() -> None:
    marked = {
        table.name for table in metadata.tables.values() if any(column.info.get("personal") for column in table.columns)
    }

    assert marked - set(SHOWN) - set(NOT_SHOWN) == set()
