"""What the rules by number read: a range of an index for each owner, however long the table is."""

import pytest

from stationmaster.db.engine import Database
from stationmaster.domains.audit.chain import SealKey
from stationmaster.domains.retention.rules import make_policy
from stationmaster.kit import clock
from stationmaster.retention_settings import RetentionSettings
from tests.support.databases import ONLY_SQLITE
from tests.support.plans import plan_of


@ONLY_SQLITE
@pytest.mark.parametrize(
    ("name", "table", "owner"),
    [
        ("executions_per_job", "executions", "job_id"),
        ("notifications_per_person", "notifications", "user_id"),
        ("sessions_per_person", "sessions", "user_id"),
    ],
)
async def test_a_rule_by_number(database: Database, name: str, table: str, owner: str) -> None:
    """PostgreSQL chooses by what is in the tables; SQLite would ask for the oldest kept with each row."""
    settings = RetentionSettings(executions_per_job=9, notifications_per_person=9, sessions_per_person=9)
    [rule] = [rule for rule in make_policy(settings, SealKey(b"k" * 32)).rules if rule.name == name]

    plan = await plan_of(database, lambda session: rule.remove(session, clock.now(), 100), table)

    assert f"({owner}=? AND id<?)" in plan
    assert f"SCAN {table}" not in plan
