"""Forgetting sessions that are over. They stay a while, so that a stolen token used late is still known as one."""

from collections.abc import Iterator
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import col

from stationmaster.db.retention import Rule, rows_rule
from stationmaster.domains.auth.models import UserSession
from stationmaster.retention_settings import RetentionSettings


def rules(settings: RetentionSettings) -> Iterator[Rule]:
    """Offer the rule of the sessions."""
    yield rows_rule("sessions", "Sessions that are over, with their tokens.", settings.sessions, UserSession, _is_over)


def _is_over(since: datetime) -> sa.ColumnElement[bool]:
    return sa.or_(col(UserSession.expires_at) < since, col(UserSession.ended_at) < since)
