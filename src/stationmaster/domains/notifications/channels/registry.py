"""All channels. A new one is its file beside this one, and one line in each of the two lists here."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.config import Settings
from stationmaster.db.engine import Database
from stationmaster.domains.notifications.audience import Telling
from stationmaster.domains.notifications.channels import email, in_app, slack, webhook
from stationmaster.domains.outbox.carrier import Carrier
from stationmaster.domains.outbox.models import Channel
from stationmaster.kit.sealing import Sealer
from stationmaster.outbound.guard import Guard
from stationmaster.outbound.http import open_dispatch_client
from stationmaster.outbound.smtp import make_transport

CONNECTIONS = 20

Post = Callable[[AsyncSession, Telling], Awaitable[None]]

POSTS: tuple[Post, ...] = (in_app.post, email.post, slack.post, webhook.post)
"""What each channel writes when something is told, in the transaction of what is told about."""


@asynccontextmanager
async def open_carriers(settings: Settings, database: Database, sealer: Sealer) -> AsyncIterator[list[Carrier]]:
    """Give what delivers the messages of each channel that leaves the house from this replica."""
    public_url, seconds = settings.public_url.rstrip("/"), settings.channels.timeout.total_seconds()
    transport = make_transport(settings.mail, settings.data_dir)
    async with open_dispatch_client(Guard(settings.outbound_allow), connections=CONNECTIONS) as client:
        carriers: list[Carrier] = [
            slack.SlackCarrier(database, sealer, client, public_url, seconds),
            webhook.WebhookCarrier(database, sealer, client, public_url, seconds),
        ]
        if transport is not None:
            carriers.append(email.MailCarrier(transport, public_url))
        yield carriers


def tries_of(channel: Channel, settings: Settings) -> int:
    """Return how often a message of a channel is tried."""
    return settings.mail.max_attempts if channel is Channel.EMAIL else settings.channels.max_attempts
