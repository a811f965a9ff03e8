"""Counting what the rules would remove, and removing it."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.db.clock import database_now
from stationmaster.db.retention import Rule
from stationmaster.domains.audit import service as audit
from stationmaster.domains.retention import repository
from stationmaster.domains.retention.schemas import RuleOut
from stationmaster.telemetry import metrics

COUNTED = 10_000
"""Counting further would read all that is old, at each preview."""
BATCH = 1000
"""Rows that the duty removes by each rule at a time: about 20 ms of the one writer on SQLite."""


async def preview(session: AsyncSession, rules: Iterable[Rule]) -> list[RuleOut]:
    """Tell of each rule what it would remove now, and what it has removed."""
    now = await database_now(session)
    removed = await repository.sum_by_rule(session, now.date())
    return [await _show(session, rule, now, removed.get(rule.name)) for rule in rules]


async def count(session: AsyncSession, rules: Iterable[Rule], limit: int) -> dict[str, int]:
    """Count what a sweep would remove, and write nothing."""
    now = await database_now(session)
    return {rule.name: await rule.count(session, now - rule.keep, limit) for rule in rules if rule.is_active}


async def sweep(session: AsyncSession, rules: Iterable[Rule], limit: int = BATCH) -> dict[str, int]:
    """Remove up to so many rows by each rule; return how many by which."""
    now = await database_now(session)
    swept = {rule.name: await rule.remove(session, now - rule.keep, limit) for rule in rules if rule.is_active}
    await _report(session, {name: number for name, number in swept.items() if number}, now)
    return swept


async def sweep_on_request(session: AsyncSession, rules: Iterable[Rule], limit: int) -> dict[str, int]:
    """Sweep because somebody asked for it; that stands in the audit log."""
    swept = await sweep(session, rules, limit)
    audit.note(session, "retention", "sweep", after={"removed": swept})
    return swept


async def _report(session: AsyncSession, removed: Mapping[str, int], now: datetime) -> None:
    if not removed:
        return
    await repository.add_removals(session, removed, now)
    for name, number in removed.items():
        metrics.rows_removed.labels(name).inc(number)


async def _show(session: AsyncSession, rule: Rule, now: datetime, removed: Any) -> RuleOut:
    due = await rule.count(session, now - rule.keep, COUNTED + 1) if rule.is_active else 0
    return RuleOut(
        name=rule.name,
        text=rule.text,
        keep_seconds=rule.keep.total_seconds() or None,
        keep_count=rule.keep_count or None,
        removes_before=now - rule.keep if rule.keep else None,
        due=min(due, COUNTED),
        due_capped=due > COUNTED,
        removed_in_30_days=removed.in_month if removed else 0,
        removed_in_all=removed.in_all if removed else 0,
        last_removed_at=removed.last_at if removed else None,
    )
