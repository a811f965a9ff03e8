"""What a job does, as the engine keeps it: each change of target or policies makes a new spec."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from pydantic import SecretStr, ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.domains.executions import specs
from stationmaster.domains.executions.models import OnLost, Spec
from stationmaster.domains.executions.policies import Overlap, Retry
from stationmaster.domains.executions.script_use import check_script
from stationmaster.domains.executions.secret_text import sealed_for
from stationmaster.domains.executions.targets import Target
from stationmaster.domains.executions.targets.webhook import WebhookTarget
from stationmaster.domains.jobs import fire_time
from stationmaster.domains.jobs.errors import SecretsUnreadable
from stationmaster.domains.jobs.models import Job, Schedule
from stationmaster.domains.jobs.rules import JobRules, as_invalid
from stationmaster.errors import FieldError, Invalid
from stationmaster.kit.masking import MASK

SECRET_FIELDS = WebhookTarget.secret_fields


def seal_target(rules: JobRules, target: Target, job_id: UUID) -> dict[str, Any]:
    """Return a target as its job's row keeps it."""
    return target.model_dump(mode="json", exclude_unset=True, context=sealed_for(rules.sealer, job_id))


def open_target(rules: JobRules, job: Job) -> Target:
    """Return a job's target with its secrets in the clear.

    Raises:
        SecretsUnreadable: they were sealed with another key, or for another row.
    """
    try:
        return specs.targets.validate_python(job.target, context=sealed_for(rules.sealer, job.id))
    except ValidationError as error:
        raise SecretsUnreadable(job.name) from error


def mask_target(job: Job) -> Target:
    """Return a job's target as it is shown; its secrets are not opened for that, so they need not be readable."""
    masked = {name: _mask(job.target[name]) for name in SECRET_FIELDS & job.target.keys()}
    return specs.targets.validate_python(job.target | masked)


def _mask(sealed: Any) -> Any:
    if isinstance(sealed, dict):
        return dict.fromkeys(sealed, MASK)
    return MASK if sealed is not None else None


def keep_masked(new: Target, old: Target | None, *, pointer: str = "/target") -> Target:
    """Put the old secrets where the new target has them as they are shown. `pointer` is where the caller gave it.

    Raises:
        Invalid: there is no old secret in that place.
    """
    if not isinstance(new, WebhookTarget):
        return new
    old = old if isinstance(old, WebhookTarget) else None
    changes: dict[str, Any] = {}
    if any(_is_masked(secret) for secret in new.secret_headers.values()):
        former = dict(old.secret_headers) if old else {}
        changes["secret_headers"] = {
            name: _former(former.get(name), f"{pointer}/secret_headers/{name}") if _is_masked(secret) else secret
            for name, secret in new.secret_headers.items()
        }
    if new.signing_secret and _is_masked(new.signing_secret):
        changes["signing_secret"] = _former(old.signing_secret if old else None, f"{pointer}/signing_secret")
    return new.model_copy(update=changes) if changes else new


def _is_masked(secret: SecretStr) -> bool:
    return secret.get_secret_value() == MASK


def _former(secret: SecretStr | None, pointer: str) -> SecretStr:
    if secret is None:
        raise Invalid(FieldError("there is no stored value to keep", pointer=pointer))
    return secret


async def add_spec(
    session: AsyncSession,
    rules: JobRules,
    job: Job,
    *,
    params: Mapping[str, Any] | None = None,
    target: Target | None = None,
    metadata: Mapping[str, Any] | None = None,
    overlap: Overlap | None = None,
    pointer: str = "/params",
) -> Spec:
    """Store what executions of this job do: its target with metadata and params laid in, and its policies.

    Raises:
        Invalid: the params do not fit the target; `pointer` says which part of the caller's input is to blame.
    """
    chosen = (target or open_target(rules, job)).with_metadata(dict(job.meta if metadata is None else metadata))
    try:
        own = fire_time.try_out(fire_time.params_of(chosen), pointer="/target/params")
        tried = chosen.with_params(own | fire_time.try_out(params, pointer=pointer))
        resolved = chosen.with_params(dict(params or {}))
    except ValueError as error:
        raise Invalid(FieldError(str(error), pointer=pointer)) from error
    script = await check_script(session, tried, owner_id=job.owner_id)
    spec = specs.make_spec(
        rules.sealer,
        target=resolved,
        host=rules.host_of(resolved),
        timeout_seconds=job.timeout_seconds,
        retry=Retry.model_validate(job.retry),
        on_lost=OnLost(job.on_lost),
        overlap=overlap or Overlap.model_validate(job.overlap),
        default_key=f"job:{job.id}",
        script=script,
    )
    session.add(spec)
    await session.flush()
    return spec


async def renew_versions(session: AsyncSession, rules: JobRules, job: Job, schedules: list[Schedule]) -> None:
    """Make new specs for a job and for those of its schedules that have params."""
    job.spec_id = (await add_spec(session, rules, job)).id
    for schedule in schedules:
        await renew_schedule_version(session, rules, job, schedule, pointer="/target/body")


async def renew_schedule_version(
    session: AsyncSession, rules: JobRules, job: Job, schedule: Schedule, *, pointer: str
) -> None:
    """Give a schedule with params a version of its own; the others share the job's. `pointer`: see `add_spec`."""
    own = await add_spec(session, rules, job, params=schedule.params, pointer=pointer) if schedule.params else None
    schedule.spec_id = own.id if own else None


def override(job_target: Target, fields: Mapping[str, Any]) -> Target:
    """Return the job's target with some fields replaced for one execution.

    Secrets do not travel to an address that the job was not made for.

    Raises:
        Invalid: a field is unknown or wrong.
    """
    former = job_target.model_dump(exclude_unset=True)
    if fields.get("type", job_target.type) != job_target.type:
        raise Invalid(FieldError("another kind of target needs another job", pointer="/type"))
    has_moved = any(fields[name] != former[name] for name in job_target.origin_fields & fields.keys())
    kept = {name: value for name, value in former.items() if not (has_moved and name in job_target.secret_fields)}
    try:
        changed = specs.targets.validate_python(kept | dict(fields))
    except ValidationError as error:
        raise as_invalid(error, fields) from error
    return keep_masked(changed, specs.targets.validate_python(kept), pointer="")
