"""calendars, spread, and pauses of categories.

Revision: 9e3d5a7c1b84
After: 9ea1f819279a
Made: 2026-11-25 23:30:00+00:00
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "9e3d5a7c1b84"
down_revision: str | None = "9ea1f819279a"
branch_labels: None = None
depends_on: None = None

JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    """Bring the schema to this revision."""
    op.create_table(
        "calendars",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("owner_id", sa.Uuid(), nullable=True),
        sa.Column("dates", JSON, nullable=False),
        sa.Column("ranges", JSON, nullable=False),
        sa.Column("ical_ranges", JSON, nullable=False),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["users.id"], name=op.f("fk_calendars_owner_id_users"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_calendars")),
        sa.UniqueConstraint("name", name=op.f("uq_calendars_name")),
    )
    op.create_index("ix_calendars_owner", "calendars", ["owner_id"])
    _widen("schedules", "offset_seconds")
    with op.batch_alter_table("schedules") as batch_op:
        batch_op.add_column(sa.Column("calendars", JSON, nullable=True))
        batch_op.add_column(sa.Column("closed", JSON, nullable=True))
    _widen("jobs", "spread_seconds")
    op.create_table(
        "schedule_calendars",
        sa.Column("schedule_id", sa.Uuid(), nullable=False),
        sa.Column("calendar_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["schedule_id"],
            ["schedules.id"],
            name=op.f("fk_schedule_calendars_schedule_id_schedules"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["calendar_id"], ["calendars.id"], name=op.f("fk_schedule_calendars_calendar_id_calendars")
        ),
        sa.PrimaryKeyConstraint("schedule_id", "calendar_id", name=op.f("pk_schedule_calendars")),
    )
    op.create_index("ix_schedule_calendars_calendar", "schedule_calendars", ["calendar_id"])
    op.create_table(
        "maintenance_pauses",
        sa.Column("scope_id", sa.Uuid(), nullable=False),
        sa.Column("paused_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("paused_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("paused_by", sa.Uuid(), nullable=True),
        sa.PrimaryKeyConstraint("scope_id", name=op.f("pk_maintenance_pauses")),
    )


def _widen(table: str, column: str) -> None:
    with op.batch_alter_table(table) as batch_op:
        batch_op.add_column(sa.Column(column, sa.Integer(), nullable=False, server_default="0"))
    with op.batch_alter_table(table) as batch_op:
        batch_op.alter_column(column, server_default=None, existing_type=sa.Integer(), existing_nullable=False)


def downgrade() -> None:
    """Take the schema back to the one before."""
    op.drop_table("maintenance_pauses")
    op.drop_table("schedule_calendars")
    with op.batch_alter_table("jobs") as batch_op:
        batch_op.drop_column("spread_seconds")
    with op.batch_alter_table("schedules") as batch_op:
        for name in ("closed", "calendars", "offset_seconds"):
            batch_op.drop_column(name)
    op.drop_table("calendars")
