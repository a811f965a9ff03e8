"""what jobs keep between their runs.

Revision: 3f8b1d6c9e57
After: d47a5e0b8c13
Made: 2026-11-26 00:10:00+00:00
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "3f8b1d6c9e57"
down_revision: str | None = "d47a5e0b8c13"
branch_labels: None = None
depends_on: None = None

JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    """Bring the schema to this revision."""
    op.create_table(
        "job_states",
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("document", JSON, nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("execution_id", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name=op.f("fk_job_states_job_id_jobs"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("job_id", name=op.f("pk_job_states")),
    )
    op.create_table(
        "job_state_drafts",
        sa.Column("execution_id", sa.Uuid(), nullable=False),
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("document", JSON, nullable=False),
        sa.ForeignKeyConstraint(
            ["job_id"], ["jobs.id"], name=op.f("fk_job_state_drafts_job_id_jobs"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("execution_id", name=op.f("pk_job_state_drafts")),
    )
    op.create_index(op.f("ix_job_state_drafts_job_id"), "job_state_drafts", ["job_id"])


def downgrade() -> None:
    """Take the schema back to the one before."""
    op.drop_table("job_state_drafts")
    op.drop_table("job_states")
