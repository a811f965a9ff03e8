"""`stationmaster migrate`."""

from stationmaster.db import migrate as migrations
from stationmaster.entrypoints.cli.house import log_troubles, read_settings, run
from stationmaster.entrypoints.cli.terminal import say


def migrate() -> None:
    """Bring the database to the schema of this version; `serve` does the same when it starts.

    An SQLite file is copied beside itself first. Several processes may do it at once: one works, the others wait.
    """
    settings = read_settings()
    log_troubles(settings)
    before, after = run(_upgrade(settings.resolved_database_url))
    if before == after:
        say(f"The schema is up to date ({after}).")
    else:
        say(f"Migrated from {before or 'nothing'} to {after}.")


async def _upgrade(url: str) -> tuple[str | None, str | None]:
    before = await migrations.current_revision(url)
    await migrations.upgrade(url)
    return before, await migrations.current_revision(url)
