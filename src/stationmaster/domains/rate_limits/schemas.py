"""What the API gives and takes about rate limits."""

from collections.abc import Mapping
from typing import Literal, Self
from uuid import UUID

from pydantic import Field

from stationmaster.domains.users.models import User
from stationmaster.identity.actor import Role
from stationmaster.web.limit_counters import Counter
from stationmaster.web.schema import Input, Output

KEY_EXAMPLE = "login:ip:203.0.113.7"
Kind = Literal["user", "api_key", "ip"]


class LimitedUser(Output):
    """Who is counted, or owns the key that is."""

    id: UUID
    email: str = Field(examples=["ada@example.com"])
    name: str = Field(examples=["Ada Lovelace"])
    role: Role


class ActiveLimit(Output):
    """A budget that is drawn on."""

    key: str = Field(description="Its name, for `POST /rate-limits/reset`.", examples=[KEY_EXAMPLE])
    type: Kind = Field(description="What calls are counted by.", examples=["ip"])
    identifier: str = Field(description="The id, or the address.", examples=["203.0.113.7"])
    current_count: int = Field(description="Calls in the present window.", examples=[12])
    limit: int = Field(description="Calls allowed in a window.", examples=[60])
    time_window_seconds: int = Field(examples=[60])
    user_info: LimitedUser | None = Field(description="The person behind it, when that is known.")

    @classmethod
    def of(cls, counter: Counter, people: Mapping[str, User]) -> Self:
        kind, _, identifier = counter.who.partition(":")
        person = people.get(counter.who)
        facts = {"type": kind, "identifier": identifier, "key": counter.key}
        return cls.model_validate(
            {
                **facts,
                "current_count": counter.count,
                "limit": counter.item.amount,
                "time_window_seconds": counter.item.get_expiry(),
                "user_info": LimitedUser.model_validate(person) if person else None,
            }
        )


class RateLimitStatus(Output):
    """How calls are limited, and who is near to a limit."""

    enabled: bool
    storage_type: Literal["memory", "redis"] = Field(description="`memory`: each replica counts for itself.")
    total_active_limits: int = Field(examples=[1])
    active_limits: list[ActiveLimit] = Field(description="The 500 nearest to their limit first.")


class ResetRequest(Input):
    key: str | None = Field(
        None, max_length=300, description="Only this one of `active_limits`; all when left out.", examples=[KEY_EXAMPLE]
    )


class ResetResult(Output):
    cleared: int = Field(description="Counts that were forgotten.", examples=[1])
