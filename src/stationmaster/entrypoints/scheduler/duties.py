"""The table of what is done again and again. A new duty is one line here and its function in the room it belongs to."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.db import blobs, idempotency
from stationmaster.db.retention import Rule
from stationmaster.domains.api_keys import usage as key_usage
from stationmaster.domains.audit import sealing
from stationmaster.domains.audit.chain import SealKey
from stationmaster.domains.auth import housekeeping as identity
from stationmaster.domains.checks import signs
from stationmaster.domains.checks import watch as watching
from stationmaster.domains.executions import breaker, spec_sweep, stale, workers
from stationmaster.domains.executions import service as executions
from stationmaster.domains.jobs import ending, reports, waves
from stationmaster.domains.jobs.rules import JobRules
from stationmaster.domains.notifications import key_expiry
from stationmaster.domains.retention import service as retention
from stationmaster.domains.runs import approvals, closing
from stationmaster.domains.runs import housekeeping as runs
from stationmaster.domains.status.service import StatusLog

Work = Callable[[AsyncSession], Awaitable[object]]


@dataclass(frozen=True)
class Duty:
    """Something to do every so often, in a transaction of its own. `leader_only` duties are done by the leader alone."""

    name: str
    every: timedelta
    work: Work
    leader_only: bool = True


DUTIES: tuple[Duty, ...] = (
    # Fenced by the expiry of each lease, so every replica may do it, and does: the leader may be the one that died.
    Duty("rescue", timedelta(seconds=1), executions.rescue, leader_only=False),
    Duty("measure_queue", timedelta(seconds=5), executions.measure_queue, leader_only=False),
    Duty("pause_ended_jobs", timedelta(seconds=30), ending.pause_ended),
    Duty("forget_replicas", timedelta(minutes=1), workers.forget_gone),
    Duty("forget_specs", timedelta(minutes=10), spec_sweep.forget_unnamed),
    Duty("forget_breakers", timedelta(minutes=10), breaker.forget_idle),
    Duty("forget_identity", timedelta(minutes=10), identity.forget_old),
    Duty("watch_checks", timedelta(seconds=5), watching.watch),
    Duty("forget_pings", timedelta(minutes=10), signs.forget_old),
    Duty("remind_of_key_expiry", timedelta(minutes=10), key_expiry.remind),
    Duty("forget_answers", timedelta(minutes=1), idempotency.forget_old),
    Duty("sweep_contents", timedelta(minutes=10), blobs.sweep),
    Duty("neutralize_runs", timedelta(minutes=5), runs.neutralize_due),
    Duty("forget_key_usage", timedelta(hours=6), key_usage.forget_old),
)


def seal_duty(key: SealKey) -> Duty:
    """Make the duty that closes batches of the audit log; it is made and not listed because it needs a key."""
    return Duty("seal_audit_log", timedelta(seconds=2), partial(sealing.seal, key=key))


def remind_duty(zone: str) -> Duty:
    """Make the duty that reminds of jobs which end soon; it is made and not listed because the week is that of a zone."""
    return Duty("remind_of_ends", timedelta(minutes=1), partial(ending.remind_of_ends, zone=zone))


def wave_duty(zone: str) -> Duty:
    """Make the duty that gives up old waves; it is made and not listed because what it records has days of a zone."""
    return Duty("forget_waves", timedelta(minutes=10), partial(waves.forget_old, timezone=zone))


def report_duty(zone: str) -> Duty:
    """Make the duty that sends digests and reports; it is made and not listed because the day is that of a zone."""
    return Duty("send_reports", timedelta(minutes=5), partial(reports.send_reports, zone=zone))


def stale_duty(after: timedelta) -> Duty:
    """Make the duty that ends what waits or runs for days; it is made and not listed because a setting says how many."""
    return Duty("end_stale", timedelta(minutes=10), partial(stale.end_stale, after=after))


def approval_duty(rules: JobRules) -> Duty:
    """Make the duty that decides for whom nobody decided in time; it needs to know how the steps behind are dispatched."""
    return Duty("decide_overdue", timedelta(seconds=5), partial(approvals.decide_overdue, rules=rules))


def reopening_duty(rules: JobRules) -> Duty:
    """Make the duty that takes on the runs of restored processes; it needs to know how their steps are dispatched."""
    return Duty("take_on_runs", timedelta(seconds=2), partial(closing.take_on, rules=rules))


def retention_duty(rules: Sequence[Rule]) -> Duty:
    """Make the duty that removes old rows; it is made and not listed because the rules need a key."""
    return Duty("sweep_retention", timedelta(seconds=15), partial(retention.sweep, rules=rules))


def status_duty(log: StatusLog) -> Duty:
    """Make the duty that writes the status log; it is made and not listed because it remembers how long a look took."""
    return Duty("write_status", timedelta(seconds=1), log.look)
