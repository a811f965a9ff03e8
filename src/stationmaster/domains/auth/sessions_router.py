"""One's own sessions."""

from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request, Response, status

from stationmaster.domains.auth import logout, sessions
from stationmaster.domains.auth.schemas import SessionRead
from stationmaster.identity.dependencies import CurrentPerson
from stationmaster.web.operation import Operation
from stationmaster.web.paging import Page, PageParamsDep, paginate
from stationmaster.web.session import ReadSessionDep, SessionDep

router = APIRouter(prefix="/users/me/sessions", tags=["users"], route_class=Operation)


@router.get("", summary="List own sessions", response_model=Page[SessionRead])
async def list_sessions(
    params: PageParamsDep, session: ReadSessionDep, actor: CurrentPerson, request: Request, response: Response
) -> Any:
    """List your sessions that are going on, newest first; `is_current` marks the one you are calling in."""

    def read(rows: Any) -> list[SessionRead]:
        return [SessionRead.of(row, current_id=actor.session_id) for row in rows]

    statement = await sessions.list_statement(session, actor.user_id)
    return await paginate(session, statement, params, request=request, response=response, transform=read)


@router.delete("", summary="End all own sessions", status_code=status.HTTP_204_NO_CONTENT)
async def end_sessions(session: SessionDep, actor: CurrentPerson) -> None:
    """End all your sessions, this one included, as `POST /auth/logout-all` does."""
    await logout.log_out_everywhere(session, actor.user_id)


@router.delete("/{session_id}", summary="End an own session", status_code=status.HTTP_204_NO_CONTENT)
async def end_session(session_id: UUID, session: SessionDep, actor: CurrentPerson) -> None:
    """End one of your sessions; its tokens are refused everywhere within 5 seconds."""
    await sessions.end_own(session, actor.user_id, session_id)
