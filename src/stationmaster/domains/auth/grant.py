"""What a login or a refresh hands out."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from stationmaster.domains.users.models import User


@dataclass(frozen=True)
class Grant:
    """A session's pair of tokens, which are nowhere else in clear."""

    user: User
    session_id: UUID
    access_token: str
    refresh_token: str
    expires_in_seconds: int
    refresh_expires_at: datetime
