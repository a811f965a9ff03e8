"""Everything that is held about a person."""

import httpx
import pytest
from fastapi import FastAPI

from stationmaster.config import Settings
from stationmaster.domains.auth.models import AccountToken, MailRequest, RefreshToken
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
}
NOT_SHOWN = {
    AccountToken.__tablename__: "the address is the account's own, or one that it asked for an hour ago",
    MailRequest.__tablename__: "an address that somebody typed, forgotten in seconds",
    RefreshToken.__tablename__: "part of a session",
    "checks": "names that a person gave, listed by GET /checks",
    "pings": "what programs sent to checks, listed by GET /checks/{id}/pings",
    "files": "uploads, listed and given by GET /files",
    "runs": "about whoever goes through a process; that person's report is the process's own",
    "step_runs": "as runs",
}


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"mail": STAYING})


async def test_shows_it_all(app: FastAPI, client: httpx.AsyncClient) -> None:
    ada = await make_person(app, country="France")
    objects = await make_objects(app, ada.user)
    await client.put("/api/v1/users/me/ui-preferences", json={"dark": True}, headers=ada.headers)

    held = (await client.get(EXPORT, headers=ada.headers)).json()

    assert held["account"]["country"] == "France"
    assert held["ui_preferences"] == {"dark": True}
    assert held["notification_preferences"]["email_on_account_activity"] is True
    assert {item["id"] for item in held["sessions"]} == {str(ada.grant.session_id), objects["session_id"]}
    assert [item["id"] for item in held["api_keys"]] == [objects["key_id"]]
    assert [item["kind"] for item in held["mails"]] == ["api_key_created"]
    assert [item["id"] for item in held["jobs"]] == [objects["job_id"]]


async def test_shows_nothing_of_others_and_no_secret(app: FastAPI, client: httpx.AsyncClient) -> None:
    ada, bob = await make_person(app), await make_person(app, name="bob")
    await make_objects(app, bob.user)

    answer = await client.get(EXPORT, headers=ada.headers)

    assert "bob" not in answer.text
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
