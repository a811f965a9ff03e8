"""Mails stay in the outbox, for the tests to read."""

import pytest

from stationmaster.config import Settings
from tests.support.mails import STAYING


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"mail": STAYING})
