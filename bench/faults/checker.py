"""The verdict: the timetable against the records, and the records against what the receiver saw."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

import asyncpg

from bench.timetable import Stored

TERMINAL = {"succeeded", "failed", "timed_out", "cancelled", "skipped", "lost"}
RECORDS = """
    SELECT id, schedule_id, scheduled_for, slot_until, slot_count, state, reason, attempt FROM executions
"""


@dataclass
class Verdict:
    """What was counted; `examples` say what must not be, five of each kind at most."""

    planned_slots: int = 0
    missing_slots: int = 0
    repeated_slots: int = 0
    unplanned_slots: int = 0
    not_ended: int = 0
    broken_promises: int = 0
    succeeded_without_effect: int = 0
    effects_of_nobody: int = 0
    effects_beyond_attempts: int = 0
    states: dict[str, int] = field(default_factory=dict)
    executions: int = 0
    promised: int = 0
    effects: int = 0
    repeated_effects: int = 0
    """Effects beyond the first of their message id: what a receiver drops."""
    examples: list[str] = field(default_factory=list)


async def judge(
    connection: "asyncpg.Connection[asyncpg.Record]",
    stored: Sequence[Stored],
    *,
    first: datetime,
    end: datetime,
    ledger: Path,
    promised: set[str],
) -> Verdict:
    """Compare everything with everything."""
    verdict = Verdict(promised=len(promised))
    records = await connection.fetch(RECORDS)
    by_schedule: dict[UUID, list[asyncpg.Record]] = defaultdict(list)
    for record in records:
        if record["schedule_id"] is not None:
            by_schedule[record["schedule_id"]].append(record)
    for one in stored:
        if one.plan.interval_seconds is not None:
            step = timedelta(seconds=one.plan.interval_seconds)
            _compare_slots(verdict, one, _list_slots(first, end, step), step, by_schedule[one.schedule_id])
    _look_at_records(verdict, records, promised)
    _compare_effects(verdict, records, _read_ledger(ledger))
    return verdict


def _list_slots(first: datetime, end: datetime, step: timedelta) -> list[datetime]:
    return [first + index * step for index in range(-((first - end) // step))]


def _compare_slots(
    verdict: Verdict, one: Stored, planned: list[datetime], step: timedelta, records: Iterable[asyncpg.Record]
) -> None:
    covered: Counter[datetime] = Counter()
    for record in records:
        until = record["slot_until"] or record["scheduled_for"]
        slots = [
            record["scheduled_for"] + index * step for index in range((until - record["scheduled_for"]) // step + 1)
        ]
        covered.update(slots)
        if len(slots) != record["slot_count"] or slots[-1] != until:
            _count(
                verdict, "unplanned_slots", f"{record['id']} stands for {record['slot_count']} slots, not {len(slots)}"
            )
    verdict.planned_slots += len(planned)
    for slot in planned:
        if covered[slot] == 0:
            _count(verdict, "missing_slots", f"schedule {one.schedule_id} has no record of {slot.isoformat()}")
        elif covered[slot] > 1:
            _count(verdict, "repeated_slots", f"schedule {one.schedule_id} has {covered[slot]} of {slot.isoformat()}")
    for slot in covered.keys() - set(planned):
        _count(verdict, "unplanned_slots", f"schedule {one.schedule_id} has a record of {slot.isoformat()}")


def _look_at_records(verdict: Verdict, records: Sequence[asyncpg.Record], promised: set[str]) -> None:
    verdict.executions = len(records)
    verdict.states = dict(Counter(_name_end(record) for record in records))
    for record in records:
        if record["state"] not in TERMINAL:
            _count(verdict, "not_ended", f"execution {record['id']} is {record['state']}")
    known = {str(record["id"]) for record in records}
    for id_ in promised - known:
        _count(verdict, "broken_promises", f"execution {id_} was accepted and is not there")


def _name_end(record: asyncpg.Record) -> str:
    return f"{record['state']} ({record['reason']})" if record["reason"] else str(record["state"])


def _read_ledger(ledger: Path) -> Counter[str]:
    return Counter(line.split()[0] for line in ledger.read_text().splitlines())


def _compare_effects(verdict: Verdict, records: Sequence[asyncpg.Record], effects: Counter[str]) -> None:
    verdict.effects = effects.total()
    verdict.repeated_effects = effects.total() - len(effects)
    attempts = {str(record["id"]): record["attempt"] for record in records}
    for record in records:
        if record["state"] == "succeeded" and not effects[str(record["id"])]:
            _count(verdict, "succeeded_without_effect", f"execution {record['id']} succeeded, and nothing arrived")
    for id_, count in effects.items():
        if id_ not in attempts:
            _count(verdict, "effects_of_nobody", f"a call of {id_} arrived, which has no record")
        elif count > attempts[id_]:
            _count(verdict, "effects_beyond_attempts", f"{id_} arrived {count} times in {attempts[id_]} attempts")


def _count(verdict: Verdict, name: str, example: str) -> None:
    setattr(verdict, name, getattr(verdict, name) + 1)
    if getattr(verdict, name) <= 5:
        verdict.examples.append(f"{name}: {example}")
