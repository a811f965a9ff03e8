"""What a step is given when its turn has come: values from before, and the files of earlier steps."""

from collections.abc import Container, Iterator, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.domains.executions import artifacts
from stationmaster.domains.processes.references import Surroundings, find_value, parse_reference, reference_name
from stationmaster.domains.processes.work_schemas import ArtifactOf, Source, Work

NO_INPUT = "no_input"
"""The code of a step's failure when a file that it takes is not there."""

Place = tuple[UUID, str]
"""Where a file is: an execution, and the name among its artifacts."""


class NoInput(ValueError):
    """A file that a step takes is not there, nor anything to fall back on."""


async def resolve_inputs(session: AsyncSession, work: Work, there: Surroundings) -> dict[str, Any]:
    """Return the parameters that the inputs come to; a value for which nothing is there is left out.

    Raises:
        NoInput: names the input.
    """
    kept = await artifacts.find_kept(session, set(_places(work, there)))
    found: dict[str, Any] = {}
    for name, given in work.inputs.items():
        sources = _list_sources(given)
        values = (_find(source, there, kept) for source in sources)
        value = next((value for value in values if value is not None), None)
        if value is not None:
            found[name] = value
        elif missing := [source for source in sources if isinstance(source, ArtifactOf)]:
            files = " or ".join(f"{one.artifact} of {one.step}" for one in missing)
            raise NoInput(f"The input {name} takes {files}, which is not there, and nothing to fall back on is.")
    return found


def _places(work: Work, there: Surroundings) -> Iterator[Place]:
    for given in work.inputs.values():
        for source in _list_sources(given):
            if isinstance(source, ArtifactOf) and (place := _place(source, there)):
                yield place


def _place(source: ArtifactOf, there: Surroundings) -> Place | None:
    execution_id = there.executions.get(reference_name(source.step))
    return (execution_id, source.artifact) if execution_id else None


def _list_sources(given: Source | Sequence[Source]) -> Sequence[Source]:
    return [given] if isinstance(given, str | ArtifactOf) else given


def _find(source: Source, there: Surroundings, kept: Container[Place]) -> Any:
    if isinstance(source, str):
        return find_value(parse_reference(source), there)
    place = _place(source, there)
    return {"execution_id": str(place[0]), "artifact": place[1]} if place and place in kept else None
