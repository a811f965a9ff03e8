"""A receiver, and an executor that may call it."""

from collections.abc import AsyncIterator

import pytest

from stationmaster.domains.executions.kinds.webhook import WebhookExecutor
from stationmaster.outbound.guard import Guard
from stationmaster.outbound.http import open_dispatch_client
from tests.support.receiver import Receiver, open_receiver


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with open_receiver() as opened:
        yield opened


@pytest.fixture
async def executor() -> AsyncIterator[WebhookExecutor]:
    async with open_dispatch_client(Guard(("127.0.0.1",)), connections=50) as client:
        yield WebhookExecutor(client)
