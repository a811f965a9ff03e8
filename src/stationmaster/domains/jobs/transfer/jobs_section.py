"""The section of jobs with their schedules."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.domains.jobs import dependencies, repository, service
from stationmaster.domains.jobs.models import Job
from stationmaster.domains.jobs.rules import JobRules, default_on_lost
from stationmaster.domains.jobs.schemas import JobIn, JobPatch
from stationmaster.domains.jobs.transfer import normal
from stationmaster.domains.jobs.transfer.section import Item
from stationmaster.domains.taxonomy import service as taxonomy
from stationmaster.identity.actor import Actor


@dataclass(frozen=True)
class JobSection:
    """Jobs, known by their name."""

    rules: JobRules
    key: str = "jobs"
    is_pruned: bool = True

    async def read(self, session: AsyncSession, actor: Actor) -> dict[str, Item]:
        found = await repository.list_all(session)
        ids = [job.id for job in found]
        schedules = await repository.list_schedules_of(session, ids)
        needs = await dependencies.list_shown(session, ids)
        slugs = await taxonomy.find_slugs(
            session, {job.category_id for job in found}, {job.team_id for job in found if job.team_id}
        )
        return {
            job.name: _for_reader(
                normal.describe(job, schedules.get(job.id, []), needs.get(job.id, []), slugs=slugs, rules=self.rules),
                job,
                actor,
            )
            for job in found
        }

    def normalise(self, raw: Any) -> tuple[str, Item]:
        wanted = JobIn.model_validate(raw)
        return wanted.name, normal.normalise(wanted, self.rules)

    async def create(self, session: AsyncSession, item: Item, actor: Actor) -> None:
        alone = {name: value for name, value in item.items() if name != "depends_on"}
        await service.create_job(session, self.rules, JobIn.model_validate(alone), actor)

    async def update(
        self, session: AsyncSession, name: str, item: Item, changed: Collection[str], actor: Actor
    ) -> None:
        names = set(changed) - {"depends_on"}
        if names:
            await self._patch(session, name, item, names, actor)

    async def link(self, session: AsyncSession, name: str, item: Item, actor: Actor) -> None:
        job = await self._get(session, name)
        present = (await dependencies.list_shown(session, [job.id])).get(job.id, [])
        if [one.model_dump(mode="json", exclude_defaults=True) for one in present] != item.get("depends_on", []):
            await self._patch(session, name, item, {"depends_on"}, actor)

    async def _patch(self, session: AsyncSession, name: str, item: Item, names: set[str], actor: Actor) -> None:
        wanted = JobIn.model_validate(item)
        whole = wanted.model_dump(mode="json") | {
            "target": wanted.target.model_dump(mode="json", exclude_unset=True),
            "category": wanted.category or "general",
            "on_lost": wanted.on_lost or default_on_lost(wanted.target),
        }
        # What a policy does not say stays unsaid, and follows the house's defaults.
        whole |= {policy: item.get(policy, {}) for policy in ("misfire", "overlap", "retry", "notifications")}
        whole["schedules"] = item.get("schedules", [])
        patch = JobPatch.model_validate({field: whole[field] for field in names})
        await service.update_job(session, self.rules, (await self._get(session, name)).id, patch, actor)

    async def delete(self, session: AsyncSession, name: str, actor: Actor) -> None:
        await service.delete_job(session, (await self._get(session, name)).id, actor)

    async def _get(self, session: AsyncSession, name: str) -> Job:
        job = await repository.find_by_name(session, name)
        assert job is not None
        return job


def _for_reader(item: Item, job: Job, actor: Actor) -> Item:
    """Leave out the addresses that a job tells, for others than its owner and administrators."""
    if actor.may_change(job.owner_id) or "notifications" not in item:
        return item
    told = {name: value for name, value in item["notifications"].items() if name != "emails"}
    return item | {"notifications": told}
