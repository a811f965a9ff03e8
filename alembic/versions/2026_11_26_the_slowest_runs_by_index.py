"""the slowest runs, and the deleted ones of a process, by index.

Revision: 8c40d2f6a7e1
After: 5b1e0c47d9f2
Made: 2026-11-26 17:58:40.702115+00:00
"""

import sqlalchemy as sa
from alembic import op

revision: str = "8c40d2f6a7e1"
down_revision: str | None = "5b1e0c47d9f2"
branch_labels: None = None
depends_on: None = None

LIVING, DELETED = sa.text("deleted_at IS NULL"), sa.text("deleted_at IS NOT NULL")


def upgrade() -> None:
    """Bring the schema to this revision."""
    columns = ["status", "duration_seconds", "process_id"]
    op.create_index("ix_runs_slowest", "runs", columns, sqlite_where=LIVING, postgresql_where=LIVING)
    _index_deleted("process_id", "deleted_at")


def downgrade() -> None:
    """Take the schema back to the one before."""
    op.drop_index("ix_runs_slowest", table_name="runs")
    _index_deleted("deleted_at")


def _index_deleted(*columns: str) -> None:
    op.drop_index("ix_runs_deleted", table_name="runs")
    op.create_index("ix_runs_deleted", "runs", columns, sqlite_where=DELETED, postgresql_where=DELETED)
