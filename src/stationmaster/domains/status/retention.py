"""Forgetting old entries of the status log."""

from collections.abc import Iterator
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import col

from stationmaster.db.retention import Rule, rows_rule
from stationmaster.domains.status.models import StatusEntry
from stationmaster.retention_settings import RetentionSettings


def rules(settings: RetentionSettings) -> Iterator[Rule]:
    """Offer the rule of the status log."""
    yield rows_rule("status", "Entries of the status log.", settings.status, StatusEntry, _is_old)


def _is_old(before: datetime) -> sa.ColumnElement[bool]:
    return col(StatusEntry.timestamp) < before
