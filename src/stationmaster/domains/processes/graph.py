"""How the steps of a process hang together: which waits for which, and whether that can ever end."""

from collections.abc import Iterator, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from typing import Any
from uuid import UUID

from stationmaster.domains.processes.models import Step
from stationmaster.domains.processes.references import (
    DOCUMENTS,
    RUN_FIELDS,
    names_in,
    parse_condition,
    parse_reference,
    reference_name,
)
from stationmaster.errors import FieldError, Invalid
from stationmaster.kit.field_name import FieldName

PLAIN_CONDITIONS = frozenset({"success", "failure", "always"})


def dependencies(steps: Sequence[Step]) -> dict[UUID, list[UUID]]:
    """Return for each step, given in their order, those it waits for: those it names, or else the one before it."""
    found: dict[UUID, list[UUID]] = {}
    before: list[UUID] = []
    for step in steps:
        found[step.id] = before if step.depends_on is None else [UUID(id_) for id_ in step.depends_on]
        before = [step.id]
    return found


def ancestors(waits_for: dict[UUID, list[UUID]], id_: UUID) -> set[UUID]:
    """Return all steps that have ended when this one's turn comes."""
    found: set[UUID] = set()
    open_ids = list(waits_for[id_])
    while open_ids:
        one = open_ids.pop()
        if one not in found:
            found.add(one)
            open_ids += waits_for[one]
    return found


def check_graph(steps: Sequence[Step]) -> None:
    """Refuse steps that wait for each other, or speak of what has not been before them.

    Raises:
        Invalid: says which step.
    """
    waits_for = dependencies(steps)
    names = {step.id: step.name for step in steps}
    try:
        TopologicalSorter(waits_for).prepare()
    except CycleError as error:
        circle = " > ".join(names[id_] for id_ in error.args[1])
        raise Invalid(FieldError(f"these steps wait for each other: {circle}", pointer="/depends_on")) from error
    for step in steps:
        before = ancestors(waits_for, step.id)
        known = {reference_name(names[id_]) for id_ in before}
        for pointer, name in _references(step):
            _check_name(step, name, known, pointer)
        makers = {reference_name(other.name): other for other in steps if other.id in before}
        for pointer, maker in _makers_named(step):
            _check_maker(step, makers.get(reference_name(maker)), maker, pointer)


def _references(step: Step) -> Iterator[tuple[str, FieldName]]:
    if step.run_if is not None and step.run_if not in PLAIN_CONDITIONS:
        yield from (("/run_if", name) for name in names_in(parse_condition(step.run_if)))
    work = step.work or {}
    for key, source in _sources(work):
        if isinstance(source, str):
            yield f"/inputs/{key}", parse_reference(source)
    for key, text in ((work.get("fan_out") or {}).get("over") or {}).items():
        if isinstance(text, str):
            yield f"/fan_out/over/{key}", parse_reference(text)


def _makers_named(step: Step) -> Iterator[tuple[str, str]]:
    """Yield the steps whose files this one takes."""
    for key, source in _sources(step.work or {}):
        if not isinstance(source, str):
            yield f"/inputs/{key}", source["step"]


def _sources(work: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for key, sources in (work.get("inputs") or {}).items():
        yield from ((key, source) for source in (sources if isinstance(sources, list) else [sources]))


def _check_maker(step: Step, maker: Step | None, name: str, pointer: str) -> None:
    detail = f"the step {step.name[:60]} takes a file of {name[:60]}, which "
    if (step.work or {})["target"]["type"] == "github":
        raise Invalid(FieldError("inputs of a workflow of GitHub are texts, not files", pointer=pointer))
    if maker is None:
        raise Invalid(FieldError(f"{detail}is no step before it", pointer=pointer))
    if not (maker.work or {}).get("target"):
        raise Invalid(FieldError(f"{detail}has no target, and so keeps no files", pointer=pointer))
    if (maker.work or {}).get("fan_out"):
        raise Invalid(FieldError(f"{detail}is done for a list, with files of each item's own", pointer=pointer))


def _check_name(step: Step, name: FieldName, known: set[str], pointer: str) -> None:
    if name.field in DOCUMENTS or (name.field == "run" and name.key in RUN_FIELDS) or name.field in known:
        return
    there_is = ", ".join(sorted(known | DOCUMENTS | {f"run.{field}" for field in RUN_FIELDS}))
    detail = f"the step {step.name[:60]} speaks of {str(name)[:60]}, and before it there are only {there_is}"
    raise Invalid(FieldError(detail, pointer=pointer))
