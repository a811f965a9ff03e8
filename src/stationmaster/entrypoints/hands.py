"""Who works beside the runner: on the Docker engine, on tasks elsewhere, and on the files of executions and of SQLite."""

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from stationmaster.config import Settings
from stationmaster.db.engine import Database
from stationmaster.db.scrubbing import Scrubber
from stationmaster.domains.executions.containers.reaper import Reaper
from stationmaster.domains.executions.external.canceller import Canceller
from stationmaster.domains.executions.external.earthengine import EarthEngine
from stationmaster.domains.executions.external.reference import TaskKind
from stationmaster.domains.executions.journals import files
from stationmaster.domains.executions.journals.files import FileSweeper, JournalFiles
from stationmaster.domains.scripts.builds.builder import Builder
from stationmaster.outbound.docker.engine import Engine


class Hand(Protocol):
    """What works beside the runner, for ever."""

    async def run(self) -> None:
        """Work until cancelled."""


def hire(
    settings: Settings, database: Database, engine: Engine | None, earthengine: EarthEngine, installation: str
) -> Mapping[str, Hand]:
    """Return who works beside the runner of this replica."""
    hands: dict[str, Hand] = {"scrubber": Scrubber(database)} if database.is_sqlite else {}
    if not settings.runner.enabled:
        return hands
    remotes = {TaskKind.EARTHENGINE: earthengine}
    hands["log files"] = FileSweeper(database, _folder_of(settings))
    hands["external tasks"] = Canceller(database, remotes, settings.earthengine.give_up_after)
    if engine is None:
        return hands
    hands["reaper"] = Reaper(database, engine, settings.docker, installation)
    if settings.builds.enabled:
        hands["builder"] = Builder(
            database, engine, settings.builds, installation, settings.docker.uid, settings.runner.lease
        )
    return hands


def open_journal_files(settings: Settings) -> JournalFiles | None:
    """Give the files of what executions say; None when they are switched off."""
    if not settings.journal_files.enabled:
        return None
    return JournalFiles(_folder_of(settings), settings.journal.max_bytes)


def _folder_of(settings: Settings) -> Path:
    return settings.data_dir.absolute() / files.FOLDER
