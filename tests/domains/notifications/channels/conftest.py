"""A hook, and couriers that may call it."""

from collections.abc import AsyncIterator

import pytest

from stationmaster.outbound.guard import Guard
from stationmaster.outbound.http import DispatchClient, open_dispatch_client
from tests.support.hook import Hook, open_hook


@pytest.fixture
async def hook() -> AsyncIterator[Hook]:
    async with open_hook() as opened:
        yield opened


@pytest.fixture
async def client() -> AsyncIterator[DispatchClient]:
    async with open_dispatch_client(Guard(("127.0.0.1",)), connections=20) as opened:
        yield opened
