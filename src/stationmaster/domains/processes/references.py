"""How steps speak of what came before: `download.bytes`, `params.force`, `meta.region`, `run.entity_id`. Pure.

A step is named as it is, with `_` for what is no letter, digit or underscore. Alone (`download`) it stands for the status of
its step run, with a member (`download.bytes`) for that of its result. In conditions the language is that of list filters:
`download.bytes > 0, (filter = success OR filter = skipped)`.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from stationmaster.kit.field_name import FieldName, take_name
from stationmaster.kit.filters import Filter, Operator, Term, parse_filter
from stationmaster.kit.scanner import Scanner

RUN_FIELDS = frozenset({"id", "process_id", "entity_id", "entity_name", "key"})
DOCUMENTS = frozenset({"params", "meta"})
MAX_LENGTH = 500

_NUMBER = re.compile(r"-?\d{1,18}(\.\d{1,30})?([eE][+-]?\d{1,2})?", re.ASCII)


@dataclass(frozen=True)
class Surroundings:
    """What a reference can speak of: the run, and the steps before, by their reference names."""

    run: Mapping[str, Any]
    params: Mapping[str, Any]
    meta: Mapping[str, Any]
    statuses: Mapping[str, str]
    results: Mapping[str, Mapping[str, Any]]
    executions: Mapping[str, UUID]
    """What carried out the steps that were a success."""


def reference_name(step: str) -> str:
    """Return how a step is named in references."""
    name = re.sub(r"\W", "_", step, flags=re.ASCII)
    return f"_{name}" if name[:1].isdigit() else name


def parse_reference(text: str) -> FieldName:
    """Read one reference.

    Raises:
        ValueError: says what is expected.
    """
    scanner = Scanner(text, max_length=MAX_LENGTH)
    name = take_name(scanner)
    if not scanner.is_done:
        raise scanner.wrong("the end is expected")
    return name


def parse_condition(text: str) -> Filter:
    """Read a condition.

    Raises:
        ValueError: says what is expected.
    """
    found = parse_filter(text)
    if not found:
        raise ValueError("a condition says something; leave it out to run after success")
    return found


def names_in(condition: Filter) -> Iterator[FieldName]:
    """Return the references of a condition."""
    return (term.name for clause in condition for term in clause)


def find_value(name: FieldName, there: Surroundings) -> Any:
    """Return what a reference stands for; None where there is nothing."""
    if name.field == "run":
        return there.run.get(name.key or "")
    if name.field in DOCUMENTS:
        document = there.params if name.field == "params" else there.meta
        return dict(document) if name.key is None else document.get(name.key)
    if name.key is None:
        return there.statuses.get(name.field)
    return there.results.get(name.field, {}).get(name.key)


def holds(condition: Filter, there: Surroundings) -> bool:
    """Say whether a condition holds."""
    return all(any(_holds(term, find_value(term.name, there)) for term in clause) for clause in condition)


def _holds(term: Term, value: Any) -> bool:
    if term.operator is Operator.NOT_EQUAL:
        return not _equals(term, value)
    if term.operator is Operator.EQUAL:
        return _equals(term, value)
    text = _write(value)
    if text is None or term.value is None:
        return False
    if term.operator is Operator.LIKE:
        pattern = ".*".join(re.escape(part) for part in term.value.split("%"))
        return re.fullmatch(pattern, text, re.IGNORECASE | re.DOTALL) is not None
    if not term.is_text and _NUMBER.fullmatch(term.value):
        return _is_number(value) and _COMPARE[term.operator](float(value), float(term.value))
    return _COMPARE[term.operator](text, term.value)


_COMPARE: dict[Operator, Callable[[Any, Any], bool]] = {
    Operator.GREATER: lambda one, other: one > other,
    Operator.LESS: lambda one, other: one < other,
    Operator.GREATER_OR_EQUAL: lambda one, other: one >= other,
    Operator.LESS_OR_EQUAL: lambda one, other: one <= other,
}


def _equals(term: Term, value: Any) -> bool:
    if term.value is None or value is None:
        return term.value is None and value is None
    if isinstance(value, str):
        return value == term.value
    if _is_number(value):
        return not term.is_text and _NUMBER.fullmatch(term.value) is not None and float(term.value) == value
    return not term.is_text and _write(value) == term.value


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _write(value: Any) -> str | None:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, str | int | float) else None
