"""Forgetting messages that went out, or never will."""

from collections.abc import Iterator
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import col

from stationmaster.db.retention import Rule, rows_rule
from stationmaster.domains.outbox.models import Message, MessageState
from stationmaster.kit.ids import first_id_at
from stationmaster.retention_settings import RetentionSettings


def rules(settings: RetentionSettings) -> Iterator[Rule]:
    """Offer the rule of the outbox."""
    yield rows_rule("messages", "Messages that went out or were given up.", settings.messages, Message, _is_settled)


def _is_settled(before: datetime) -> sa.ColumnElement[bool]:
    return sa.and_(col(Message.id) < first_id_at(before), col(Message.state) != MessageState.QUEUED)
