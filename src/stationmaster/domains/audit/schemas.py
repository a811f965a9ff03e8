"""What the API says about the audit log."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import ConfigDict, Field, StringConstraints
from pydantic.config import JsonDict

from stationmaster.domains.audit.facts import decode
from stationmaster.domains.audit.models import DIGEST_LENGTH, ActorKind, AuditLog, Outcome
from stationmaster.domains.audit.verdict import Fault, Link, Verdict
from stationmaster.web.schema import INT32_MAX, Input, Output

ENTRY_EXAMPLE: JsonDict = {
    "id": "019aa1c2-7d3e-7c44-9b51-0f6a2b8c9d10",
    "sequence": 4711,
    "at": "2026-11-21T08:30:00.000Z",
    "actor": {
        "kind": "user",
        "id": "019aa1c0-3333-7aaa-8bbb-0123456789ab",
        "user_id": "019aa1c0-3333-7aaa-8bbb-0123456789ab",
        "name": "Ada",
    },
    "via": {"kind": "session", "id": "019aa1c0-4444-7aaa-8bbb-0123456789ab"},
    "action": "update_job",
    "resource_type": "job",
    "resource_id": "019aa1c0-1111-7aaa-8bbb-0123456789ab",
    "outcome": "success",
    "reason": None,
    "request_id": "0193b0c8-7d3e-7c4a-9d5e-1f2a3b4c5d6e",
    "address": "192.0.2.0",
    "before": {"timeout_seconds": 300.0},
    "after": {"timeout_seconds": 60.0},
}


class ActorOut(Output):
    """Who called."""

    kind: ActorKind
    id: UUID | None = Field(description="The account or the API key; null for operators and anonymous callers.")
    user_id: UUID | None = Field(description="The account that called, or whose key did.")
    name: str | None = Field(description="Name of the account or key today; null when it is gone.")


class ViaOut(Output):
    """By what the caller had proven who they are."""

    kind: Literal["session", "api_key"]
    id: UUID


class AuditLogOut(Output):
    """One operation that changed something, or was refused."""

    model_config = ConfigDict(json_schema_extra={"examples": [ENTRY_EXAMPLE]})

    id: UUID
    sequence: int | None = Field(description="Place in the chain, from 1; null for the seconds until it is sealed.")
    at: datetime
    actor: ActorOut
    via: ViaOut | None
    action: str = Field(description="The operation's id in this document; for commands of an operator, the command.")
    resource_type: str | None
    resource_id: str | None
    outcome: Outcome = Field(
        description="`denied`: the caller lacks the right (403). `failed`: the credentials do not count (401)."
    )
    reason: str | None = Field(description="Kind of problem, when it was refused.")
    request_id: str | None
    address: str | None = Field(description="Network of the caller: the first 24 bits (IPv4) or 48 (IPv6).")
    before: dict[str, Any] | None = Field(description="What changed, as it was; secrets and personal fields masked.")
    after: dict[str, Any] | None = Field(description="What changed, as it is; secrets and personal fields masked.")

    @classmethod
    def of(cls, entry: AuditLog, names: Mapping[UUID | None, str]) -> Self:
        """Show an entry with the names known today."""
        kept = ("id", "sequence", "at", "action", "resource_type", "resource_id", "outcome", "reason", "request_id")
        return cls(
            **{name: getattr(entry, name) for name in (*kept, "address")},
            actor=ActorOut(
                kind=entry.actor_kind, id=entry.actor_id, user_id=entry.user_id, name=names.get(entry.actor_id)
            ),
            via=_via_of(entry),
            before=decode(entry.before),
            after=decode(entry.after),
        )


def _via_of(entry: AuditLog) -> ViaOut | None:
    if entry.actor_kind is ActorKind.API_KEY and entry.actor_id is not None:
        return ViaOut(kind="api_key", id=entry.actor_id)
    return ViaOut(kind="session", id=entry.session_id) if entry.session_id else None


class ActionCount(Output):
    """How often an operation."""

    action: str = Field(examples=["create_job"])
    count: int


class ActorCount(Output):
    """How often a caller."""

    kind: ActorKind
    id: UUID | None
    name: str | None = Field(examples=["Ada"])
    count: int


class DayCount(Output):
    """How often on a day."""

    day: date = Field(description="In UTC.", examples=["2026-11-21"])
    count: int


class StatsOut(Output):
    """How many entries there are of which kind."""

    total: int
    by_outcome: dict[Outcome, int] = Field(description="Outcomes without an entry are left out.")
    by_action: list[ActionCount] = Field(description="The 100 most frequent.")
    by_actor: list[ActorCount] = Field(description="The 100 most frequent.")
    by_day: list[DayCount] = Field(description="The newest 366 days that have entries, newest first.")


class AnchorIn(Input):
    """A seal that was seen before, in the log of the service or in the answer of an earlier verification."""

    seal: Annotated[int, Field(ge=1, le=INT32_MAX, description="Its number.", examples=[812])]
    digest: Annotated[
        str,
        StringConstraints(pattern=f"^[0-9a-f]{{{DIGEST_LENGTH}}}$"),
        Field(description="Its digest.", examples=["5f" * 32]),
    ]

    def link(self) -> Link:
        return Link(self.seal, self.digest)


class LinkOut(Output):
    """A seal by its number and digest."""

    seal: int = Field(examples=[812])
    digest: str = Field(examples=["5f" * 32])


class BreakOut(Output):
    """Where the chain breaks first."""

    what: Literal["entry", "seal", "checkpoint"]
    fault: Fault = Field(
        description="`changed`: not what was signed. `missing`: not there, or elsewhere. `uncovered`: no seal covers it. "
        "`other_key`: signed with another key than the service has."
    )
    seal: int | None = Field(description="Number of the seal.")
    sequence: int | str | None = Field(description="Place of the entry.")
    id: str | None = Field(description="Id of the entry, when it is there.", examples=[None])


class VerdictOut(Output):
    """What walking the chain has shown."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "is_intact": True,
                    "verified_entries": 4711,
                    "verified_seals": 812,
                    "removed_entries": 0,
                    "unsealed_entries": 2,
                    "head": {"seal": 812, "digest": "5f" * 32},
                    "broken": None,
                }
            ]
        }
    )

    is_intact: bool
    verified_entries: int = Field(description="Entries that are what was signed, from the first on.")
    verified_seals: int
    removed_entries: int = Field(description="Removed by retention, which signed where the chain begins since.")
    unsealed_entries: int = Field(description="Too new to be sealed.")
    head: LinkOut | None = Field(description="The last seal that was verified; keep it, and send it the next time.")
    broken: BreakOut | None = Field(description="The first entry or seal that is not what was signed.")

    @classmethod
    def of(cls, verdict: Verdict) -> Self:
        """Show a verdict."""
        return cls(
            is_intact=verdict.broken is None,
            verified_entries=verdict.entries,
            verified_seals=verdict.seals,
            removed_entries=verdict.removed,
            unsealed_entries=verdict.unsealed,
            head=LinkOut.model_validate(verdict.head) if verdict.head else None,
            broken=BreakOut.model_validate(verdict.broken) if verdict.broken else None,
        )
