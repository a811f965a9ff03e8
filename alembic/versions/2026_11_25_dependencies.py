"""jobs that wait for others, and failures in a row.

Revision: 7c2f4b8e6a91
After: 7ed31528569f
Made: 2026-11-25 23:20:00+00:00
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "7c2f4b8e6a91"
down_revision: str | None = "7ed31528569f"
branch_labels: None = None
depends_on: None = None


def upgrade() -> None:
    """Bring the schema to this revision."""
    with op.batch_alter_table("jobs") as batch_op:
        batch_op.drop_constraint(op.f("ck_jobs_pause_cause"), type_="check")
        batch_op.add_column(sa.Column("auto_pause_after_failures", sa.Integer(), nullable=False, server_default="0"))
        batch_op.add_column(sa.Column("failures_in_a_row", sa.Integer(), nullable=False, server_default="0"))
        batch_op.add_column(sa.Column("is_watched", sa.Boolean(), nullable=False, server_default=sa.false()))
        batch_op.add_column(sa.Column("reminded_at", sa.DateTime(timezone=True), nullable=True))
    with op.batch_alter_table("jobs") as batch_op:
        for name in ("auto_pause_after_failures", "failures_in_a_row"):
            batch_op.alter_column(name, server_default=None, existing_type=sa.Integer(), existing_nullable=False)
        batch_op.alter_column("is_watched", server_default=None, existing_type=sa.Boolean(), existing_nullable=False)
    op.create_table(
        "job_dependencies",
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("upstream_id", sa.Uuid(), nullable=False),
        sa.Column(
            "on_end",
            sa.Enum(
                "success", "failure", "always", name="on_end", native_enum=False, create_constraint=True, length=32
            ),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["job_id"], ["jobs.id"], name=op.f("fk_job_dependencies_job_id_jobs"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["upstream_id"], ["jobs.id"], name=op.f("fk_job_dependencies_upstream_id_jobs")),
        sa.PrimaryKeyConstraint("job_id", "upstream_id", name=op.f("pk_job_dependencies")),
    )
    op.create_index("ix_job_dependencies_upstream", "job_dependencies", ["upstream_id"])
    op.create_table(
        "job_waves",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("wave_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("members", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("execution_id", sa.Uuid(), nullable=True),
        sa.Column("has_fired", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name=op.f("fk_job_waves_job_id_jobs"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job_waves")),
    )
    op.create_index("ix_job_waves_job", "job_waves", ["job_id", "wave_at"])
    op.create_index("ix_job_waves_execution", "job_waves", ["execution_id"])


def downgrade() -> None:
    """Take the schema back to the one before."""
    op.drop_table("job_waves")
    op.drop_table("job_dependencies")
    with op.batch_alter_table("jobs") as batch_op:
        for name in ("reminded_at", "is_watched", "failures_in_a_row", "auto_pause_after_failures"):
            batch_op.drop_column(name)
        batch_op.create_check_constraint(op.f("ck_jobs_pause_cause"), "pause_cause IN ('requested', 'ended')")
