"""Who works beside the runner, by setting."""

from datetime import timedelta
from pathlib import Path

import pytest

from stationmaster.config import RunnerSettings, Settings
from stationmaster.db.engine import Database
from stationmaster.db.scrubbing import Scrubber
from stationmaster.domains.executions.external.canceller import Canceller
from stationmaster.domains.executions.external.reference import TaskKind
from stationmaster.domains.executions.journals.files import FileSweeper
from stationmaster.earthengine_settings import EarthEngineSettings
from stationmaster.entrypoints.hands import hire, open_journal_files
from stationmaster.executors import open_earthengine
from stationmaster.log_settings import JournalFileSettings


def test_there_are_no_files_of_executions_unless_they_are_switched_on(tmp_path: Path) -> None:
    off = Settings(_env_file=None, data_dir=tmp_path)
    on = off.model_copy(update={"journal_files": JournalFileSettings(enabled=True)})
    files = open_journal_files(on)

    assert open_journal_files(off) is None
    assert files is not None
    assert (tmp_path / "logs", on.journal.max_bytes) == (files.folder, files.max_bytes)


@pytest.mark.parametrize("is_on", [True, False])
async def test_old_files_are_removed_also_when_no_new_ones_are_written(
    database: Database, tmp_path: Path, is_on: bool
) -> None:
    settings = Settings(_env_file=None, data_dir=tmp_path, journal_files=JournalFileSettings(enabled=is_on))

    async with open_earthengine(settings) as earthengine:
        hands = hire(settings, database, None, earthengine, "installation")

    assert FileSweeper(database, tmp_path / "logs") == hands["log files"]


async def test_tasks_elsewhere_are_looked_after_for_as_long_as_the_setting_says(
    database: Database, tmp_path: Path
) -> None:
    own = EarthEngineSettings(give_up_after=timedelta(hours=5))
    settings = Settings(_env_file=None, data_dir=tmp_path, earthengine=own)
    async with open_earthengine(settings) as earthengine:
        hands = hire(settings, database, None, earthengine, "installation")

    remotes = {TaskKind.EARTHENGINE: earthengine}
    assert Canceller(database, remotes, timedelta(hours=5)) == hands["external tasks"]


async def test_a_replica_that_runs_nothing_looks_after_its_own_database_alone(
    database: Database, tmp_path: Path
) -> None:
    settings = Settings(_env_file=None, data_dir=tmp_path, runner=RunnerSettings(enabled=False))

    expected = {"scrubber": Scrubber(database)} if database.is_sqlite else {}
    async with open_earthengine(settings) as earthengine:
        assert expected == hire(settings, database, None, earthengine, "installation")
