"""An application in which everything can be called."""

import httpx
import pytest
from fastapi import FastAPI

from stationmaster.config import RegistrationSettings, Settings
from tests.domains.audit.operations import Stage
from tests.support.mails import STAYING


@pytest.fixture
def settings(settings: Settings) -> Settings:
    changes = {"mail": STAYING, "registration": RegistrationSettings(mode="on"), "outbound_allow": ("127.0.0.1:9",)}
    return settings.model_copy(update=changes)


@pytest.fixture
async def stage(app: FastAPI, client: httpx.AsyncClient) -> Stage:
    return await Stage.open(app, client)
