"""Notices are about no runs.

Revision: 5b1f0c7a9e34
After: 4880a0d1a82f
Made: 2026-11-26 00:57:10.000000+00:00
"""

import sqlalchemy as sa
from alembic import op

revision: str = "5b1f0c7a9e34"
down_revision: str | None = "4880a0d1a82f"
branch_labels: None = None
depends_on: None = None


def upgrade() -> None:
    """Bring the schema to this revision."""
    with op.batch_alter_table("notifications", schema=None) as batch_op:
        batch_op.drop_column("run_id")


def downgrade() -> None:
    """Take the schema back to the one before."""
    with op.batch_alter_table("notifications", schema=None) as batch_op:
        batch_op.add_column(sa.Column("run_id", sa.Uuid(), nullable=True))
