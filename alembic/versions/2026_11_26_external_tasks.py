"""external tasks.

Revision: 13ae11956c74
After: 5b1f0c7a9e34
Made: 2026-11-26 11:49:36.293648+00:00
"""

import sqlalchemy as sa
from alembic import op

revision: str = "13ae11956c74"
down_revision: str | None = "5b1f0c7a9e34"
branch_labels: None = None
depends_on: None = None


def upgrade() -> None:
    """Bring the schema to this revision."""
    op.create_table(
        "external_tasks",
        sa.Column("execution_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Enum("earthengine", name="kind", native_enum=False, length=32), nullable=False),
        sa.Column("task_id", sa.String(length=255), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "running",
                "left",
                "cancelling",
                "cancelled",
                "ended",
                "gone",
                "not_cancelled",
                name="state",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("cancel_began_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("next_try_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["execution_id"],
            ["executions.id"],
            name=op.f("fk_external_tasks_execution_id_executions"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("execution_id", "kind", "task_id", name=op.f("pk_external_tasks")),
    )
    with op.batch_alter_table("external_tasks", schema=None) as batch_op:
        batch_op.create_index(
            "ix_external_tasks_due",
            ["next_try_at"],
            unique=False,
            sqlite_where=sa.text("state = 'cancelling'"),
            postgresql_where=sa.text("state = 'cancelling'"),
        )
        batch_op.create_index(
            "ix_external_tasks_running",
            ["execution_id"],
            unique=False,
            sqlite_where=sa.text("state = 'running'"),
            postgresql_where=sa.text("state = 'running'"),
        )


def downgrade() -> None:
    """Take the schema back to the one before."""
    with op.batch_alter_table("external_tasks", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_external_tasks_running",
            sqlite_where=sa.text("state = 'running'"),
            postgresql_where=sa.text("state = 'running'"),
        )
        batch_op.drop_index(
            "ix_external_tasks_due",
            sqlite_where=sa.text("state = 'cancelling'"),
            postgresql_where=sa.text("state = 'cancelling'"),
        )

    op.drop_table("external_tasks")
