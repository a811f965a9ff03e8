"""the status log.

Revision: d47a5e0b8c13
After: b1f3d0a95c27
Made: 2026-11-25 23:59:00+00:00
"""

import sqlalchemy as sa
from alembic import op

revision: str = "d47a5e0b8c13"
down_revision: str | None = "b1f3d0a95c27"
branch_labels: None = None
depends_on: None = None

COUNTS = (
    "executions_active", "executions_ready", "executions_running", "executions_finished", "executions_failed",
    "executions_cancelled", "executions_count", "users_count", "scripts_count",
)  # fmt: skip
SHARES = ("memory_available_percent", "cpu_usage_percent")


def upgrade() -> None:
    """Bring the schema to this revision."""
    op.create_table(
        "status_log",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("timestamp", sa.DateTime(timezone=True), nullable=False),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in COUNTS),
        *(sa.Column(name, sa.Float(), nullable=False) for name in SHARES),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_status_log")),
    )
    op.create_index("ix_status_log_timestamp", "status_log", ["timestamp", "id"])


def downgrade() -> None:
    """Take the schema back to the one before."""
    op.drop_table("status_log")
