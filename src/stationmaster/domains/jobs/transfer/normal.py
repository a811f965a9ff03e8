"""Jobs in the form in which they are exported and compared: what a user gives, without what is the default."""

from typing import Any

from stationmaster.domains.jobs.models import Job, Schedule
from stationmaster.domains.jobs.policy_schemas import DependencyIn
from stationmaster.domains.jobs.rules import JobRules, default_on_lost
from stationmaster.domains.jobs.schedule_schemas import ScheduleIn
from stationmaster.domains.jobs.schemas import JobIn
from stationmaster.domains.jobs.transfer.section import Item
from stationmaster.domains.jobs.versions import mask_target
from stationmaster.domains.taxonomy.service import Slugs
from stationmaster.kit.slug import make_slug

_PLAIN = (
    *("name", "description", "end_date", "is_active", "notifications", "misfire", "overlap", "retry"),
    *("timeout_seconds", "on_lost", "spread_seconds", "auto_pause_after_failures"),
)
_SCHEDULE_FIELDS = set(ScheduleIn.model_fields)


def normalise(wanted: JobIn, rules: JobRules) -> Item:
    """Return a job that a user gives in its normal form."""
    item = wanted.model_dump(mode="json", exclude_defaults=True, exclude={"cron_expression", "timezone", "schedules"})
    item = {"name": wanted.name} | item  # first, for those who read it
    schedules = list(wanted.schedules)
    if wanted.cron_expression is not None:
        schedules = [ScheduleIn(cron_expression=wanted.cron_expression, timezone=wanted.timezone)]
    if schedules:
        item["schedules"] = [normalise_schedule(schedule, rules) for schedule in schedules]
    if wanted.on_lost is not None and wanted.on_lost is default_on_lost(wanted.target):
        del item["on_lost"]
    for name in ("category", "team"):
        if item.get(name):
            item[name] = make_slug(item[name])
    if item.get("category") == "general":
        del item["category"]
    if item.get("depends_on"):
        item["depends_on"] = sorted(item["depends_on"], key=lambda one: str(one["job"]))
    return item


def normalise_schedule(schedule: ScheduleIn, rules: JobRules) -> Item:
    """Return a schedule in its normal form; it always says its zone, so that another house reads it alike."""
    item: Item = schedule.model_dump(mode="json", exclude_defaults=True)
    return item | {"timezone": schedule.timezone or rules.timezone}


def describe(job: Job, schedules: list[Schedule], needs: list[DependencyIn], *, slugs: Slugs, rules: JobRules) -> Item:
    """Return a stored job in its normal form; its secrets show their mask."""
    facts: dict[str, Any] = {name: getattr(job, name) for name in _PLAIN}
    facts |= {
        "end_date": job.end_date.isoformat() if job.end_date else None,
        "target": mask_target(job).model_dump(mode="json", exclude_unset=True),
        "metadata": job.meta,
        "category": slugs.categories[job.category_id],
        "team": slugs.teams[job.team_id] if job.team_id else None,
        "depends_on": [one.model_dump(mode="json") for one in needs],
        "schedules": [_describe_schedule(schedule) for schedule in schedules],
    }
    return normalise(JobIn.model_validate({name: value for name, value in facts.items() if value is not None}), rules)


def _describe_schedule(schedule: Schedule) -> Item:
    facts: Item = schedule.model_dump(include=_SCHEDULE_FIELDS)
    if schedule.cron_expression is None:
        facts = {name: value for name, value in facts.items() if name not in {"dst_gap", "dst_fold"}}
    return {name: value for name, value in facts.items() if value is not None}
