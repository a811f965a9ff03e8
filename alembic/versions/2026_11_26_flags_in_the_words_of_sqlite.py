"""flags in the words of SQLite.

It takes a partial index only for a query with the same words, and is asked for `flag = 1`, never for `flag`.

Revision: 5b1e0c47d9f2
After: 673415d7e2d0
Made: 2026-11-26 17:50:12.114903+00:00
"""

import re

import sqlalchemy as sa
from alembic import op

revision: str = "5b1e0c47d9f2"
down_revision: str | None = "673415d7e2d0"
branch_labels: None = None
depends_on: None = None

ON_SQLITE = {
    ("ix_executions_turn", "executions", ("turn_at", "id"), False): "state = 'queued' AND NOT is_held",
    ("uq_step_runs_step", "step_runs", ("run_id", "step_id"), True): "is_current AND parent_id IS NULL",
    ("uq_step_runs_item", "step_runs", ("parent_id", "item_index"), True): "is_current AND parent_id IS NOT NULL",
    ("ix_step_runs_figures", "step_runs", ("step_id", "status"), False): "is_current AND parent_id IS NULL",
}
WATCHED = ("ix_executions_watched", "executions", ("id",), False)
HELD = "ix_executions_held"


def upgrade() -> None:
    """Bring the schema to this revision."""
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    words = _in_words_of_sqlite if is_sqlite else str
    _make_again(WATCHED, words("is_watched AND state <> 'queued' AND state <> 'running'"))
    _make_again((HELD, "executions", ("id",), False), words("is_held"))
    for index, condition in ON_SQLITE.items() if is_sqlite else ():
        _make_again(index, words(condition))


def downgrade() -> None:
    """Take the schema back to the one before."""
    _make_again(WATCHED, "is_watched AND NOT (state IN ('queued', 'running'))")
    _make_again((HELD, "executions", ("overlap_key", "id"), False), "is_held")
    for index, condition in ON_SQLITE.items() if op.get_bind().dialect.name == "sqlite" else ():
        _make_again(index, condition)


def _in_words_of_sqlite(condition: str) -> str:
    for flag in ("is_held", "is_watched", "is_current"):
        condition = condition.replace(f"NOT {flag}", f"{flag} = 0")
        condition = re.sub(rf"\b{flag}\b(?! =)", f"{flag} = 1", condition)
    return condition


def _make_again(index: tuple[str, str, tuple[str, ...], bool], condition: str) -> None:
    name, table, columns, unique = index
    where = sa.text(condition)
    op.drop_index(name, table_name=table)
    op.create_index(name, table, columns, unique=unique, sqlite_where=where, postgresql_where=where)
