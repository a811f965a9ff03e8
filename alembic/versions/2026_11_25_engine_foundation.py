"""what the engine takes over, who watches, and lists of reasons and triggers that can grow.

Revision: f1429b098197
After: 5a1c7e9b3d20
Made: 2026-11-25 22:46:26.353496+00:00
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "f1429b098197"
down_revision: str | None = "5a1c7e9b3d20"
branch_labels: None = None
depends_on: None = None


TRIGGERS = ("schedule", "manual", "retry")
REASONS = (
    "overlap", "too_late", "merged", "paused", "timeout", "network_error", "rate_limit", "server_error", "client_error",
    "blocked", "lost", "poison", "replaced", "requested", "internal_error",
)  # fmt: skip
WATCHED = sa.text("is_watched AND NOT (state IN ('queued', 'running'))")


def _among(column: str, values: tuple[str, ...]) -> str:
    return f"{column} IN ({', '.join(repr(value) for value in values)})"


def upgrade() -> None:
    """Bring the schema to this revision."""
    with op.batch_alter_table("executions") as batch_op:
        batch_op.drop_constraint(op.f("ck_executions_trigger"), type_="check")
        batch_op.drop_constraint(op.f("ck_executions_reason"), type_="check")
        batch_op.add_column(sa.Column("script_id", sa.Uuid(), nullable=True))
        batch_op.add_column(sa.Column("script_name", sa.String(length=255), nullable=True))
        batch_op.add_column(sa.Column("step_run_id", sa.Uuid(), nullable=True))
        batch_op.add_column(
            sa.Column("handle", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=True)
        )
        batch_op.add_column(sa.Column("adopted_count", sa.Integer(), nullable=False, server_default="0"))
        batch_op.add_column(sa.Column("is_watched", sa.Boolean(), nullable=False, server_default=sa.false()))
        batch_op.add_column(sa.Column("progress", sa.Float(), nullable=True))
        batch_op.add_column(sa.Column("stage", sa.String(length=255), nullable=True))
    with op.batch_alter_table("executions") as batch_op:
        batch_op.alter_column("adopted_count", server_default=None, existing_type=sa.Integer(), existing_nullable=False)
        batch_op.alter_column("is_watched", server_default=None, existing_type=sa.Boolean(), existing_nullable=False)
        batch_op.create_index(
            "ix_executions_watched", ["id"], unique=False, sqlite_where=WATCHED, postgresql_where=WATCHED
        )
    with op.batch_alter_table("attempts") as batch_op:
        batch_op.drop_constraint(op.f("ck_attempts_reason"), type_="check")


def downgrade() -> None:
    """Take the schema back to the one before."""
    with op.batch_alter_table("attempts") as batch_op:
        batch_op.create_check_constraint(op.f("ck_attempts_reason"), _among("reason", REASONS))
    with op.batch_alter_table("executions") as batch_op:
        batch_op.drop_index("ix_executions_watched", sqlite_where=WATCHED, postgresql_where=WATCHED)
        for name in (
            "stage",
            "progress",
            "is_watched",
            "adopted_count",
            "handle",
            "step_run_id",
            "script_name",
            "script_id",
        ):
            batch_op.drop_column(name)
        batch_op.create_check_constraint(op.f("ck_executions_trigger"), _among("trigger", TRIGGERS))
        batch_op.create_check_constraint(op.f("ck_executions_reason"), _among("reason", REASONS))
