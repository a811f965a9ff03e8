"""API keys: one's own, and everybody's for admins."""

from datetime import timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response, status
from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.domains.api_keys import service as api_keys
from stationmaster.domains.api_keys.schemas import (
    ApiKeyCreate,
    ApiKeyPatch,
    ApiKeyRead,
    ApiKeySecret,
    Rotation,
)
from stationmaster.domains.api_keys.service import NewApiKey
from stationmaster.domains.outbox.dependencies import OutboxDep
from stationmaster.errors import FieldError, Invalid
from stationmaster.identity.actor import Actor
from stationmaster.identity.dependencies import CurrentActor
from stationmaster.identity.scopes import known_scopes
from stationmaster.web.application import SettingsDep
from stationmaster.web.etag import IfMatchDep
from stationmaster.web.operation import Operation
from stationmaster.web.paging import Page, PageParams, paginate
from stationmaster.web.session import ReadSessionDep, SessionDep

router = APIRouter(prefix="/api-keys", tags=["api-keys"], route_class=Operation)


class ApiKeyListParams(PageParams):
    """Which keys, and which page of them."""

    is_active: bool | None = Field(None, description="Only active, or only inactive keys.")
    user_id: UUID | None = Field(None, description="Only this owner's keys; others' are for admins.")


async def _read_new_key(body: ApiKeyCreate, request: Request) -> NewApiKey:
    known = known_scopes(request.app)
    wrong = [
        FieldError("There is no such scope.", pointer=f"/scopes/{index}")
        for index, scope in enumerate(body.scopes or [])
        if scope not in known
    ]
    if wrong:
        raise Invalid(*wrong)
    return NewApiKey(**body.model_dump())


NewApiKeyDep = Annotated[NewApiKey, Depends(_read_new_key)]


@router.get("", summary="List API keys", response_model=Page[ApiKeyRead])
async def list_api_keys(
    params: Annotated[ApiKeyListParams, Query()],
    session: ReadSessionDep,
    actor: CurrentActor,
    request: Request,
    response: Response,
) -> Any:
    """List your keys, newest first; all keys for admins."""

    def read(rows: Any) -> list[ApiKeyRead]:
        return [ApiKeyRead.of(row) for row in rows]

    statement = api_keys.list_statement(actor, user_id=params.user_id, is_active=params.is_active)
    return await paginate(session, statement, params, request=request, response=response, transform=read)


@router.post("", summary="Create an API key", status_code=status.HTTP_201_CREATED)
async def create_api_key(
    new: NewApiKeyDep,
    session: SessionDep,
    actor: CurrentActor,
    settings: SettingsDep,
    outbox: OutboxDep,
    *,
    response: Response,
) -> ApiKeySecret:
    """Make a key that acts for you. This answer is the only one that shows it.

    Its role is at most yours, now and later: if you lose rights, so does the key.
    """
    key, text = await api_keys.create_key_as(session, actor, new, settings=settings.api_keys, outbox=outbox)
    response.headers["Location"] = f"/api/v1/api-keys/{key.id}"
    return ApiKeySecret.with_text(key, text)


@router.get("/{key_id}", summary="Read an API key")
async def get_api_key(key_id: UUID, session: ReadSessionDep, actor: CurrentActor) -> ApiKeyRead:
    """Return one of your keys; any key for admins."""
    return ApiKeyRead.of(await api_keys.get_key(session, actor, key_id))


@router.patch("/{key_id}", summary="Change an API key")
async def patch_api_key(
    key_id: UUID, body: ApiKeyPatch, session: SessionDep, actor: CurrentActor, if_match: IfMatchDep
) -> ApiKeyRead:
    """Rename a key, or switch it off and on. Admins do so for the accounts that they manage."""
    await if_match.check(lambda: _show_changeable(session, actor, key_id))
    changes = body.model_dump(exclude_unset=True)
    return ApiKeyRead.of(await api_keys.update_key(session, actor, key_id, changes))


@router.delete("/{key_id}", summary="Delete an API key", status_code=status.HTTP_204_NO_CONTENT)
async def delete_api_key(key_id: UUID, session: SessionDep, actor: CurrentActor, if_match: IfMatchDep) -> None:
    """Delete a key and its statistics; it is refused everywhere within 5 seconds."""
    await if_match.check(lambda: _show_changeable(session, actor, key_id))
    await api_keys.delete_key(session, actor, key_id)


@router.post("/{key_id}/rotate", summary="Rotate an API key")
async def rotate_api_key(
    key_id: UUID, session: SessionDep, actor: CurrentActor, settings: SettingsDep, body: Rotation | None = None
) -> ApiKeySecret:
    """Replace the text of one of your own keys, and show the new one, this once.

    The present text goes on for `overlap_seconds`, so that programs can be changed over without a gap.
    """
    wished = body.overlap_seconds if body else None
    overlap = settings.api_keys.rotation_overlap if wished is None else timedelta(seconds=wished)
    return ApiKeySecret.with_text(*await api_keys.rotate_key(session, actor, key_id, overlap=overlap))


async def _show_changeable(session: AsyncSession, actor: Actor, key_id: UUID) -> ApiKeyRead:
    return ApiKeyRead.of(await api_keys.get_changeable(session, actor, key_id))
