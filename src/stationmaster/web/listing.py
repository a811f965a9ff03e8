"""The parameters `filter`, `sort`, `include`, `exclude` and `meta_filter` of a list, and what they come to.

    ExecutionQuery = Annotated[ListQuery, Depends(list_query(EXECUTIONS, ExecutionItem, default_sort="-id"))]

    async def list_executions(query: ExecutionQuery, actor: CurrentActor, ...) -> ...:
        plan = query.plan(is_admin=actor.is_admin)
        ... paginate(session, plan.narrow(statement), ..., order=plan.order)

Only what the resource and the item declare can be asked for; the documentation of the parameters lists it.
"""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass, replace
from typing import Annotated, Any, TypeVar

import sqlalchemy as sa
from fastapi import Depends, Query, Request

from stationmaster.db.keyset import Order
from stationmaster.db.listing import Document, Field, Resource, compile_filter, compile_sort, sortable_labels
from stationmaster.errors import FieldError, Forbidden, Invalid
from stationmaster.kit import field_name, filters, sorting
from stationmaster.kit.filters import Filter, Operator, parse_filter, parse_member_filter
from stationmaster.kit.scanner import Unreadable
from stationmaster.kit.sorting import Sort, parse_sort
from stationmaster.web.items import Item, base_fields, optional_fields

ONCE = ("filter", "sort", "include", "exclude")

T = TypeVar("T")


@dataclass(frozen=True)
class ListPlan:
    """What a caller asked of a list and may have: conditions, an order, and the fields of the items."""

    conditions: tuple[sa.ColumnElement[bool], ...]
    order: Order
    fields: frozenset[str]

    def narrow(self, statement: sa.Select[Any]) -> sa.Select[Any]:
        """Let through only what the caller asked for."""
        return statement.where(*self.conditions)


@dataclass(frozen=True)
class ListQuery:
    """What a caller asks of a list, read but not yet held against what it may ask."""

    resource: Resource
    base: frozenset[str]
    default_sort: Sort
    sort: Sort = ()
    filter: Filter = ()
    members: Filter = ()
    include: frozenset[str] = frozenset()
    exclude: frozenset[str] = frozenset()

    def plan(self, *, is_admin: bool, default_sort: Sort = ()) -> ListPlan:
        """Compile it; a `default_sort` given here is the order when the caller asked for none.

        Raises:
            Forbidden: it names a field that is for administrators.
            Invalid: it names what the resource does not have, or compares with what cannot be compared.
        """
        self._refuse_restricted_includes(is_admin=is_admin)
        sort = self.sort or default_sort or self.default_sort
        return ListPlan(
            (
                *compile_filter(self.resource, self.filter, parameter="filter", is_admin=is_admin),
                *compile_filter(self.resource, self.members, parameter="meta_filter", is_admin=is_admin),
            ),
            compile_sort(self.resource, sort, parameter="sort", is_admin=is_admin),
            (self.base | self.include) - self.exclude,
        )

    def _refuse_restricted_includes(self, *, is_admin: bool) -> None:
        for name in sorted(self.include):
            if name in restricted_names(self.resource) and not is_admin:
                raise Forbidden(f"The field {name} is for administrators.")


ReadQuery = Callable[..., Coroutine[Any, Any, ListQuery]]


def list_query(resource: Resource, item: type[Item], *, default_sort: str) -> ReadQuery:
    """Make the dependency that reads the parameters of one resource's list."""
    default = parse_sort(default_sort)
    names = base_fields(item) | optional_fields(item)

    async def read(
        request: Request,
        filter_: Annotated[
            str, Query(alias="filter", max_length=filters.MAX_LENGTH, description=_about_filter(resource))
        ] = "",
        sort: Annotated[
            str, Query(max_length=sorting.MAX_LENGTH, description=_about_sort(resource, default_sort))
        ] = "",
        exclude: Annotated[
            str, Query(max_length=field_name.MAX_LENGTH, description="Fields to leave out, comma-separated.")
        ] = "",
    ) -> ListQuery:
        _refuse_repeated(request)
        return ListQuery(
            resource,
            base_fields(item),
            default,
            sort=_read("sort", parse_sort, sort),
            filter=_read("filter", parse_filter, filter_),
            exclude=_read_names("exclude", exclude, names),
        )

    read_more = _with_include(read, resource, item) if optional_fields(item) else read
    return _with_members(read_more, resource.document) if resource.document else read_more


def _with_include(read: ReadQuery, resource: Resource, item: type[Item]) -> ReadQuery:
    names = optional_fields(item)
    about = f"Fields to add, comma-separated: {', '.join(_label(resource, name) for name in sorted(names))}."

    async def read_with_include(
        query: Annotated[ListQuery, Depends(read)],
        include: Annotated[str, Query(max_length=field_name.MAX_LENGTH, description=about)] = "",
    ) -> ListQuery:
        return replace(query, include=_read_names("include", include, names | base_fields(item)))

    return read_with_include


def _with_members(read: ReadQuery, document: Document) -> ReadQuery:
    about = (
        f"`key:value` of the object `{document.name}`; repeatable: values of the same key are alternatives, different keys "
        "must all hold. Commas and further colons belong to the value."
    )

    async def read_with_members(
        query: Annotated[ListQuery, Depends(read)],
        meta_filter: Annotated[list[str] | None, Query(description=about)] = None,
    ) -> ListQuery:
        pairs = _read("meta_filter", lambda texts: parse_member_filter(texts, document.name), meta_filter or [])
        return replace(query, members=pairs)

    return read_with_members


def restricted_names(resource: Resource) -> frozenset[str]:
    """Name the fields that are for administrators, in filter, sort and include."""
    return frozenset(found.name for found in resource.fields if found.is_restricted)


def _refuse_repeated(request: Request) -> None:
    """Refuse what is given twice: only one would count, and a filter must never be dropped in silence."""
    repeated = [name for name in ONCE if len(request.query_params.getlist(name)) > 1]
    if repeated:
        raise Invalid(
            *(FieldError("is given more than once; join them with commas", parameter=name) for name in repeated)
        )


def _read(parameter: str, parse: Callable[[Any], T], value: Any) -> T:
    try:
        return parse(value)
    except Unreadable as error:
        raise Invalid(FieldError(str(error), parameter=parameter)) from error


def _read_names(parameter: str, text: str, allowed: frozenset[str]) -> frozenset[str]:
    names = frozenset(_read(parameter, field_name.parse_names, text))
    unknown = sorted(names - allowed)
    if unknown:
        known = ", ".join(sorted(allowed))
        details = (f"there is no field {name[:60]} here; there are {known}" for name in unknown)
        raise Invalid(*(FieldError(detail, parameter=parameter) for detail in details))
    return names


def _about_filter(resource: Resource) -> str:
    fields = ", ".join(_about_field(resource, found) for found in (resource.key, *resource.fields))
    return (
        "Comma-separated `field operator value`, which must all hold; `(a = 1 OR b = 2)` for alternatives. Write text that "
        f"has a comma in quotes; `%` in `like` stands for any text, `null` for no value. Fields: {fields}."
    )


def _about_field(resource: Resource, found: Field | Document) -> str:
    operators = " ".join(operator for operator in Operator if operator in found.operators)
    wanted = found.kind.wanted if isinstance(found, Field) else "text, number or boolean"
    return f"{_label(resource, found.label)} ({operators}; {wanted})"


def _about_sort(resource: Resource, default: str) -> str:
    fields = ", ".join(_label(resource, name) for name in sortable_labels(resource))
    return (
        f"Comma-separated `field`, `field desc` or `-field`, most important first; `{default}` by default. What has no value "
        f"comes last, or first in descending order. Fields: {fields}."
    )


def _label(resource: Resource, name: str) -> str:
    return f"`{name}` (administrators)" if name in restricted_names(resource) else f"`{name}`"
