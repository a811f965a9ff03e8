"""Preferences: one's own, and everybody's for admins."""

from uuid import UUID

from fastapi import APIRouter
from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.domains.users import management, preferences
from stationmaster.domains.users import service as users
from stationmaster.domains.users.schemas import NotificationPreferences, UiPreferences
from stationmaster.identity.dependencies import CurrentActor, RequireAdmin
from stationmaster.web.etag import IfMatchDep
from stationmaster.web.operation import Operation
from stationmaster.web.session import ReadSessionDep, SessionDep

router = APIRouter(prefix="/users", tags=["users"], route_class=Operation)


@router.get("/me/ui-preferences", summary="Read own UI preferences")
async def get_my_ui_preferences(session: ReadSessionDep, actor: CurrentActor) -> UiPreferences:
    """Return the document that a user interface stored, `{}` at first."""
    return UiPreferences((await preferences.preferences_of(session, actor.user_id)).ui)


@router.put("/me/ui-preferences", summary="Replace own UI preferences")
async def put_my_ui_preferences(
    body: UiPreferences, session: SessionDep, actor: CurrentActor, if_match: IfMatchDep
) -> UiPreferences:
    """Store a JSON object of up to 64 KiB; the service gives it back and does not look into it."""
    await if_match.check(lambda: _show_ui(session, actor.user_id))
    stored = await preferences.set_preferences(session, actor.user_id, {"ui": body.root})
    return UiPreferences(stored.ui)


@router.get("/me/notification-preferences", summary="Read own notification preferences")
async def get_my_notification_preferences(session: ReadSessionDep, actor: CurrentActor) -> NotificationPreferences:
    """Return what is sent to you, by which way."""
    return NotificationPreferences.of(await preferences.preferences_of(session, actor.user_id))


@router.put("/me/notification-preferences", summary="Replace own notification preferences")
async def put_my_notification_preferences(
    body: NotificationPreferences, session: SessionDep, actor: CurrentActor, if_match: IfMatchDep
) -> NotificationPreferences:
    """Say what is sent to you; a flag that is left out gets its default."""
    await if_match.check(lambda: _show_notification(session, actor.user_id))
    return NotificationPreferences.of(await preferences.set_preferences(session, actor.user_id, body.model_dump()))


@router.get("/{user_id}/ui-preferences", summary="Read a user's UI preferences")
async def get_ui_preferences(user_id: UUID, session: ReadSessionDep, _actor: RequireAdmin) -> UiPreferences:
    """Return somebody's document. For admins."""
    await users.get_user(session, user_id)
    return UiPreferences((await preferences.preferences_of(session, user_id)).ui)


@router.put("/{user_id}/ui-preferences", summary="Replace a user's UI preferences")
async def put_ui_preferences(
    user_id: UUID, body: UiPreferences, session: SessionDep, actor: RequireAdmin, if_match: IfMatchDep
) -> UiPreferences:
    """Store somebody's document. An admin does so for viewers and users, a superadmin for everyone."""
    await management.get_managed(session, actor, user_id)
    await if_match.check(lambda: _show_ui(session, user_id))
    return UiPreferences((await preferences.set_preferences(session, user_id, {"ui": body.root})).ui)


@router.get("/{user_id}/notification-preferences", summary="Read a user's notification preferences")
async def get_notification_preferences(
    user_id: UUID, session: ReadSessionDep, _actor: RequireAdmin
) -> NotificationPreferences:
    """Return what is sent to somebody. For admins."""
    await users.get_user(session, user_id)
    return NotificationPreferences.of(await preferences.preferences_of(session, user_id))


@router.put("/{user_id}/notification-preferences", summary="Replace a user's notification preferences")
async def put_notification_preferences(
    user_id: UUID, body: NotificationPreferences, session: SessionDep, actor: RequireAdmin, if_match: IfMatchDep
) -> NotificationPreferences:
    """Say what is sent to somebody. An admin does so for viewers and users, a superadmin for everyone."""
    await management.get_managed(session, actor, user_id)
    await if_match.check(lambda: _show_notification(session, user_id))
    return NotificationPreferences.of(await preferences.set_preferences(session, user_id, body.model_dump()))


async def _show_ui(session: AsyncSession, user_id: UUID) -> UiPreferences:
    return UiPreferences((await preferences.lock_preferences(session, user_id)).ui)


async def _show_notification(session: AsyncSession, user_id: UUID) -> NotificationPreferences:
    return NotificationPreferences.of(await preferences.lock_preferences(session, user_id))
