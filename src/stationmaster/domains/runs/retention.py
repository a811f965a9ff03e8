"""Forgetting runs that were deleted long ago; what the months of a process ask for is in `due`."""

from collections.abc import Iterator

from stationmaster.db.retention import Rule
from stationmaster.domains.runs import housekeeping
from stationmaster.retention_settings import RetentionSettings


def rules(settings: RetentionSettings) -> Iterator[Rule]:
    """Offer the rule of deleted runs."""
    text = "Runs that were deleted, themselves or with their process, and all that the work for them left."
    yield Rule("deleted_runs", text, housekeeping.count_deleted, housekeeping.purge_deleted, settings.deleted_runs)
