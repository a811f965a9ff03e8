"""Comparing a document with what is there, and carrying the differences out."""

from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.domains.audit import service as audit
from stationmaster.domains.jobs.transfer.document import Document, list_items
from stationmaster.domains.jobs.transfer.schemas import Change, FieldChange, ImportFault, ImportIn, ImportOut
from stationmaster.domains.jobs.transfer.section import Item, Section
from stationmaster.errors import FieldError, Invalid, StationmasterError
from stationmaster.identity.actor import Actor

MOST_TOLD = 50
ACTIONS = ("create", "update", "delete", "same", "unlisted")


@dataclass
class _Import:
    """An import under way."""

    session: AsyncSession
    actor: Actor
    changes: list[Change] = field(default_factory=list)
    faults: list[ImportFault] = field(default_factory=list)
    wanted: list[tuple[Section, str, Item]] = field(default_factory=list)


async def carry_out(
    session: AsyncSession, sections: Sequence[Section], document: Document, wanted: ImportIn, actor: Actor
) -> ImportOut:
    """Plan or apply a document. A plan carries everything out and takes it back, so that it knows what would be refused.

    Raises:
        Invalid: the document is none; or it was to be applied, and something in it would be refused.
    """
    work = _Import(session, actor)
    items = list_items(document, sections)
    async with session.begin_nested() as trial:
        for section, raw in items:
            await _carry_out_section(work, section, raw, prune=wanted.prune)
        for section, name, item in work.wanted:
            await _try(work, section, name, _bind(section.link, session, name, item, actor))
        if wanted.mode == "plan" or work.faults:
            await trial.rollback()
    session.expire_all()
    if wanted.mode == "apply" and work.faults:
        raise Invalid(*(_as_field_error(fault) for fault in work.faults[:MOST_TOLD]))
    return _tell(work, wanted)


def _tell(work: _Import, wanted: ImportIn) -> ImportOut:
    counts = Counter[str](change.action for change in work.changes)
    if wanted.mode == "plan":
        audit.leave_out()
    else:
        audit.note(work.session, "jobs", "import", after={"counts": dict(counts)})
    return ImportOut(
        mode=wanted.mode,
        is_applied=wanted.mode == "apply",
        has_drift=any(change.action != "same" for change in work.changes),
        counts={action: counts.get(action, 0) for action in ACTIONS},
        changes=work.changes,
        errors=work.faults,
    )


def _as_field_error(fault: ImportFault) -> FieldError:
    return FieldError(f"{fault.section}: {fault.name}: {fault.detail}", pointer="/document")


async def _carry_out_section(work: _Import, section: Section, raw: list[Any], *, prune: bool) -> None:
    present = await section.read(work.session, work.actor)
    named: set[str] = set()
    for index, one in enumerate(raw):
        found = _normalise(work, section, one, index)
        if found is None:
            continue
        name, item = found
        if name in named:
            work.faults.append(ImportFault(section=section.key, name=name, detail="is there twice"))
            continue
        named.add(name)
        await _carry_out_item(work, section, name, item, present.get(name))
    if raw or prune:
        await _treat_unlisted(work, section, sorted(present.keys() - named), prune=prune)


def _normalise(work: _Import, section: Section, raw: Any, index: int) -> tuple[str, Item] | None:
    name = str(raw.get("name", index))[:255] if isinstance(raw, dict) else str(index)
    try:
        return section.normalise(raw)
    except (ValidationError, StationmasterError) as error:
        work.faults.append(ImportFault(section=section.key, name=name, detail=_explain(error)))
        return None


async def _carry_out_item(work: _Import, section: Section, name: str, item: Item, present: Item | None) -> None:
    session, actor = work.session, work.actor
    if present is None:
        work.changes.append(Change(section=section.key, name=name, action="create"))
        do = _bind(section.create, session, item, actor)
    else:
        fields = _compare(present, item)
        action = "update" if fields else "same"
        work.changes.append(Change(section=section.key, name=name, action=action, fields=fields))
        if not fields:
            return
        do = _bind(section.update, session, name, item, [one.field for one in fields], actor)
    if await _try(work, section, name, do):
        work.wanted.append((section, name, item))


async def _treat_unlisted(work: _Import, section: Section, names: list[str], *, prune: bool) -> None:
    """Tell of things that the document does not name; delete them on request, those first that others do not need."""
    if not (prune and section.is_pruned):
        work.changes += [Change(section=section.key, name=name, action="unlisted") for name in names]
        return
    left = names
    while left:
        kept = [name for name in left if not await _is_deleted(work, section, name)]
        if len(kept) == len(left):
            break
        left = kept
    for name in left:
        await _try(work, section, name, _bind(section.delete, work.session, name, work.actor))
    work.changes += [Change(section=section.key, name=name, action="delete") for name in names]


async def _is_deleted(work: _Import, section: Section, name: str) -> bool:
    before = len(work.faults)
    if await _try(work, section, name, _bind(section.delete, work.session, name, work.actor)):
        return True
    del work.faults[before:]
    return False


def _bind(call: Callable[..., Awaitable[None]], *arguments: Any) -> Callable[[], Awaitable[None]]:
    return lambda: call(*arguments)


async def _try(work: _Import, section: Section, name: str, do: Callable[[], Awaitable[None]]) -> bool:
    """Carry one thing out; take it back and note why if it is refused."""
    try:
        async with work.session.begin_nested():
            await do()
    except (StationmasterError, ValidationError) as error:
        work.faults.append(ImportFault(section=section.key, name=name, detail=_explain(error)))
        return False
    return True


def _explain(error: Exception) -> str:
    if isinstance(error, Invalid):
        return "; ".join(f"{one.pointer or one.parameter}: {one.detail}" for one in error.errors)
    if isinstance(error, ValidationError):
        found = error.errors(include_url=False, include_context=False, include_input=False)
        return "; ".join(f"/{'/'.join(map(str, one['loc']))}: {one['msg']}" for one in found[:5])
    return str(error)


def _compare(present: Item, wanted: Item) -> list[FieldChange]:
    return [
        FieldChange(field=name, present=present.get(name), wanted=wanted.get(name))
        for name in sorted(present.keys() | wanted.keys())
        if present.get(name) != wanted.get(name)
    ]
