"""The webhook of the place: a receiver verifies it with the public library, and is called as Standard Webhooks says."""

import json

import pytest
import sqlalchemy as sa
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from stationmaster.db.engine import Database
from stationmaster.db.session import read_only, unit_of_work
from stationmaster.domains.notifications import place
from stationmaster.domains.notifications.channels.webhook import GONE_REASON, WebhookCarrier
from stationmaster.domains.outbox.models import Message, MessageState
from stationmaster.kit import clock
from stationmaster.outbound.http import DispatchClient
from tests.domains.executions.kinds.calling import OTHER_SIGNING_SECRET, SIGNING_SECRET
from tests.domains.notifications.channels.hooks import SEALER, deliver, set_up
from tests.domains.notifications.telling import notice, read_messages, tell
from tests.support.hook import Hook


@pytest.fixture
def carrier(database: Database, client: DispatchClient) -> WebhookCarrier:
    return WebhookCarrier(database, SEALER, client, "https://station.example", timeout_seconds=2)


async def make_due(database: Database) -> None:
    async with unit_of_work(database) as session:
        await session.execute(sa.update(Message).values(available_at=clock.now()))


@pytest.mark.parametrize("stored", [SIGNING_SECRET, f"{OTHER_SIGNING_SECRET} {SIGNING_SECRET}"])
async def test_the_public_library_verifies_it(
    database: Database, carrier: WebhookCarrier, hook: Hook, stored: str
) -> None:
    await set_up(database, place.WEBHOOK, hook.url, signing_secret=stored)
    await tell(database)

    await deliver(database, carrier)

    (call,) = hook.taken
    verified = Webhook(SIGNING_SECRET).verify(call.body.decode(), call.headers)
    assert verified["type"] == "job.failed"
    assert verified["data"] == {
        "severity": "error",
        "title": "nightly failed",
        "text": "It failed: exit code 2.",
        "about": {},
        "url": "https://station.example/api/v1/executions/1",
    }
    with pytest.raises(WebhookVerificationError):
        Webhook(SIGNING_SECRET).verify(call.body.decode().replace("failed", "passed"), call.headers)


async def test_every_try_has_the_same_id(database: Database, carrier: WebhookCarrier, hook: Hook) -> None:
    await set_up(database, place.WEBHOOK, hook.url, signing_secret=SIGNING_SECRET)
    hook.answers = [(503, None), (404, None), (302, None)]
    await tell(database)
    for _ in range(4):
        await deliver(database, carrier)
        await make_due(database)

    (message,) = await read_messages(database)
    assert (message.state, message.attempts) == (MessageState.SENT, 4)
    assert {str(message.id)} == {call.id for call in hook.calls}
    assert len(hook.taken) == 1


async def test_gone_switches_it_off(database: Database, carrier: WebhookCarrier, hook: Hook) -> None:
    await set_up(database, place.WEBHOOK, hook.url, signing_secret=SIGNING_SECRET)
    hook.answers = [(410, None)]
    await tell(database, notice("1"))
    await deliver(database, carrier)

    await tell(database, notice("2"))

    (message,) = await read_messages(database)
    async with read_only(database) as session:
        stored = await place.read_hook(session, SEALER, place.WEBHOOK)
    assert (message.state, message.last_error) == (MessageState.FAILED, GONE_REASON)
    assert (stored.is_enabled, stored.disabled_reason, stored.url) == (False, GONE_REASON, hook.url)


async def test_the_body_is_readable_json(database: Database, carrier: WebhookCarrier, hook: Hook) -> None:
    await set_up(database, place.WEBHOOK, hook.url, signing_secret=SIGNING_SECRET)
    await tell(database)

    await deliver(database, carrier)

    body = json.loads(hook.taken[0].body)
    assert set(body) == {"type", "timestamp", "data"}
    assert body["timestamp"].endswith("Z")
