"""Who manages whom."""

import pytest

from stationmaster.domains.users import rules
from stationmaster.domains.users.errors import MayNotGrant, MayNotManage
from stationmaster.identity.actor import Actor, Role
from stationmaster.kit.ids import new_id

MANAGED = {
    Role.VIEWER: set[Role](),
    Role.USER: set[Role](),
    Role.ADMIN: {Role.VIEWER, Role.USER},
    Role.SUPERADMIN: {Role.VIEWER, Role.USER, Role.ADMIN, Role.SUPERADMIN},
}
PAIRS = pytest.mark.parametrize(("own", "other"), [(own, other) for own in Role for other in Role])


def actor(role: Role) -> Actor:
    return Actor(kind="user", id=new_id(), user_id=new_id(), name="Ada", email="ada@example.com", role=role)


@PAIRS
def test_manages(own: Role, other: Role) -> None:
    if other in MANAGED[own]:
        rules.check_manages(actor(own), other)
        return
    with pytest.raises(MayNotManage):
        rules.check_manages(actor(own), other)


@PAIRS
def test_grants(own: Role, other: Role) -> None:
    if other in MANAGED[own]:
        rules.check_grants(actor(own), other)
        return
    with pytest.raises(MayNotGrant):
        rules.check_grants(actor(own), other)
