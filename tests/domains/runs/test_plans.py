"""Dashboards are added up from indexes alone, also on SQLite."""

from uuid import uuid4

import pytest

from stationmaster.db.engine import Database
from stationmaster.domains.runs import figures
from tests.support.databases import ONLY_SQLITE
from tests.support.plans import Ask, plan_of

ID = uuid4()


@ONLY_SQLITE
@pytest.mark.parametrize(
    ("ask", "table", "index"),
    [
        (lambda session: figures.count_steps(session, ID, [(ID, "a", 0)]), "step_runs", "ix_step_runs_figures"),
        (lambda session: figures.sum_up(session, ID), "runs", "ix_runs_"),
        (figures.sum_up_all, "runs", "ix_runs_"),
    ],
    ids=["steps", "process", "all"],
)
async def test_figures_come_from_an_index(database: Database, ask: Ask, table: str, index: str) -> None:
    plan = await plan_of(database, ask, table)

    assert index in plan
    assert f"SCAN {table}\n" not in f"{plan}\n"
