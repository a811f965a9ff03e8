"""From the list language to SQL, through the allow-list that each resource declares next to its model.

    EXECUTIONS = Resource("executions", key=field("id", executions.c.id), fields=(field("state", executions.c.state), ...))

A field that the resource does not declare cannot be asked for. Values are bound parameters always. `!=` is the opposite of
`=`, also where there is nothing: `reason != timeout` includes what has no reason.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

import sqlalchemy as sa

from stationmaster.db.field_kind import EXACT, NUMBER, TEXT, TEXTUAL, Condition, Kind, kind_of
from stationmaster.db.json_member import compare_member, member_is_missing, member_number, member_text
from stationmaster.db.keyset import Order, OrderKey
from stationmaster.errors import FieldError, Forbidden, Invalid
from stationmaster.kit.field_name import FieldName
from stationmaster.kit.filters import Filter, Operator, Term
from stationmaster.kit.sorting import Sort, SortField

SORTED_CHARACTERS = 200
"""How much of a member's text counts in an order: all of it would have to travel in the cursor."""

T = TypeVar("T")


@dataclass(frozen=True)
class Through:
    """The way to another table: the row there whose `key` equals our `column`."""

    column: sa.ColumnElement[Any]
    key: sa.ColumnElement[Any]


@dataclass(frozen=True)
class Field:
    """A field that lists may be narrowed to and sorted by."""

    name: str
    expression: sa.ColumnElement[Any]
    kind: Kind
    through: Through | None = None
    is_restricted: bool = False
    """For administrators only."""

    @property
    def label(self) -> str:
        """Return how it is named in a filter."""
        return self.name

    @property
    def operators(self) -> frozenset[Operator]:
        return self.kind.operators

    @property
    def is_sortable(self) -> bool:
        """Long texts are not: they would have to travel in the cursor."""
        return self.kind is not TEXT or getattr(self.expression.type, "length", None) is not None


@dataclass(frozen=True)
class Document:
    """A field that holds a JSON object, whose members are named `metadata.key`."""

    name: str
    column: sa.ColumnElement[Any]
    alias: str | None = None
    is_restricted: bool = False
    is_sortable: bool = True
    operators: frozenset[Operator] = TEXTUAL

    @property
    def label(self) -> str:
        """Return how one of its members is named in a filter."""
        return f"{self.name}.key"


@dataclass(frozen=True)
class Resource:
    """The fields of one kind of thing. `key` is unique and ends every order."""

    name: str
    key: Field
    fields: tuple[Field | Document, ...]

    @cached_property
    def by_name(self) -> dict[str, Field | Document]:
        every = {field.name: field for field in (self.key, *self.fields)}
        aliases = {field.alias: field for field in self.fields if isinstance(field, Document) and field.alias}
        return {**every, **aliases}

    @property
    def document(self) -> Document | None:
        """Return the field that holds a JSON object, if there is one."""
        return next((field for field in self.fields if isinstance(field, Document)), None)


def field(
    name: str, column: sa.ColumnElement[Any], *, through: Through | None = None, is_restricted: bool = False
) -> Field:
    """Declare a field of the kind that its column has."""
    return Field(name, column, kind_of(column), through, is_restricted)


def compile_filter(resource: Resource, wanted: Filter, *, parameter: str, is_admin: bool) -> list[Condition]:
    """Return the conditions that must all hold.

    Raises:
        Forbidden: a field is for administrators.
        Invalid: a field, an operator or a value is not of this resource; names the `parameter` and each of them.
    """
    terms = [term for clause in wanted for term in clause]
    _refuse_restricted(resource, (term.name for term in terms), is_admin=is_admin)
    compiled = iter(_collect(terms, lambda term: _condition(resource, term), parameter))
    return [sa.or_(*(next(compiled) for _ in clause)) for clause in wanted]


def compile_sort(resource: Resource, wanted: Sort, *, parameter: str, is_admin: bool) -> Order:
    """Return the order; what is equal in it is ordered by the key, in the direction of the last field.

    Raises:
        Forbidden: a field is for administrators.
        Invalid: a field is not of this resource, or cannot be sorted by.
    """
    _refuse_restricted(resource, (each.name for each in wanted), is_admin=is_admin)
    found = _collect(list(wanted), lambda each: _order_keys(resource, each), parameter)
    keys = [key for several in found for key in several]
    if all(key.expression is not resource.key.expression for key in keys):
        is_descending = bool(wanted) and wanted[-1].is_descending
        keys.append(OrderKey(resource.key.expression, resource.key.kind.python, is_descending))
    return Order(f"{resource.name}:{','.join(map(str, wanted))}", tuple(keys))


def _refuse_restricted(resource: Resource, names: Iterable[FieldName], *, is_admin: bool) -> None:
    for name in names:
        found = resource.by_name.get(name.field)
        if found is not None and found.is_restricted and not is_admin:
            raise Forbidden(f"The field {name.field} is for administrators.")


def _collect(asked: list[Any], compile_one: Callable[[Any], T], parameter: str) -> list[T]:
    """Compile each, and refuse them all together, so that a caller need not mend one after the other."""
    compiled: list[T] = []
    errors: list[FieldError] = []
    for each in asked:
        try:
            compiled.append(compile_one(each))
        except _Refused as refused:
            errors.append(FieldError(str(refused), parameter=parameter))
    if errors:
        raise Invalid(*errors)
    return compiled


class _Refused(Exception):
    """What one field does not allow, in words."""


def _find(resource: Resource, name: FieldName) -> Field | Document:
    found = resource.by_name.get(name.field)
    if found is None:
        labels = (each.label for each in (resource.key, *resource.fields))
        raise _Refused(f"there is no field {name.field[:60]} here; there are {', '.join(labels)}")
    if isinstance(found, Document) and name.key is None:
        raise _Refused(f"say which member of {name} is meant: {name}.key")
    if isinstance(found, Field) and name.key is not None:
        raise _Refused(f"{name.field} has no members")
    return found


def _condition(resource: Resource, term: Term) -> Condition:
    found = _find(resource, term.name)
    if term.operator not in found.operators:
        raise _Refused(f"{term.name} does not take {term.operator}; it takes {_spell(found.operators)}")
    if term.value is None and term.operator not in EXACT:
        raise _Refused(f"{term.name} {term.operator} null says nothing; null takes {_spell(EXACT)}")
    if term.operator is not Operator.NOT_EQUAL:
        return _positive(found, term, term.operator)
    equal = _positive(found, term, Operator.EQUAL)
    return sa.not_(equal) if term.value is None else sa.not_(sa.func.coalesce(equal, sa.false()))


def _positive(found: Field | Document, term: Term, operator: Operator) -> Condition:
    if isinstance(found, Document):
        key = term.name.key or ""
        if term.value is None:
            return member_is_missing(found.column, key)
        return compare_member(found.column, key, operator, term.value, is_text=term.is_text)
    if term.value is None:
        return _is_null(found)
    try:
        condition = found.kind.compare(found.expression, operator, term.value)
    except (ValueError, KeyError) as error:
        raise _Refused(f"{term.name} is compared with {found.kind.wanted}, not with {term.value[:60]!r}") from error
    return condition if found.through is None else _exists_through(found.through, condition)


def _is_null(found: Field) -> Condition:
    if found.through is None:
        return found.expression.is_(None)
    is_there = _exists_through(found.through, found.expression.is_not(None))
    return sa.not_(sa.func.coalesce(is_there, sa.false()))


def _exists_through(through: Through, condition: Condition) -> Condition:
    # As a list of keys and not as a look-up for each of our rows, so that an index on our column can be used.
    return through.column.in_(sa.select(through.key).where(condition))


def _order_keys(resource: Resource, each: SortField) -> list[OrderKey]:
    found = _find(resource, each.name)
    if not found.is_sortable:
        raise _Refused(f"{each.name} is too long to sort by; there are {', '.join(sortable_labels(resource))}")
    if isinstance(found, Field):
        return [OrderKey(_ordering(found), found.kind.python, each.is_descending)]
    key = each.name.key or ""
    # Numbers by size before texts by letters, so that 9 comes before 10.
    text = sa.func.substr(member_text(found.column, key), 1, SORTED_CHARACTERS, type_=sa.Text)
    return [
        OrderKey(member_number(found.column, key), NUMBER.python, each.is_descending),
        OrderKey(text, TEXT.python, each.is_descending),
    ]


def _ordering(found: Field) -> sa.ColumnElement[Any]:
    if found.through is None:
        return found.expression
    return sa.select(found.expression).where(found.through.key == found.through.column).scalar_subquery()


def sortable_labels(resource: Resource) -> list[str]:
    """Return how the fields are named that an order may have."""
    return [found.label for found in (resource.key, *resource.fields) if found.is_sortable]


def _spell(operators: frozenset[Operator]) -> str:
    return " ".join(operator for operator in Operator if operator in operators)
