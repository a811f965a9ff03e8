"""Lists: a page of items, how many there are, and where the other pages are (RFC 8288).

A router declares `Page[JobOut]` as its answer, takes `PageParamsDep`, and returns `await paginate(...)`. Counting a large
table costs far more than reading a page of it, so its router declares `LargePage[...]` and takes `LargePageParamsDep`: the
count stops at a cap and the page says so (`total_capped`), unless the caller asks for `count=exact`. With
`CursorPageParamsDep` such a list also goes on from row to row, at the same cost at any depth, and answers
`LargePage[...] | CursorPage[...]`.
The reading of pages is fastapi-pagination's, that of cursors `db.keyset`'s.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from inspect import isawaitable
from math import ceil
from typing import Annotated, Any, Generic, Literal, Self, TypeVar, cast
from urllib.parse import parse_qsl, urlencode

import sqlalchemy as sa
from fastapi import Query
from fastapi_pagination.bases import AbstractPage, AbstractParams, RawParams
from fastapi_pagination.config import Config
from fastapi_pagination.ext.sqlalchemy import apaginate
from pydantic import BaseModel, Field
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.requests import Request
from starlette.responses import Response

from stationmaster.db.keyset import MAX_CURSOR, BadCursor, Order, read_slice
from stationmaster.errors import FieldError, Invalid

DEFAULT_SIZE = 50
MAX_SIZE = 100
# Keeps OFFSET far within 64 bits; who walks deeper wants the cursor.
MAX_PAGE = 1_000_000
LARGE_TOTAL_CAP = 10_000

T = TypeVar("T")
Transform = Callable[[Sequence[Any]], Sequence[Any] | Awaitable[Sequence[Any]]]


class PageParams(BaseModel, AbstractParams):
    """Which page of a list."""

    page: int = Field(1, ge=1, le=MAX_PAGE, description="Number of the page, from 1.")
    size: int = Field(DEFAULT_SIZE, ge=1, le=MAX_SIZE, description="Items on a page.")

    def to_raw_params(self) -> RawParams:
        return RawParams(limit=self.size, offset=self.size * (self.page - 1))


class LargePageParams(PageParams):
    """Which page of a large list, and how exactly to count it."""

    count: Literal["capped", "exact"] = Field(
        "capped", description="`exact` counts everything, which may take long; `capped` stops at 10,000."
    )


class CursorPageParams(LargePageParams):
    """Which page of a large list, or where in it to go on."""

    cursor: str | None = Field(
        None,
        max_length=MAX_CURSOR,
        description=(
            "Where to go on: `next_cursor` or `previous_cursor` of an answer, with all other parameters as they were; empty "
            "for the beginning. Takes the place of `page`, and the answer has no counts."
        ),
    )


PageParamsDep = Annotated[PageParams, Query()]
LargePageParamsDep = Annotated[LargePageParams, Query()]
CursorPageParamsDep = Annotated[CursorPageParams, Query()]


class Page(AbstractPage[T], Generic[T]):
    """One page of a list."""

    items: Sequence[T]
    total: int = Field(ge=0, description="Items on all pages.", examples=[1])
    page: int = Field(ge=1, description="Number of this page, from 1.", examples=[1])
    size: int = Field(ge=1, description="Most items on a page.", examples=[DEFAULT_SIZE])
    pages: int = Field(ge=0, description="Pages that `total` makes.", examples=[1])

    __params_type__ = PageParams

    @classmethod
    def create(
        cls, items: Sequence[T], params: AbstractParams, *, total: int = 0, cap: int | None = None, **_: Any
    ) -> Self:
        assert isinstance(params, PageParams)
        counted = total if cap is None else min(total, cap)
        facts: dict[str, Any] = {
            "total": counted,
            "page": params.page,
            "size": params.size,
            "pages": ceil(counted / params.size),
        }
        if issubclass(cls, LargePage):
            facts["total_capped"] = total > counted
        # Constructed and not validated: FastAPI validates the items against the declared model anyway.
        return cast("Self", cls.model_construct(items=items, **facts))


class LargePage(Page[T], Generic[T]):
    """One page of a list that may be too long to be counted to its end each time."""

    total_capped: bool = Field(
        description="Whether counting stopped at `total` although there are more.", examples=[False]
    )


class CursorPage(BaseModel, Generic[T]):
    """Some items of a large list, and where to go on."""

    items: Sequence[T]
    next_cursor: str | None = Field(description="Leads to the items behind these; null at the end.", examples=[None])
    previous_cursor: str | None = Field(
        description="Leads to the items before these; null at the beginning.", examples=[None]
    )


async def paginate(
    session: AsyncSession,
    statement: sa.Select[Any],
    params: PageParams,
    *,
    request: Request,
    response: Response,
    order: Order | None = None,
    transform: Transform | None = None,
    total_cap: int | None = None,
) -> Any:
    """Read one page of a statement and put the links and counts into the answer's headers.

    `order` takes the place of the statement's own; a list with cursors needs it, and selects one entity. `transform` turns
    the rows of the page into items, when the answer's model cannot read them itself. `total_cap` is where the count of a
    large list stops. Returns a `Page`, `LargePage` or `CursorPage`; typed Any, as the endpoint declares of what.

    Raises:
        Invalid: the cursor is not of this list, or stands beside a parameter that it takes the place of.
    """
    if isinstance(params, CursorPageParams) and params.cursor is not None:
        assert order is not None, "a list with cursors says its order"
        part = await _read_by_cursor(session, statement, params, order, transform)
        return give_part(part, request=request, response=response)
    cap = find_cap(params, total_cap)
    page: Page[Any] = await apaginate(
        session,
        order.apply(statement) if order else statement,
        params,
        count_query=_count(statement, cap),
        transformer=partial(_items_of, transform),
        additional_data={"cap": cap},
        unique=False,
        config=Config(page_cls=LargePage if isinstance(params, LargePageParams) else Page),
    )
    _add_headers(page, request, response)
    return page


def give_page(
    items: Sequence[Any], total: int, params: LargePageParams, *, request: Request, response: Response
) -> LargePage[Any]:
    """Put the links and counts of a large page that was read elsewhere into the answer's headers.

    `total` may stop anywhere behind the cap where the list is counted to it.
    """
    page = LargePage[Any].create(items, params, total=total, cap=find_cap(params))
    _add_headers(page, request, response)
    return page


def cut_page(items: Sequence[Any], params: PageParams, *, request: Request, response: Response) -> Page[Any]:
    """Take one page of a short list that is at hand whole, and put its links and counts into the answer's headers."""
    start = params.size * (params.page - 1)
    page = Page[Any].create(items[start : start + params.size], params, total=len(items))
    _add_headers(page, request, response)
    return page


def find_cap(params: PageParams, at: int | None = None) -> int | None:
    """Return where the count of a list stops, if it does: `at`, or where all lists stop."""
    is_capped = isinstance(params, LargePageParams) and params.count == "capped"
    return (at or LARGE_TOTAL_CAP) if is_capped else None


def give_part(part: CursorPage[Any], *, request: Request, response: Response) -> CursorPage[Any]:
    """Put the links of a part that was read elsewhere into the answer's headers."""
    _add_links(_cursors(part), request, response)
    return part


def refuse_pages(params: LargePageParams) -> None:
    """Refuse what has no meaning beside a cursor.

    Raises:
        Invalid
    """
    for name in ("count", "page"):
        if getattr(params, name) != LargePageParams.model_fields[name].default:  # generated clients send the defaults
            raise Invalid(FieldError("has no meaning beside `cursor`", parameter=name))


async def _read_by_cursor(
    session: AsyncSession,
    statement: sa.Select[Any],
    params: CursorPageParams,
    order: Order,
    transform: Transform | None,
) -> CursorPage[Any]:
    refuse_pages(params)
    try:
        found = await read_slice(session, statement, order, cursor=params.cursor or "", size=params.size)
    except BadCursor as error:
        detail = "is no cursor of this list in this order; begin again with an empty one"
        raise Invalid(FieldError(detail, parameter="cursor")) from error
    return CursorPage[Any].model_construct(
        items=await _items_of(transform, found.rows),
        next_cursor=found.next_cursor,
        previous_cursor=found.previous_cursor,
    )


async def _items_of(transform: Transform | None, rows: Sequence[Any]) -> Sequence[Any]:
    # fastapi-pagination would not wait for what a plain function returns, such as a lambda that calls a coroutine.
    items = transform(rows) if transform else rows
    return await items if isawaitable(items) else items


def _count(statement: sa.Select[Any], cap: int | None) -> sa.Select[int]:
    counted = statement.order_by(None).with_only_columns(sa.literal(1), maintain_column_froms=True)
    if cap is not None:
        # One more than the cap tells "exactly as many" from "more".
        counted = counted.limit(cap + 1)
    return sa.select(sa.func.count()).select_from(counted.subquery())


def _add_headers(page: Page[Any], request: Request, response: Response) -> None:
    _add_links({rel: {"page": str(number)} for rel, number in _neighbours(page).items()}, request, response)
    response.headers["X-Total-Count"] = str(page.total)
    response.headers["X-Page"] = str(page.page)
    response.headers["X-Page-Size"] = str(page.size)
    response.headers["X-Total-Pages"] = str(page.pages)


def _add_links(targets: Mapping[str, Mapping[str, str]], request: Request, response: Response) -> None:
    links = (f'<{_address(request, changes)}>; rel="{rel}"' for rel, changes in targets.items())
    response.headers["Link"] = ", ".join(links)


def _cursors(part: CursorPage[Any]) -> dict[str, dict[str, str]]:
    """Name the parts worth a link."""
    cursors = {"first": "", "prev": part.previous_cursor, "next": part.next_cursor}
    return {rel: {"cursor": cursor} for rel, cursor in cursors.items() if cursor is not None}


def _neighbours(page: Page[Any]) -> dict[str, int]:
    """Name the pages worth a link; of a capped list nobody knows the last."""
    is_capped = isinstance(page, LargePage) and page.total_capped
    last = max(page.pages, 1)
    neighbours = {"first": 1}
    if page.page > 1:
        neighbours["prev"] = page.page - 1 if is_capped else min(page.page - 1, last)
    if len(page.items) == page.size if is_capped else page.page < last:
        neighbours["next"] = page.page + 1
    if not is_capped:
        neighbours["last"] = last
    return neighbours


def _address(request: Request, changes: Mapping[str, str]) -> str:
    """Write the request's own address with other values for some parameters, all others as they came."""
    query = parse_qsl(request.url.query, keep_blank_values=True)
    others = [(name, value) for name, value in query if name not in changes]
    return str(request.url.replace(query=urlencode([*others, *changes.items()])))
