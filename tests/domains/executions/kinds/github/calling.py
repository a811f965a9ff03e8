"""An executor of GitHub workflows for the server of the tests, and short ways to use it."""

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from stationmaster.domains.executions.executor import Context, Facts, Outcome
from stationmaster.domains.executions.journal import TrialJournal
from stationmaster.domains.executions.kinds.github.executor import GithubExecutor
from stationmaster.domains.executions.targets.github import GithubTarget
from stationmaster.domains.secrets.errors import SecretsNotGranted
from stationmaster.outbound.guard import Guard
from stationmaster.outbound.http import open_dispatch_client
from stationmaster.setting_groups import GithubSettings
from tests.domains.executions.kinds.calling import ID
from tests.support.github import (
    TOKEN,
    GithubServer,
    Workflow,
)

CORRELATED = Workflow("nightly.yml", frozenset({"stationmaster_id", "region"}), "nightly {stationmaster_id}")
PLAIN = Workflow("nightly.yml", frozenset({"region"}))


@dataclass
class Desk:
    """A desk that keeps what an attempt leaves on it."""

    facts: Facts = field(default_factory=Facts)
    handles: list[Mapping[str, Any]] = field(default_factory=list)
    has_stepped_aside: bool = False

    async def read_facts(self) -> Facts:
        return Facts(handle=self.handles[-1] if self.handles else self.facts.handle)

    async def save_handle(self, handle: Mapping[str, Any]) -> None:
        self.handles.append(handle)

    def step_aside(self) -> None:
        self.has_stepped_aside = True

    def report_token(self) -> str:
        raise AssertionError("a workflow reports nothing")


class opened:  # noqa: N801  # a context manager in the manner of a function
    """Give an executor with its own settings."""

    def __init__(self, github: GithubServer, **values: Any) -> None:
        self._values = {"api_url": github.url, "token": None, "poll_interval": 1, **values}

    async def __aenter__(self) -> GithubExecutor:
        self._context = open_dispatch_client(Guard(("127.0.0.1",)), connections=10)
        client = await self._context.__aenter__()
        executor = GithubExecutor(client, GithubSettings.model_validate(self._values), Vault())
        executor._boards.interval_seconds = 0.02
        return executor

    async def __aexit__(self, *details: Any) -> None:
        await self._context.__aexit__(*details)


class Vault:
    """Has one secret."""

    async def open(self, names: Collection[str], facts: Facts) -> Mapping[str, str]:
        if [*names] != ["GITHUB_TOKEN"]:
            raise SecretsNotGranted({*names})
        return {"GITHUB_TOKEN": TOKEN}


def target(**fields: Any) -> GithubTarget:
    facts = {"type": "github", "owner": "acme", "repo": "reports", "workflow": "nightly.yml"}
    return GithubTarget.model_validate(facts | {"credential": "GITHUB_TOKEN"} | fields)


def context(desk: Desk | None = None, **facts: Any) -> Context:
    given: dict[str, Any] = {"execution_id": ID, "attempt": 1, "scheduled_for": None, "timeout_seconds": 10}
    return Context(**given | {"desk": desk or Desk(), "journal": TrialJournal()} | facts)


def said(asked: Context) -> str:
    assert isinstance(asked.journal, TrialJournal)
    return "\n".join(asked.journal.pieces)


async def run_and_finish(
    executor: GithubExecutor, github: GithubServer, asked: Context, conclusion: str = "success", **fields: Any
) -> Outcome:
    """Run, and let the run that comes of it end."""
    task = asyncio.create_task(executor.run(target(**fields), asked))
    github.finish(await github.has_run(), conclusion)
    return await task
