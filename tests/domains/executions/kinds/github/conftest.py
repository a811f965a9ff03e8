"""A server like GitHub, and an executor that may call it."""

from collections.abc import AsyncIterator

import pytest

from stationmaster.domains.executions.kinds.github import executor as module
from stationmaster.domains.executions.kinds.github.executor import GithubExecutor
from tests.domains.executions.kinds.github.calling import CORRELATED, opened
from tests.support.github import (
    GithubServer,
    open_github,
)


@pytest.fixture
async def github() -> AsyncIterator[GithubServer]:
    async with open_github() as server:
        server.add(CORRELATED)
        yield server


@pytest.fixture
async def executor(github: GithubServer, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[GithubExecutor]:
    monkeypatch.setattr(module, "SEARCH_SECONDS", (0.0, 0.01, 0.01))
    monkeypatch.setattr(module, "CANCEL_SECONDS", (0.0, 0.01))
    async with opened(github) as made:
        yield made
