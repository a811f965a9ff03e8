"""Processes in the documents that are exported and imported; see `jobs.transfer`."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.domains.jobs.rules import JobRules
from stationmaster.domains.jobs.transfer.section import Item
from stationmaster.domains.processes import reading, repository, service, steps
from stationmaster.domains.processes.models import Process
from stationmaster.domains.processes.schemas import ProcessIn, ProcessPatch
from stationmaster.domains.processes.step_schemas import StepIn, StepPatch
from stationmaster.identity.actor import Actor

_FIELDS = set(ProcessIn.model_fields) - {"steps"}
_STEP_FIELDS = set(StepIn.model_fields) - {"index"}


@dataclass(frozen=True)
class ProcessSection:
    """Processes with their steps, in the order of these, known by their name."""

    rules: JobRules
    key: str = "processes"
    is_pruned: bool = False

    async def read(self, session: AsyncSession, actor: Actor) -> dict[str, Item]:  # noqa: ARG002  # one shape for all
        found = list(await session.scalars(service.list_statement()))
        shown = await reading.show_processes(session, found)
        return {one.name: _normalise(_as_input(one.model_dump(mode="json"))) for one in shown}

    def normalise(self, raw: Any) -> tuple[str, Item]:
        wanted = ProcessIn.model_validate(raw)
        return wanted.name, _normalise(wanted)

    async def create(self, session: AsyncSession, item: Item, actor: Actor) -> None:
        await service.create_process(session, self.rules, ProcessIn.model_validate(item), actor)

    async def update(
        self, session: AsyncSession, name: str, item: Item, changed: Collection[str], actor: Actor
    ) -> None:
        process = await self._get(session, name)
        whole = ProcessIn.model_validate(item)
        plain = set(changed) & _FIELDS
        if plain:
            patch = ProcessPatch.model_validate(whole.model_dump(mode="json", include=plain))
            await service.update_process(session, process.id, patch, actor)
        if "steps" in changed:
            await self._change_steps(session, process, whole.steps, actor)

    async def _change_steps(self, session: AsyncSession, process: Process, wanted: list[StepIn], actor: Actor) -> None:
        """Let the steps be the wanted ones: first those that are there, then new ones, then what is too many goes."""
        there = {step.name: step for step in await service.list_steps(session, process.id)}
        for step in wanted:
            alone = step.model_copy(update={"index": None})
            if step.name in there:
                patch = StepPatch.model_validate(_patch_of(alone))
                await steps.update_step(session, self.rules, there[step.name].id, patch, actor)
            else:
                await steps.create_step(session, self.rules, process.id, alone, actor)
        names = [step.name for step in wanted]
        for name in reversed([name for name in there if name not in names]):
            await steps.delete_step(session, there[name].id, actor)
        ids = {step.name: step.id for step in await service.list_steps(session, process.id)}
        await steps.reorder_steps(session, process.id, [ids[name] for name in names], actor)

    async def link(self, session: AsyncSession, name: str, item: Item, actor: Actor) -> None:
        """Nothing to do: what steps depend on stands in the same process."""

    async def delete(self, session: AsyncSession, name: str, actor: Actor) -> None:
        await service.delete_process(session, (await self._get(session, name)).id, actor)

    async def _get(self, session: AsyncSession, name: str) -> Process:
        process = await repository.find_by_name(session, name)
        assert process is not None
        return process


def _as_input(shown: Mapping[str, Any]) -> ProcessIn:
    """Return what a user would give to make a process as it is shown."""
    facts = {name: value for name, value in shown.items() if name in _FIELDS and value is not None}
    facts["steps"] = [
        {name: value for name, value in step.items() if name in _STEP_FIELDS and value is not None}
        for step in shown["steps"]
    ]
    return ProcessIn.model_validate(facts)


def _normalise(wanted: ProcessIn) -> Item:
    item: Item = wanted.model_dump(mode="json", exclude_defaults=True, exclude={"steps"})
    ordered = sorted(enumerate(wanted.steps), key=lambda pair: pair[0] if pair[1].index is None else pair[1].index)
    if ordered:
        item["steps"] = [_normalise_step(step) for _, step in ordered]
    return item


def _normalise_step(step: StepIn) -> Item:
    item: Item = step.model_dump(mode="json", exclude_defaults=True, exclude={"index"})
    is_usual = step.target is not None or step.rerun_config is not None
    if item.get("is_rerunnable") is is_usual:
        del item["is_rerunnable"]
    return item


def _patch_of(step: StepIn) -> dict[str, Any]:
    """Return all of a step as a patch; what cannot be null is left out where it says nothing."""
    whole = step.model_dump(mode="json", exclude={"index", "name"})
    is_usual = step.target is not None or step.rerun_config is not None
    return whole | {"is_rerunnable": is_usual if step.is_rerunnable is None else step.is_rerunnable}
