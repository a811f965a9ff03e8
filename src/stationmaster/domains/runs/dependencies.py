"""The plain parameters of a list of runs."""

from dataclasses import replace
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import Depends, Query

from stationmaster.domains.runs.listing import RUNS, Filters, RunItem
from stationmaster.domains.runs.status import RunStatus
from stationmaster.errors import FieldError, Invalid
from stationmaster.kit.field_name import FieldName
from stationmaster.kit.instants import parse_span
from stationmaster.kit.scanner import Unreadable
from stationmaster.kit.sorting import SortField, parse_sort
from stationmaster.web.listing import ListQuery, list_query
from stationmaster.web.schema import Text

_FORM = "An instant (RFC 3339, UTC when it names no zone) or a date; inclusive."
Edge = Annotated[str | None, Query(max_length=64, description=_FORM)]


async def read_ranges(
    *,
    created_after: Edge = None,
    created_before: Edge = None,
    started_after: Edge = None,
    started_before: Edge = None,
    finished_after: Edge = None,
    finished_before: Edge = None,
) -> Filters:
    """Read the ranges of time.

    Raises:
        Invalid: an end cannot be read.
    """
    given = {
        "created": (created_after, created_before),
        "started": (started_after, started_before),
        "finished": (finished_after, finished_before),
    }
    ranges = [
        (f"{name}_at", _read(after, f"{name}_after", is_end=False), _read(before, f"{name}_before", is_end=True))
        for name, (after, before) in given.items()
        if after is not None or before is not None
    ]
    return Filters(ranges=tuple(ranges))


def _read(text: str | None, parameter: str, *, is_end: bool) -> datetime | None:
    if text is None:
        return None
    try:
        span = parse_span(text)
    except ValueError as error:
        raise Invalid(FieldError(str(error), parameter=parameter)) from error
    return span.end if is_end else span.start


async def read_filters(
    *,
    ranges: Annotated[Filters, Depends(read_ranges)],
    process_id: Annotated[UUID | None, Query(description="Runs of this process.")] = None,
    entity_id: Annotated[Text | None, Query(max_length=255, description="Runs of exactly this entity.")] = None,
    entity_name: Annotated[
        Text | None, Query(max_length=255, description="Runs whose entity's name contains this, in any case.")
    ] = None,
    status: Annotated[list[RunStatus] | None, Query(description="Statuses to keep; repeatable.")] = None,
    failed_at: Annotated[UUID | None, Query(description="Runs in which this step stands as failed.")] = None,
    deleted: Annotated[bool, Query(description="The deleted runs instead.")] = False,
) -> Filters:
    """Read what a list of runs is narrowed to."""
    return replace(
        ranges,
        process_id=process_id,
        entity_id=entity_id,
        entity_name=entity_name,
        statuses=tuple(status or ()),
        failed_at=failed_at,
        is_deleted=deleted,
    )


FiltersDep = Annotated[Filters, Depends(read_filters)]


async def read_query(
    query: Annotated[ListQuery, Depends(list_query(RUNS, RunItem, default_sort="-id"))],
    order_by: Annotated[
        str, Query(max_length=300, description="One field to sort by, such as `created_at` or `meta.case_type`.")
    ] = "",
    sort_direction: Annotated[
        Literal["asc", "desc"] | None, Query(description="Direction of `order_by`; `desc` by default.")
    ] = None,
) -> ListQuery:
    """Read also the order by its older names.

    Raises:
        Invalid: the order is given twice, or cannot be read.
    """
    if not order_by and sort_direction is None:
        return query
    if query.sort:
        raise Invalid(FieldError("says the order already; leave order_by and sort_direction out", parameter="sort"))
    fields = _read_order(order_by) if order_by else (SortField(FieldName("id")),)
    if len(fields) != 1 or fields[0].is_descending:
        raise Invalid(FieldError("takes one field; its direction is sort_direction", parameter="order_by"))
    return replace(query, sort=(replace(fields[0], is_descending=sort_direction != "asc"),))


def _read_order(text: str) -> tuple[SortField, ...]:
    try:
        return parse_sort(text)
    except Unreadable as error:
        raise Invalid(FieldError(str(error), parameter="order_by")) from error


RunQueryDep = Annotated[ListQuery, Depends(read_query)]
