"""What can be refused about accounts."""

from stationmaster.errors import Conflict, FieldError, Forbidden, Invalid
from stationmaster.identity.actor import Role


class LastSuperadmin(Conflict):
    """Nobody would be left who may do everything."""

    slug = "last-superadmin"
    title = "The last superadmin stays"

    def __init__(self) -> None:
        super().__init__("This is the last active superadmin; make another one first.")


class MayNotManage(Forbidden):
    """An admin manages viewers and users, a superadmin everyone."""

    def __init__(self, role: Role) -> None:
        super().__init__(f"Your role does not manage accounts with the role {role.value}.")


class MayNotGrant(Forbidden):
    """Nobody grants more than they manage."""

    def __init__(self, role: Role) -> None:
        super().__init__(f"Your role does not grant the role {role.value}.")


class WeakPassword(Invalid):
    """A password that is too short, too long or among the first that an attacker tries."""

    def __init__(self, reason: str, *, pointer: str = "/password") -> None:
        super().__init__(FieldError(reason, pointer=pointer))
        self.reason = reason
