"""The table of the status log."""

from datetime import datetime

import sqlalchemy as sa

from stationmaster.db.base import Table


class StatusEntry(Table, table=True):
    """What there was at one instant. Never changed."""

    __tablename__ = "status_log"
    __table_args__ = (sa.Index("ix_status_log_timestamp", "timestamp", "id"),)

    timestamp: datetime
    executions_active: int
    executions_ready: int
    executions_running: int
    executions_finished: int
    executions_failed: int
    executions_cancelled: int
    executions_count: int
    users_count: int
    scripts_count: int
    memory_available_percent: float
    cpu_usage_percent: float
