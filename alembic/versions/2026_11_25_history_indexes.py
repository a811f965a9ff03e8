"""indexes by which the removal of specs and executions finds who names them.

Revision: 4e0c2b7f91aa
After: 82eea729c37a
Made: 2026-11-25 23:30:00+00:00
"""

import sqlalchemy as sa
from alembic import op

revision: str = "4e0c2b7f91aa"
down_revision: str | None = "82eea729c37a"
branch_labels: None = None
depends_on: None = None

INDEXES = {"ix_executions_spec": "spec_id", "ix_executions_retry_of": "retry_of"}


def upgrade() -> None:
    """Bring the schema to this revision."""
    for name, column in INDEXES.items():
        where = sa.text(f"{column} IS NOT NULL")
        op.create_index(name, "executions", [column], sqlite_where=where, postgresql_where=where)


def downgrade() -> None:
    """Go back to the revision before."""
    for name in INDEXES:
        op.drop_index(name, "executions")
