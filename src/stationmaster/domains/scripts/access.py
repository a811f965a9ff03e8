"""Who may do what with a script: one rule, as a function for one script and as a condition for many.

A script is private unless somebody opens it. Its owner and admins may do everything (an owner who has become a viewer only
looks). Who else may *use* it, see it and run it:

    public              everybody who is signed in
    listed users, roles those, and whoever has a role above a listed one
    otherwise           nobody, and it looks to them as if it were not there

Whoever only uses a script neither changes it nor reads its source and its build log. Running needs the role user.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal
from uuid import UUID

import sqlalchemy as sa

from stationmaster.db.base import table_of
from stationmaster.domains.scripts.models import AllowedRole, AllowedUser, Script
from stationmaster.identity.actor import Actor, Role

AccessType = Literal["owner_only", "public", "restricted"]

scripts = table_of(Script)
users = table_of(AllowedUser)
roles = table_of(AllowedRole)


class Action(StrEnum):
    """What somebody wants of a script."""

    SEE = "see"
    RUN = "run"
    DOWNLOAD = "download"
    """Its source."""
    LOG = "log"
    """What was said while it was built."""
    CHANGE = "change"


@dataclass(frozen=True)
class Access:
    """Who owns a script and whom it is open to."""

    owner_id: UUID | None
    is_public: bool = False
    users: frozenset[UUID] = frozenset()
    roles: frozenset[Role] = frozenset()

    @property
    def is_restricted(self) -> bool:
        return bool(self.users or self.roles)

    @property
    def type(self) -> AccessType:
        if self.is_public:
            return "public"
        return "restricted" if self.is_restricted else "owner_only"

    def may(self, actor: Actor, action: Action) -> bool:
        """Apply the rule above."""
        if action is Action.SEE:
            return actor.is_admin or self.owner_id == actor.user_id or self._is_open_to(actor)
        if actor.may_change(self.owner_id):
            return True
        return action is Action.RUN and actor.role.includes(Role.USER) and self._is_open_to(actor)

    def _is_open_to(self, actor: Actor) -> bool:
        is_listed = actor.user_id in self.users or any(actor.role.includes(role) for role in self.roles)
        return self.is_public or is_listed


def visible_to(actor: Actor) -> sa.ColumnElement[bool]:
    """Return the condition on `scripts` that `may(actor, SEE)` is of one."""
    if actor.is_admin:
        return sa.true()
    below = [role for role in Role if actor.role.includes(role)]
    return sa.or_(
        scripts.c.owner_id == actor.user_id,
        scripts.c.is_public,
        scripts.c.id.in_(sa.select(users.c.script_id).where(users.c.user_id == actor.user_id)),
        scripts.c.id.in_(sa.select(roles.c.script_id).where(roles.c.role.in_(below))),
    )


def logs_open_to(actor: Actor) -> sa.ColumnElement[bool]:
    """Return the condition on `scripts` that `may(actor, LOG)` is of one."""
    if actor.is_admin:
        return sa.true()
    return scripts.c.owner_id == actor.user_id if actor.role.includes(Role.USER) else sa.false()
