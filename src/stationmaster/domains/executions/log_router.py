"""Logs and results of executions over HTTP."""

from collections.abc import AsyncIterator
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import Field

from stationmaster.db.engine import Database
from stationmaster.domains.executions import logs
from stationmaster.domains.executions.journal import Stream
from stationmaster.domains.executions.journals import chronicle, log_page
from stationmaster.domains.executions.journals.chronicle import Gap, LineFilter
from stationmaster.domains.executions.journals.entry import Entry, Level
from stationmaster.domains.executions.journals.log_page import BadCursor
from stationmaster.domains.executions.log_schemas import LogLineOut, ResultOut, describe_gap
from stationmaster.domains.executions.states import ACTIVE
from stationmaster.domains.executions.visibility import get_visible
from stationmaster.errors import FieldError, Invalid
from stationmaster.identity.dependencies import CurrentActor
from stationmaster.kit.instants import format_instant
from stationmaster.web.application import DatabaseDep
from stationmaster.web.openapi import problems
from stationmaster.web.operation import Operation
from stationmaster.web.paging import (
    CursorPage,
    LargePage,
    LargePageParams,
    find_cap,
    give_page,
    give_part,
    refuse_pages,
)
from stationmaster.web.schema import Text
from stationmaster.web.session import ReadSessionDep

router = APIRouter(prefix="/executions", tags=["executions"], route_class=Operation)

Format = Literal["json", "text", "jsonl"]
MEDIA_TYPES = {"text": "text/plain; charset=utf-8", "jsonl": "application/jsonl"}


class LogParams(LargePageParams):
    """Which part of a log."""

    cursor: str | None = Field(
        None,
        max_length=64,
        description=(
            "Where to go on: `next_cursor` or `previous_cursor` of an answer; empty for the beginning. Takes the place of "
            "`page`. While the execution goes on there is always a next one: ask again for what was said since."
        ),
    )


async def read_filter(
    level: Annotated[list[Level] | None, Query(description="Levels to keep; repeatable.")] = None,
    stream: Annotated[list[Stream] | None, Query(description="Where lines came from; repeatable.")] = None,
    attempt: Annotated[int | None, Query(ge=1, le=2**31 - 1, description="Lines of this attempt.")] = None,
    q: Annotated[Text, Query(max_length=200, description="Text to look for; upper and lower case are the same.")] = "",
) -> LineFilter:
    """Read which lines are asked for."""
    return LineFilter(tuple(level or ()), tuple(stream or ()), attempt, q)


FilterDep = Annotated[LineFilter, Depends(read_filter)]
_DOWNLOADS = {"text/plain": {"schema": {"type": "string"}}, "application/jsonl": {"schema": {"type": "string"}}}


@router.get(
    "/{execution_id}/logs",
    summary="Read the log of an execution",
    responses={200: {"content": _DOWNLOADS}, **problems(404)},
    response_model=LargePage[LogLineOut] | CursorPage[LogLineOut],
)
async def list_execution_logs(
    execution_id: UUID,
    actor: CurrentActor,
    session: ReadSessionDep,
    database: DatabaseDep,
    which: FilterDep,
    params: Annotated[LogParams, Query()],
    request: Request,
    response: Response,
    format: Annotated[  # noqa: A002  # the API's word
        Format, Query(description="`json` is a page; `text` and `jsonl` are the whole log, as a download.")
    ] = "json",
) -> LargePage[LogLineOut] | CursorPage[LogLineOut] | Response:
    """Read what an execution said, oldest first: its output and what the service has to say about it.

    A log that grew too long keeps its beginning and its end; a mark stands for what is left out. Secrets are masked. For its
    owner, the owner of the script that it runs, and admins.
    """
    execution = await get_visible(session, execution_id, actor)
    if format != "json":
        return _download(database, execution_id, which, format)
    if params.cursor is None:
        start = params.size * (params.page - 1)
        lines, total = await log_page.read_page(
            session, execution_id, which, start=start, size=params.size, cap=find_cap(params)
        )
        return give_page([LogLineOut.of(line) for line in lines], total, params, request=request, response=response)
    refuse_pages(params)
    try:
        part = await log_page.read_part(
            session,
            execution_id,
            which,
            cursor=params.cursor,
            size=params.size,
            is_growing=execution.state in ACTIVE,
        )
    except BadCursor as error:
        raise Invalid(FieldError("is no cursor of a log; begin again with an empty one", parameter="cursor")) from error
    items = [LogLineOut.of(line) for line in part.lines]
    found = CursorPage[LogLineOut].model_construct(
        items=items, next_cursor=part.next_cursor, previous_cursor=part.previous_cursor
    )
    return give_part(found, request=request, response=response)


@router.get("/{execution_id}/results", summary="Read the result of an execution", responses=problems(404))
async def get_execution_results(execution_id: UUID, actor: CurrentActor, session: ReadSessionDep) -> ResultOut:
    """Read what an execution reported as its result, also while it runs. For its owner, its script's owner and admins."""
    execution = await get_visible(session, execution_id, actor)
    return ResultOut(
        execution_id=execution.id, state=execution.state, result=await logs.find_result(session, execution)
    )


def _download(database: Database, execution_id: UUID, which: LineFilter, form: Literal["text", "jsonl"]) -> Response:
    name = f"{execution_id}.{'log' if form == 'text' else 'jsonl'}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    lines = _write(database, execution_id, which, form)
    return StreamingResponse(lines, media_type=MEDIA_TYPES[form], headers=headers)


async def _write(
    database: Database, execution_id: UUID, which: LineFilter, form: Literal["text", "jsonl"]
) -> AsyncIterator[str]:
    write = _as_text if form == "text" else _as_json
    async for items in chronicle.walk(database, execution_id):
        yield "".join(write(item) for item in items if which.lets_pass(item))


def _as_text(item: Entry | Gap) -> str:
    return f"{describe_gap(item)}\n" if isinstance(item, Gap) else f"{format_instant(item.at)} {item.value}\n"


def _as_json(item: Entry | Gap) -> str:
    return LogLineOut.of(item).model_dump_json() + "\n"
