"""The caller of an operation."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal
from uuid import UUID


class Role(StrEnum):
    """What a caller may do; each role includes the ones before it."""

    VIEWER = "viewer"
    USER = "user"
    ADMIN = "admin"
    SUPERADMIN = "superadmin"

    @property
    def rank(self) -> int:
        return list(Role).index(self)

    def includes(self, other: "Role") -> bool:
        """Say whether this role may do all that `other` may."""
        return self.rank >= other.rank


@dataclass(frozen=True)
class Actor:
    """An authenticated caller: a person's session, an API key acting for a person, or an execution that reports on itself.

    `role` is the role in force now: a key's own role, capped by its owner's. `scopes` is None for sessions (no narrowing).
    """

    kind: Literal["user", "api_key", "execution"]
    id: UUID
    user_id: UUID
    name: str
    email: str
    role: Role
    is_verified: bool = True
    session_id: UUID | None = None
    scopes: frozenset[str] | None = field(default=None)

    @property
    def is_admin(self) -> bool:
        return self.role.includes(Role.ADMIN)

    def may_read(self, resource: str) -> bool:
        """Say whether nothing keeps this caller from a resource: only keys with scopes are narrowed."""
        return self.scopes is None or f"{resource}:read" in self.scopes

    def may_change(self, owner_id: UUID | None) -> bool:
        """Apply the ownership rule: admins change everything, users what they own, viewers nothing."""
        return self.is_admin or (self.role.includes(Role.USER) and owner_id == self.user_id)
