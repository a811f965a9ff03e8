"""Forgetting sessions that are over. They stay a while, so that a stolen token used late is still known as one."""

from collections.abc import Iterator
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import col

from stationmaster.db.retention import Rule, newest_rule, rows_rule
from stationmaster.domains.auth.models import UserSession
from stationmaster.retention_settings import RetentionSettings


def rules(settings: RetentionSettings) -> Iterator[Rule]:
    """Offer the rules of the sessions: by age, and by how many each person has."""
    yield rows_rule("sessions", "Sessions that are over, with their tokens.", settings.sessions, UserSession, _is_over)
    text, most = "Sessions that are over, beyond the newest of each person.", settings.sessions_per_person
    has_ended = col(UserSession.ended_at).is_not(None)
    yield newest_rule("sessions_per_person", text, most, UserSession, owner="user_id", which=has_ended)


def _is_over(since: datetime) -> sa.ColumnElement[bool]:
    return sa.or_(col(UserSession.expires_at) < since, col(UserSession.ended_at) < since)
