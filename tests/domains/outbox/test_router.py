"""The outbox over HTTP, for administrators."""

from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from fastapi import FastAPI

from stationmaster.config import Settings
from stationmaster.db.session import unit_of_work
from stationmaster.domains.outbox.models import Message, MessageState
from stationmaster.identity.actor import Role
from stationmaster.kit.ids import new_id
from tests.domains.notifications.telling import notice, read_messages, tell
from tests.support.mails import STAYING
from tests.support.people import Person, make_person

DELIVERIES = "/api/v1/deliveries"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"mail": STAYING})


@pytest.fixture
async def boss(app: FastAPI) -> Person:
    return await make_person(app, Role.ADMIN)


async def settle(app: FastAPI, **facts: Any) -> str:
    """Store one message in this condition; return its id."""
    await tell(app.state.database, notice("1"), emails=["ops@example.com"])
    async with unit_of_work(app.state.database) as session:
        await session.execute(sa.update(Message).values(facts))
    (message,) = await read_messages(app.state.database)
    return str(message.id)


async def test_lists_what_went_out_and_what_did_not(app: FastAPI, client: httpx.AsyncClient, boss: Person) -> None:
    id_ = await settle(app, state=MessageState.FAILED, attempts=10, last_error="The answer was 503: later")

    page = (await client.get(DELIVERIES, params={"state": "failed"}, headers=boss.headers)).json()
    others = (await client.get(DELIVERIES, params={"state": "sent"}, headers=boss.headers)).json()

    (item,) = page["items"]
    assert (page["total"], others["total"]) == (1, 0)
    assert item | {"created_at": ""} == {
        "id": id_,
        "channel": "email",
        "kind": "notice",
        "subject": "title of 1",
        "recipient": "ops@example.com",
        "user_id": None,
        "state": "failed",
        "attempts": 10,
        "next_attempt_at": None,
        "last_error": "The answer was 503: later",
        "sent_at": None,
        "created_at": "",
    }


async def test_the_list_language_and_cursors(app: FastAPI, client: httpx.AsyncClient, boss: Person) -> None:
    await tell(app.state.database, notice("1"), emails=["a@example.com", "b@example.com"])

    params = {"filter": "recipient like 'b@%'", "cursor": "", "channel": "email"}
    page = (await client.get(DELIVERIES, params=params, headers=boss.headers)).json()

    assert ["b@example.com"] == [item["recipient"] for item in page["items"]]


@pytest.mark.parametrize("state", [MessageState.FAILED, MessageState.SENT])
async def test_sends_again(app: FastAPI, client: httpx.AsyncClient, boss: Person, state: MessageState) -> None:
    id_ = await settle(app, state=state, attempts=10)

    answer = await client.post(f"{DELIVERIES}/{id_}/resend", headers=boss.headers)
    again = await client.post(f"{DELIVERIES}/{id_}/resend", headers=boss.headers)

    assert (answer.status_code, answer.json()["state"], answer.json()["attempts"]) == (202, "queued", 0)
    assert again.status_code == 409
    assert (await client.get(f"{DELIVERIES}/{id_}", headers=boss.headers)).json()["next_attempt_at"] is not None


async def test_what_was_erased_cannot_be_sent_again(app: FastAPI, client: httpx.AsyncClient, boss: Person) -> None:
    id_ = await settle(app, state=MessageState.SENT, facts=None)

    answer = await client.post(f"{DELIVERIES}/{id_}/resend", headers=boss.headers)

    assert answer.status_code == 409
    assert "erased" in answer.json()["detail"]


async def test_others_are_refused(app: FastAPI, client: httpx.AsyncClient, boss: Person) -> None:
    id_ = await settle(app, state=MessageState.FAILED)
    user = await make_person(app)

    for path in (DELIVERIES, f"{DELIVERIES}/{id_}"):
        assert (await client.get(path)).status_code == 401
        assert (await client.get(path, headers=user.headers)).status_code == 403
    assert (await client.post(f"{DELIVERIES}/{id_}/resend", headers=user.headers)).status_code == 403
    assert (await client.get(f"{DELIVERIES}/{new_id()}", headers=boss.headers)).status_code == 404
    assert (await client.post(f"{DELIVERIES}/{new_id()}/resend", headers=boss.headers)).status_code == 404
