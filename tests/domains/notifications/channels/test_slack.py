"""Slack gets each notice once, waits are heeded, and no text of a user mentions or links anything."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from stationmaster.db.engine import Database
from stationmaster.db.session import unit_of_work
from stationmaster.domains.notifications import place
from stationmaster.domains.notifications.channels.slack import MAX_SECTION, SlackCarrier, compose, mention
from stationmaster.domains.notifications.notice import Topic
from stationmaster.domains.outbox.delivery import Courier
from stationmaster.domains.outbox.models import Message, MessageState
from stationmaster.kit import clock
from stationmaster.outbound.http import DispatchClient
from tests.domains.notifications.channels.hooks import OUTBOX, SEALER, deliver, set_up
from tests.domains.notifications.telling import FAILED, notice, read_messages, tell
from tests.support.executions import eventually
from tests.support.hook import Hook
from tests.support.people import make_user

URL = "https://station.example"


@pytest.fixture
def carrier(database: Database, client: DispatchClient) -> SlackCarrier:
    return SlackCarrier(database, SEALER, client, URL, timeout_seconds=2)


async def make_due(database: Database) -> None:
    async with unit_of_work(database) as session:
        await session.execute(sa.update(Message).values(available_at=clock.now()))


async def test_a_notice_is_posted_with_the_mention(database: Database, carrier: SlackCarrier, hook: Hook) -> None:
    await set_up(database, place.SLACK, hook.url, channel="#operations")
    await tell(database, slack_mention="S0123ABCD")

    await deliver(database, carrier)

    (body,) = hook.bodies
    texts = [block["text"]["text"] for block in body["blocks"]]
    assert body["channel"] == "#operations"
    assert texts == [
        ":red_circle: *nightly failed*",
        "It failed: exit code 2.",
        "<!subteam^S0123ABCD>",
        "<https://station.example/api/v1/executions/1|Look at it>",
    ]


@pytest.mark.parametrize("is_set", [True, False])
async def test_nothing_is_posted_where_it_is_not_wanted(database: Database, hook: Hook, is_set: bool) -> None:
    if is_set:
        await set_up(database, place.SLACK, hook.url, is_enabled=False)

    await tell(database)

    assert await read_messages(database) == []


async def test_what_concerns_one_person_is_not_posted(database: Database, hook: Hook) -> None:
    ada = await make_user(database)
    await set_up(database, place.SLACK, hook.url)

    await tell(database, notice("1", Topic.API_KEY_EXPIRES), users=[ada.id])

    assert ["email"] == [message.channel for message in await read_messages(database)]


@pytest.mark.parametrize(
    "name", ["<!channel>", "<https://evil.example|click>", "<@U012AB3CD>", "a & b < c > d", "&lt;!here&gt;"]
)
def test_a_name_mentions_nobody_and_links_nowhere(name: str) -> None:
    message = compose(replace(FAILED, title=name, text=name, link=None).facts(), URL)

    assert all(sign not in str(message) for sign in "<>")
    assert "&" not in str(message).replace("&amp;", "").replace("&lt;", "").replace("&gt;", "")


def test_long_texts_are_cut_and_empty_ones_sent() -> None:
    long = compose(replace(FAILED, text="&" * 5000).facts(), URL)
    empty = compose(replace(FAILED, text="").facts(), URL)

    assert all(0 < len(block["text"]["text"]) < 3000 for block in [*long["blocks"], *empty["blocks"]])
    assert len(long["text"]) <= MAX_SECTION
    assert long["blocks"][1]["text"]["text"].endswith("&amp;...")


@pytest.mark.parametrize(
    ("handle", "written"),
    [
        ("S0123ABCD", "<!subteam^S0123ABCD>"),
        ("<!subteam^S0123ABCD>", "<!subteam^S0123ABCD>"),
        ("U0123ABCD", "<@U0123ABCD>"),
        ("<@U0123ABCD>", "<@U0123ABCD>"),
        ("@here", "<!here>"),
        ("<!channel>", "<!channel>"),
        ("@team-data", "@team-data"),
        ("team-data", "@team-data"),
        ("<https://evil.example|x>", "@&lt;https://evil.example|x"),
    ],
)
def test_a_handle_becomes_a_mention_or_a_name(handle: str, written: str) -> None:
    assert mention(handle) == written


async def test_busy_slack_rests_as_long_as_it_says(database: Database, carrier: SlackCarrier, hook: Hook) -> None:
    await set_up(database, place.SLACK, hook.url)
    hook.answers = [(429, "2")]
    await tell(database, notice("1"))
    await tell(database, notice("2"))
    courier = Courier(database, OUTBOX, carrier, 10)

    await courier.deliver_due()

    waiting = min(await read_messages(database), key=lambda message: -message.attempts)
    assert waiting.available_at - clock.now() == pytest.approx(timedelta(seconds=2), abs=timedelta(seconds=1))
    assert waiting.last_error == "The answer was 429: ok"
    assert courier.rest_seconds() == pytest.approx(2, abs=1)


async def test_an_outage_loses_nothing_and_doubles_nothing(
    database: Database, carrier: SlackCarrier, hook: Hook
) -> None:
    await set_up(database, place.SLACK, hook.url)
    hook.is_down = True
    for number in range(5):
        await tell(database, notice(str(number)))
        await tell(database, notice(str(number)))
    for _ in range(6):
        await deliver(database, carrier)
    hook.is_down = False
    await make_due(database)
    while await deliver(database, carrier):
        pass

    assert sorted(text.splitlines()[0] for text in hook.texts) == [f"title of {number}" for number in range(5)]
    assert {MessageState.SENT} == {message.state for message in await read_messages(database)}


async def test_what_slack_calls_malformed_is_put_aside_and_the_rest_goes_on(
    database: Database, carrier: SlackCarrier, hook: Hook
) -> None:
    await set_up(database, place.SLACK, hook.url)
    hook.answers = [(400, None)]
    await tell(database, notice("1"))
    await tell(database, notice("2"))

    for _ in range(2):
        await deliver(database, carrier)

    assert {"failed", "sent"} == {message.state for message in await read_messages(database)}


async def test_a_poison_message_is_put_aside_after_the_last_try(
    database: Database, carrier: SlackCarrier, hook: Hook
) -> None:
    await set_up(database, place.SLACK, hook.url)
    hook.is_down = True
    await tell(database)
    for _ in range(3):
        await deliver(database, carrier, max_attempts=3)
        await make_due(database)

    (message,) = await read_messages(database)
    assert (message.state, message.attempts) == (MessageState.FAILED, 3)
    assert len(hook.calls) == 3


async def test_no_answer_is_tried_again(database: Database, carrier: SlackCarrier, hook: Hook) -> None:
    await set_up(database, place.SLACK, hook.url)
    hook.is_holding = True
    await tell(database)

    await deliver(database, replace(carrier, timeout_seconds=0.1))

    (message,) = await read_messages(database)
    assert (message.state, message.last_error) == (MessageState.QUEUED, "No complete answer within 0.1 seconds.")


async def test_switched_off_meanwhile_it_is_put_aside(database: Database, carrier: SlackCarrier, hook: Hook) -> None:
    await set_up(database, place.SLACK, hook.url)
    await tell(database)
    await set_up(database, place.SLACK, hook.url, is_enabled=False)

    await deliver(database, carrier)

    (message,) = await read_messages(database)
    assert (message.state, hook.calls) == (MessageState.FAILED, [])


async def test_the_address_is_never_told(database: Database, client: DispatchClient, hook: Hook) -> None:
    await set_up(database, place.SLACK, "http://127.0.0.1:9/services/T1/B1/secret")
    await tell(database)

    await deliver(database, SlackCarrier(database, SEALER, client, URL, timeout_seconds=2))

    (message,) = await read_messages(database)
    assert message.last_error is not None
    assert "secret" not in message.last_error


async def test_an_outage_of_slack_does_not_hold_up_mails(database: Database, carrier: SlackCarrier, hook: Hook) -> None:
    """Each channel has its own courier: the queue of one is not in the way of another."""
    await set_up(database, place.SLACK, hook.url)
    hook.is_holding = True
    await tell(database, emails=["ops@example.com"])

    async def is_held() -> bool:
        return len(hook.calls) == 1

    async with asyncio.TaskGroup() as group:
        running = group.create_task(Courier(database, OUTBOX, carrier, 10).run())
        await eventually(is_held, seconds=5)
        mails = [message for message in await read_messages(database) if message.channel == "email"]
        assert [message.lease_token for message in mails] == [None]
        running.cancel()
