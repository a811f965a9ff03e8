"""flags in the words of SQLite.

It takes a partial index only for a query with the same words, and is asked for `flag = 1`, never for `flag`.

Revision: 5b1e0c47d9f2
After: 673415d7e2d0
Made: 2026-11-26 17:50:12.114903+00:00
"""

import sqlalchemy as sa
from alembic import op

revision: str = "5b1e0c47d9f2"
down_revision: str | None = "673415d7e2d0"
branch_labels: None = None
depends_on: None = None

ON_SQLITE = {
    ("ix_executions_turn", "executions", ("turn_at", "id"), False): (
        "state = 'queued' AND NOT is_held",
        "state = 'queued' AND is_held = 0",
    ),
    ("uq_step_runs_step", "step_runs", ("run_id", "step_id"), True): (
        "is_current AND parent_id IS NULL",
        "is_current = 1 AND parent_id IS NULL",
    ),
    ("uq_step_runs_item", "step_runs", ("parent_id", "item_index"), True): (
        "is_current AND parent_id IS NOT NULL",
        "is_current = 1 AND parent_id IS NOT NULL",
    ),
    ("ix_step_runs_figures", "step_runs", ("step_id", "status"), False): (
        "is_current AND parent_id IS NULL",
        "is_current = 1 AND parent_id IS NULL",
    ),
}
WATCHED = ("ix_executions_watched", "executions", ("id",), False)
HELD = "ix_executions_held"


def upgrade() -> None:
    """Bring the schema to this revision."""
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    is_true = " = 1" if is_sqlite else ""
    _make_again(WATCHED, f"is_watched{is_true} AND state <> 'queued' AND state <> 'running'")
    _make_again((HELD, "executions", ("id",), False), f"is_held{is_true}")
    for index, (_, after) in ON_SQLITE.items() if is_sqlite else ():
        _make_again(index, after)


def downgrade() -> None:
    """Take the schema back to the one before."""
    _make_again(WATCHED, "is_watched AND NOT (state IN ('queued', 'running'))")
    _make_again((HELD, "executions", ("overlap_key", "id"), False), "is_held")
    for index, (before, _) in ON_SQLITE.items() if op.get_bind().dialect.name == "sqlite" else ():
        _make_again(index, before)


def _make_again(index: tuple[str, str, tuple[str, ...], bool], condition: str) -> None:
    name, table, columns, unique = index
    where = sa.text(condition)
    op.drop_index(name, table_name=table)
    op.create_index(name, table, columns, unique=unique, sqlite_where=where, postgresql_where=where)
