"""Forgetting old notices."""

from collections.abc import Iterator
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import col

from stationmaster.db.retention import Rule, rows_rule
from stationmaster.domains.notifications.models import Notification
from stationmaster.kit.ids import first_id_at
from stationmaster.retention_settings import RetentionSettings


def rules(settings: RetentionSettings) -> Iterator[Rule]:
    """Offer the rule of the inboxes."""
    text = "Notices in inboxes, read or not."
    yield rows_rule("notifications", text, settings.notifications, Notification, _is_old)


def _is_old(before: datetime) -> sa.ColumnElement[bool]:
    return col(Notification.id) < first_id_at(before)
