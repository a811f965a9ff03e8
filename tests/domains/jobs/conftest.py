"""What the tests of this room share."""

import httpx
import pytest
from fastapi import FastAPI

from tests.support.work import Desk


@pytest.fixture
async def desk(app: FastAPI, client: httpx.AsyncClient) -> Desk:
    """Open an application with one person of each role."""
    return await Desk.open(app, client)
