"""What holds for every channel, whoever wrote it."""

import inspect
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from stationmaster.config import MailSettings, Settings
from stationmaster.db.engine import Database
from stationmaster.domains.notifications import channels, place
from stationmaster.domains.notifications.channels.registry import POSTS, open_carriers, tries_of
from stationmaster.domains.outbox.carrier import Carrier, NotDelivered, Parcel
from stationmaster.domains.outbox.models import Channel
from stationmaster.kit import clock
from stationmaster.kit.ids import new_id
from tests.domains.executions.kinds.calling import SIGNING_SECRET
from tests.domains.notifications.channels.hooks import SEALER, set_up
from tests.domains.notifications.telling import FAILED, read_inboxes, read_messages, tell
from tests.support.people import make_user

NOBODY = 9
NOT_CHANNELS = {"__init__", "registry", "calling"}


@pytest.fixture
async def carriers(database: Database, settings: Settings) -> AsyncIterator[dict[Channel, Carrier]]:
    mail = MailSettings(transport="smtp", host="127.0.0.1", port=NOBODY, security="none")
    away = settings.model_copy(update={"mail": mail, "outbound_allow": ("127.0.0.1",)})
    async with open_carriers(away, database, SEALER) as opened:
        yield {carrier.channel: carrier for carrier in opened}


def test_every_file_is_a_channel_in_the_registry() -> None:
    files = {file.stem for file in Path(channels.__path__[0]).glob("*.py")} - NOT_CHANNELS

    assert files == {post.__module__.rpartition(".")[2] for post in POSTS}


def test_every_channel_writes_in_the_transaction_that_it_is_given() -> None:
    assert all(list(inspect.signature(post).parameters) == ["session", "telling"] for post in POSTS)


async def test_every_channel_that_leaves_the_house_has_one_carrier(carriers: dict[Channel, Carrier]) -> None:
    assert set(Channel) == set(carriers)
    assert len(POSTS) == len(carriers) + 1  # the inbox does not leave the house


async def test_without_a_transport_mails_stay(database: Database, settings: Settings) -> None:
    off = settings.model_copy(update={"mail": MailSettings(transport="off")})
    async with open_carriers(off, database, SEALER) as opened:
        assert Channel.EMAIL not in {carrier.channel for carrier in opened}


@pytest.mark.parametrize("channel", Channel)
async def test_a_carrier_has_a_pace(carriers: dict[Channel, Carrier], settings: Settings, channel: Channel) -> None:
    pace = carriers[channel].pace

    assert pace.batch >= 1
    assert pace.lease > settings.channels.timeout
    assert 1 <= pace.backoff.delay_after(1) < pace.backoff.delay_after(5)
    assert tries_of(channel, settings) >= 1


@pytest.mark.parametrize("channel", Channel)
async def test_a_carrier_says_when_nobody_is_there(
    database: Database, carriers: dict[Channel, Carrier], channel: Channel
) -> None:
    nobody = f"http://127.0.0.1:{NOBODY}/"
    facts: dict[str, Any] = {"signing_secret": SIGNING_SECRET} if channel is Channel.WEBHOOK else {}
    if channel is not Channel.EMAIL:
        await set_up(database, channel.value, nobody, **facts)
    parcel = Parcel(new_id(), "1", "notice", "ops@example.com", clock.now(), content=None, facts=FAILED.facts())

    with pytest.raises(NotDelivered) as refused:
        await carriers[channel].deliver(parcel)

    assert not refused.value.is_final


async def test_everything_together_is_told_once(database: Database) -> None:
    ada = await make_user(database)
    await set_up(database, place.SLACK, "http://127.0.0.1:9/")
    await set_up(database, place.WEBHOOK, "http://127.0.0.1:9/", signing_secret=SIGNING_SECRET)

    for _ in range(2):
        await tell(database, users=[ada.id], emails=["ops@example.com"], slack_mention="@team")

    assert len(await read_inboxes(database)) == 1
    assert ["email", "email", "slack", "webhook"] == [message.channel for message in await read_messages(database)]
