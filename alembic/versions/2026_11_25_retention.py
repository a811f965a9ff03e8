"""retention: what was removed, where the audit log begins since, and up to which slot records are gone.

Revision: b1f3d0a95c27
After: 9487237de585
Made: 2026-11-25 23:50:00+00:00
"""

import sqlalchemy as sa
from alembic import op

revision: str = "b1f3d0a95c27"
down_revision: str | None = "9487237de585"
branch_labels: None = None
depends_on: None = None


def upgrade() -> None:
    """Bring the schema to this revision."""
    op.add_column("schedules", sa.Column("swept_until", sa.DateTime(timezone=True), nullable=True))
    op.create_table(
        "retention_removals",
        sa.Column("rule", sa.String(length=64), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("removed", sa.BigInteger(), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("rule", "day", name=op.f("pk_retention_removals")),
    )
    op.create_table(
        "audit_checkpoints",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("last_sequence", sa.BigInteger(), nullable=False),
        sa.Column("seal_digest", sa.String(length=64), nullable=False),
        sa.Column("key_id", sa.String(length=8), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_audit_checkpoints")),
    )
    _run(_SQLITE_UP, _POSTGRESQL_UP)


def downgrade() -> None:
    """Take the schema back to the one before."""
    _run(_SQLITE_DOWN, _POSTGRESQL_DOWN)
    op.drop_table("audit_checkpoints")
    op.drop_table("retention_removals")
    op.drop_column("schedules", "swept_until")


def _run(sqlite: tuple[str, ...], postgresql: tuple[str, ...]) -> None:
    for statement in sqlite if op.get_context().dialect.name == "sqlite" else postgresql:
        op.execute(statement)


def _refuse(table: str, name: str, what: str) -> str:
    return f"CREATE TRIGGER {table}_{name} BEFORE {what} BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"


# Entries and seals may go when a checkpoint stands for them; nothing else may.
_ENTRY_STAYS = "OLD.sequence IS NULL OR OLD.sequence > COALESCE((SELECT MAX(last_sequence) FROM audit_checkpoints), 0)"
_SEAL_STAYS = "OLD.number > COALESCE((SELECT MAX(number) FROM audit_checkpoints), 0)"

_SQLITE_UP = (
    "DROP TRIGGER audit_logs_stay",
    "DROP TRIGGER audit_seals_stay",
    _refuse("audit_logs", "stay", f"DELETE ON audit_logs WHEN {_ENTRY_STAYS}"),
    _refuse("audit_seals", "stay", f"DELETE ON audit_seals WHEN {_SEAL_STAYS}"),
    _refuse("audit_checkpoints", "stay", "DELETE ON audit_checkpoints"),
    _refuse("audit_checkpoints", "keep", "UPDATE ON audit_checkpoints"),
    _refuse(
        "audit_checkpoints",
        "are_made_once",
        "INSERT ON audit_checkpoints WHEN EXISTS (SELECT 1 FROM audit_checkpoints WHERE number >= NEW.number)",
    ),
)
_SQLITE_DOWN = (
    "DROP TRIGGER audit_logs_stay",
    "DROP TRIGGER audit_seals_stay",
    _refuse("audit_logs", "stay", "DELETE ON audit_logs"),
    _refuse("audit_seals", "stay", "DELETE ON audit_seals"),
)

_STATEMENT = "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
_POSTGRESQL_UP = (
    "DROP TRIGGER audit_logs_stay ON audit_logs",
    "DROP TRIGGER audit_seals_keep ON audit_seals",
    f"""
    CREATE FUNCTION refuse_removal() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_TABLE_NAME = 'audit_logs' THEN
            IF {_ENTRY_STAYS} THEN
                RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
            END IF;
        ELSIF {_SEAL_STAYS} THEN
            RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
        END IF;
        RETURN OLD;
    END $$
    """,
    "CREATE TRIGGER audit_logs_stay BEFORE DELETE ON audit_logs FOR EACH ROW EXECUTE FUNCTION refuse_removal()",
    f"CREATE TRIGGER audit_logs_stay_whole BEFORE TRUNCATE ON audit_logs {_STATEMENT}",
    "CREATE TRIGGER audit_seals_stay BEFORE DELETE ON audit_seals FOR EACH ROW EXECUTE FUNCTION refuse_removal()",
    f"CREATE TRIGGER audit_seals_keep BEFORE UPDATE OR TRUNCATE ON audit_seals {_STATEMENT}",
    f"CREATE TRIGGER audit_checkpoints_keep BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_checkpoints {_STATEMENT}",
)
_POSTGRESQL_DOWN = (
    "DROP TRIGGER audit_logs_stay ON audit_logs",
    "DROP TRIGGER audit_logs_stay_whole ON audit_logs",
    "DROP TRIGGER audit_seals_stay ON audit_seals",
    "DROP TRIGGER audit_seals_keep ON audit_seals",
    "DROP FUNCTION refuse_removal()",
    f"CREATE TRIGGER audit_logs_stay BEFORE DELETE OR TRUNCATE ON audit_logs {_STATEMENT}",
    f"CREATE TRIGGER audit_seals_keep BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_seals {_STATEMENT}",
)
