"""Who may manage whom."""

from stationmaster.domains.users.errors import MayNotGrant, MayNotManage
from stationmaster.identity.actor import Actor, Role

MANAGED = {
    Role.VIEWER: frozenset[Role](),
    Role.USER: frozenset[Role](),
    Role.ADMIN: frozenset({Role.VIEWER, Role.USER}),
    Role.SUPERADMIN: frozenset(Role),
}
"""Which roles each role may create, change, grant and delete."""


def check_manages(actor: Actor, role: Role) -> None:
    """Check that the actor manages accounts of `role`.

    Raises:
        MayNotManage: it does not.
    """
    if role not in MANAGED[actor.role]:
        raise MayNotManage(role)


def check_grants(actor: Actor, role: Role) -> None:
    """Check that the actor may give `role` to somebody.

    Raises:
        MayNotGrant: it may not.
    """
    if role not in MANAGED[actor.role]:
        raise MayNotGrant(role)
