"""Specs and executions name the scripts that they run.

Revision: d0c47a91e3b6
After: 380ced9e4ab2
Made: 2026-11-26 11:50:00+00:00
"""

import sqlalchemy as sa
from alembic import op

revision: str = "d0c47a91e3b6"
down_revision: str | None = "380ced9e4ab2"
branch_labels: None = None
depends_on: None = None


def upgrade() -> None:
    """Bring the schema to this revision."""
    with op.batch_alter_table("specs", schema=None) as batch_op:
        batch_op.add_column(sa.Column("script_id", sa.Uuid(), nullable=True))
        batch_op.add_column(sa.Column("script_name", sa.String(length=255), nullable=True))
    _name_scripts_of_specs()
    _name_scripts_of_executions()


def downgrade() -> None:
    """Take the schema back to the one before."""
    with op.batch_alter_table("specs", schema=None) as batch_op:
        batch_op.drop_column("script_name")
        batch_op.drop_column("script_id")


specs = sa.table(
    "specs",
    sa.column("id", sa.Uuid()),
    sa.column("kind", sa.Text()),
    sa.column("target", sa.JSON()),
    sa.column("script_id", sa.Uuid()),
    sa.column("script_name", sa.Text()),
)
scripts = sa.table("scripts", sa.column("id", sa.Uuid()), sa.column("slug", sa.Text()), sa.column("name", sa.Text()))
executions = sa.table(
    "executions",
    sa.column("spec_id", sa.Uuid()),
    sa.column("kind", sa.Text()),
    sa.column("script_id", sa.Uuid()),
    sa.column("script_name", sa.Text()),
)


def _name_scripts_of_specs() -> None:
    """Write the script's id where its slug or id stands in the target; a script that is gone leaves its specs without."""
    connection = op.get_bind()
    known = connection.execute(sa.select(scripts.c.id, scripts.c.slug, scripts.c.name)).all()
    by_key = {key: script for script in known for key in (script.slug, str(script.id))}
    for spec in connection.execute(sa.select(specs.c.id, specs.c.target).where(specs.c.kind == "script")).all():
        script = by_key.get(spec.target["script"])
        if script is not None:
            values = {
                "script_id": script.id,
                "script_name": script.name,
                "target": spec.target | {"script": str(script.id)},
            }
            connection.execute(sa.update(specs).where(specs.c.id == spec.id).values(values))


def _name_scripts_of_executions() -> None:
    """Carry it over to what was executed, in one statement over the few that are of this kind."""
    of_spec = specs.c.id == executions.c.spec_id
    op.execute(
        sa.update(executions)
        .where(executions.c.kind == "script", executions.c.spec_id.is_not(None))
        .values(
            script_id=sa.func.coalesce(
                executions.c.script_id, sa.select(specs.c.script_id).where(of_spec).scalar_subquery()
            ),
            script_name=sa.select(specs.c.script_name).where(of_spec).scalar_subquery(),
        )
    )
