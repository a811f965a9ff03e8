"""A running service, and what its clients are generated from and called with."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from tests.entrypoints.cli.process import EMAIL, PASSWORD, started
from tests.support.receiver import open_receiver

DOCUMENT_SECONDS = 60
"""The document is made when it is first asked for, by four seconds of processor time."""


@pytest.fixture
async def arguments(tmp_path: Path) -> AsyncIterator[tuple[str, ...]]:
    """Start a service that may call a receiver; give its address, an account, and the receiver's address.

    The service's own document is in `openapi.json` of the test's folder.
    """
    async with open_receiver() as receiver:
        allowed = {"STATIONMASTER_OUTBOUND_ALLOW": f"127.0.0.1:{receiver.port}"}
        async with started(tmp_path, "serve", allowed) as service:
            await service.ready()
            async with httpx.AsyncClient(timeout=DOCUMENT_SECONDS) as client:
                document = (await client.get(service.url("/openapi.json"))).json()
            (tmp_path / "openapi.json").write_text(json.dumps(document))
            yield service.url(""), EMAIL, PASSWORD, receiver.url("/status/200")
