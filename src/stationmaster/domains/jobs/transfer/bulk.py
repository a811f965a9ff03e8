"""One thing done with several jobs: each for itself, so that one that is refused does not hinder the others."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.domains.audit import service as audit
from stationmaster.domains.jobs import service
from stationmaster.domains.jobs.rules import JobRules
from stationmaster.domains.jobs.schemas import JobPatch
from stationmaster.domains.jobs.transfer.schemas import BulkIn, BulkOut, BulkResult
from stationmaster.errors import Invalid, StationmasterError
from stationmaster.identity.actor import Actor


async def act(session: AsyncSession, rules: JobRules, wanted: BulkIn, actor: Actor) -> BulkOut:
    """Do it with each job, and tell for each what became of it."""
    ids = list(dict.fromkeys(wanted.ids))
    errors: dict[UUID, str | None] = dict.fromkeys(ids, "")
    failed = ids
    while failed:
        for id_ in failed:
            errors[id_] = await _act_on(session, rules, id_, wanted, actor)
        left = [id_ for id_ in failed if errors[id_] is not None]
        # Jobs that others wait for can go once those are gone: as long as some go, the rest is tried again.
        failed = left if wanted.action == "delete" and len(left) < len(failed) else []
    results = [BulkResult(id=id_, ok=errors[id_] is None, error=errors[id_]) for id_ in ids]
    changed = sum(result.ok for result in results)
    audit.note(session, "jobs", wanted.action, after={"ids": [str(one.id) for one in results if one.ok]})
    return BulkOut(changed_count=changed, failed_count=len(results) - changed, results=results)


async def _act_on(session: AsyncSession, rules: JobRules, id_: UUID, wanted: BulkIn, actor: Actor) -> str | None:
    """Do it with one job; return why it was refused."""
    try:
        async with session.begin_nested():
            if wanted.action == "delete":
                await service.delete_job(session, id_, actor)
            else:
                await service.update_job(session, rules, id_, _patch(wanted), actor)
    except Invalid as error:
        return "; ".join(one.detail for one in error.errors)
    except StationmasterError as error:
        return str(error)
    return None


def _patch(wanted: BulkIn) -> JobPatch:
    match wanted.action:
        case "set_team":
            return JobPatch(team=wanted.team)
        case "set_category":
            return JobPatch(category=wanted.category)
    return JobPatch(is_active=wanted.action == "enable")
