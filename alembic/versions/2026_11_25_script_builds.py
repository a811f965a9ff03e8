"""script builds.

Revision: b41d7e20c5f8
After: 9e3d5a7c1b84
Made: 2026-11-25 23:50:00+00:00
"""

import sqlalchemy as sa
from alembic import op

revision: str = "b41d7e20c5f8"
down_revision: str | None = "9e3d5a7c1b84"
branch_labels: None = None
depends_on: None = None


def upgrade() -> None:
    """Bring the schema to this revision."""
    op.create_table(
        "script_builds",
        sa.Column("version_id", sa.Uuid(), nullable=False),
        sa.Column("token", sa.Uuid(), nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("begun", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["version_id"],
            ["script_versions.id"],
            name=op.f("fk_script_builds_version_id_script_versions"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("version_id", name=op.f("pk_script_builds")),
    )


def downgrade() -> None:
    """Bring the schema back to the revision before."""
    op.drop_table("script_builds")
