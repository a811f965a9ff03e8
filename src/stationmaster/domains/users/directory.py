"""Who the owners of things are, for the lists of the rooms above."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.db.base import table_of
from stationmaster.db.listing import Field, Through, field
from stationmaster.domains.users import repository
from stationmaster.domains.users.listing import PersonOut
from stationmaster.domains.users.models import User
from stationmaster.identity.actor import Actor

USER_FIELDS = frozenset({"user", "user_name", "user_email"})
"""The fields about an owner that a list can include."""

_users = table_of(User)


def owner_fields(owner_id: sa.ColumnElement[Any]) -> tuple[Field, Field]:
    """Declare `user_name` and `user_email` of a resource with this column; both are for administrators."""
    through = Through(owner_id, _users.c.id)
    return (
        field("user_name", _users.c.name, through=through, is_restricted=True),
        field("user_email", _users.c.email, through=through, is_restricted=True),
    )


async def find_owners(
    session: AsyncSession, owner_ids: Iterable[UUID | None], fields: frozenset[str]
) -> dict[UUID | None, User]:
    """Return those of the owners that are still there, when the fields of a list ask about them."""
    known = {id_ for id_ in owner_ids if id_ is not None}
    if not known or not fields & USER_FIELDS:
        return {}
    return {user.id: user for user in await repository.list_by_id(session, known)}


def describe_owner(user: User | None, actor: Actor) -> dict[str, Any]:
    """Return the values of `USER_FIELDS` as a caller may see them: name and address are for administrators and oneself."""
    if user is None:
        return dict.fromkeys(USER_FIELDS)
    is_open = actor.is_admin or user.id == actor.user_id
    name, email = (user.name, user.email) if is_open else (None, None)
    return {"user": PersonOut(id=user.id, name=name, email=email), "user_name": name, "user_email": email}
