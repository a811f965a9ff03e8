"""Who works on the Docker engine besides the executor."""

from collections.abc import Mapping
from typing import Protocol

from stationmaster.config import Settings
from stationmaster.db.engine import Database
from stationmaster.domains.executions.containers.reaper import Reaper
from stationmaster.domains.scripts.builds.builder import Builder
from stationmaster.outbound.docker.engine import Engine


class Hand(Protocol):
    """What works beside the runner, for ever."""

    async def run(self) -> None:
        """Work until cancelled."""


def hire(settings: Settings, database: Database, engine: Engine | None, installation: str) -> Mapping[str, Hand]:
    """Return who works on the Docker engine besides the executor."""
    if engine is None or not settings.runner.enabled:
        return {}
    hands: dict[str, Hand] = {"reaper": Reaper(database, engine, settings.docker, installation)}
    if settings.builds.enabled:
        hands["builder"] = Builder(database, engine, settings.builds, installation, settings.docker.uid)
    return hands
