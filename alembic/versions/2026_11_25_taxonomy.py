"""categories, teams, and what jobs have of them.

Revision: 5a1c7e9b3d20
After: 57259eaefb9f
Made: 2026-11-25 22:50:00+00:00
"""

from uuid import UUID

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "5a1c7e9b3d20"
down_revision: str | None = "57259eaefb9f"
branch_labels: None = None
depends_on: None = None

GENERAL_ID = UUID("00000000-0000-7000-8000-000000000001")


def upgrade() -> None:
    """Bring the schema to this revision."""
    _create_labels("job_categories")
    _create_labels("teams", sa.Column("slack_handle", sa.String(length=100), nullable=True))
    op.create_table(
        "team_members",
        sa.Column("team_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["team_id"], ["teams.id"], name=op.f("fk_team_members_team_id_teams"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_team_members_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("team_id", "user_id", name=op.f("pk_team_members")),
    )
    op.create_index("ix_team_members_user", "team_members", ["user_id"])
    _make_general()
    _add_to_jobs()
    with op.batch_alter_table("schedules") as batch_op:
        batch_op.add_column(sa.Column("cutoff_at", sa.DateTime(timezone=True), nullable=True))


def _create_labels(table: str, *more: sa.Column[str]) -> None:
    op.create_table(
        table,
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("slug", sa.String(length=255), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        *more,
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
        sa.UniqueConstraint("slug", name=op.f(f"uq_{table}_slug")),
    )


def _make_general() -> None:
    categories = sa.table(
        "job_categories",
        sa.column("id", sa.Uuid()),
        sa.column("created_at", sa.DateTime(timezone=True)),
        sa.column("updated_at", sa.DateTime(timezone=True)),
        sa.column("name", sa.String()),
        sa.column("slug", sa.String()),
        sa.column("is_active", sa.Boolean()),
    )
    now = sa.func.current_timestamp()
    op.execute(
        sa.insert(categories).values(
            id=GENERAL_ID, created_at=now, updated_at=now, name="General", slug="general", is_active=True
        )
    )


def _add_to_jobs() -> None:
    with op.batch_alter_table("jobs") as batch_op:
        batch_op.add_column(sa.Column("category_id", sa.Uuid(), nullable=True))
        batch_op.add_column(sa.Column("team_id", sa.Uuid(), nullable=True))
        batch_op.add_column(
            sa.Column("notifications", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=True)
        )
        batch_op.add_column(sa.Column("end_date", sa.Date(), nullable=True))
        batch_op.add_column(sa.Column("ends_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("pause_cause", sa.String(length=32), nullable=True))
    jobs = sa.table(
        "jobs",
        sa.column("category_id", sa.Uuid()),
        sa.column("notifications", sa.JSON().with_variant(postgresql.JSONB(), "postgresql")),
        sa.column("pause_cause", sa.String()),
        sa.column("paused_at", sa.DateTime(timezone=True)),
    )
    op.execute(sa.update(jobs).values(category_id=GENERAL_ID, notifications={}))
    op.execute(sa.update(jobs).where(jobs.c.paused_at.is_not(None)).values(pause_cause="requested"))
    with op.batch_alter_table("jobs") as batch_op:
        batch_op.alter_column("category_id", existing_type=sa.Uuid(), nullable=False)
        batch_op.alter_column("notifications", existing_type=sa.JSON(), nullable=False)
        batch_op.create_check_constraint(op.f("ck_jobs_pause_cause"), "pause_cause IN ('requested', 'ended')")
        batch_op.create_foreign_key(
            op.f("fk_jobs_category_id_job_categories"), "job_categories", ["category_id"], ["id"]
        )
        batch_op.create_foreign_key(op.f("fk_jobs_team_id_teams"), "teams", ["team_id"], ["id"])
        batch_op.create_index("ix_jobs_category", ["category_id"])
        batch_op.create_index("ix_jobs_team", ["team_id"])
    op.create_index(
        "ix_jobs_ends_at",
        "jobs",
        ["ends_at"],
        sqlite_where=sa.text("ends_at IS NOT NULL"),
        postgresql_where=sa.text("ends_at IS NOT NULL"),
    )


def downgrade() -> None:
    """Take the schema back to the one before."""
    with op.batch_alter_table("schedules") as batch_op:
        batch_op.drop_column("cutoff_at")
    op.drop_index("ix_jobs_ends_at", table_name="jobs")
    with op.batch_alter_table("jobs") as batch_op:
        batch_op.drop_index("ix_jobs_team")
        batch_op.drop_index("ix_jobs_category")
        batch_op.drop_constraint(op.f("fk_jobs_team_id_teams"), type_="foreignkey")
        batch_op.drop_constraint(op.f("fk_jobs_category_id_job_categories"), type_="foreignkey")
        batch_op.drop_constraint(op.f("ck_jobs_pause_cause"), type_="check")
        for name in ("pause_cause", "ends_at", "end_date", "notifications", "team_id", "category_id"):
            batch_op.drop_column(name)
    op.drop_table("team_members")
    op.drop_table("teams")
    op.drop_table("job_categories")
