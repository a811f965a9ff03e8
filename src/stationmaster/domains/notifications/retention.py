"""Forgetting old notices."""

from collections.abc import Iterator
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import col

from stationmaster.db.retention import Rule, newest_rule, rows_rule
from stationmaster.domains.notifications.models import Notification
from stationmaster.kit.ids import first_id_at
from stationmaster.retention_settings import RetentionSettings


def rules(settings: RetentionSettings) -> Iterator[Rule]:
    """Offer the rules of the inboxes: by age, and by how many there are in each."""
    text = "Notices in inboxes, read or not."
    yield rows_rule("notifications", text, settings.notifications, Notification, _is_old)
    text, most = "Notices beyond the newest of each person.", settings.notifications_per_person
    yield newest_rule("notifications_per_person", text, most, Notification, owner="user_id")


def _is_old(before: datetime) -> sa.ColumnElement[bool]:
    return col(Notification.id) < first_id_at(before)
