"""A post with checks."""

import httpx
import pytest
from fastapi import FastAPI

from stationmaster.config import Settings
from tests.domains.checks.checking import Post
from tests.support.mails import STAYING


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"mail": STAYING})


@pytest.fixture
async def post(app: FastAPI, client: httpx.AsyncClient) -> Post:
    return await Post.open(app, client)
