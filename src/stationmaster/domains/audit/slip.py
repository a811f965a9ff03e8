"""The slip of the operation under way: what will be entered about it, at most once.

It lies in a context variable, so that services far inside can add to it and inner code need not hand it through. Outside an
operation (duties, executions, tests of services) there is none, and nothing is entered.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from uuid import UUID

from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.domains.audit.facts import Facts, difference, encode
from stationmaster.domains.audit.models import ActorKind, AuditLog, Outcome
from stationmaster.identity.actor import Actor


@dataclass(frozen=True)
class Caller:
    """Who does it, by ids only."""

    kind: ActorKind
    id: UUID | None = None
    user_id: UUID | None = None
    session_id: UUID | None = None

    @classmethod
    def of(cls, actor: Actor | None) -> "Caller":
        if actor is None:
            return ANONYMOUS
        if actor.kind == "execution":  # no account; its id tells which it was
            return cls(ActorKind.ANONYMOUS, actor.id)
        return cls(ActorKind(actor.kind), actor.id, actor.user_id, actor.session_id)


ANONYMOUS = Caller(ActorKind.ANONYMOUS)
OPERATOR = Caller(ActorKind.OPERATOR)


@dataclass(frozen=True)
class Topic:
    """What it is done to."""

    resource_type: str | None = None
    resource_id: str | None = None
    before: Facts | None = None
    after: Facts | None = None


@dataclass(eq=False)
class Slip:
    """The facts of one operation.

    `find_caller` is asked when the entry is written: by then the caller has proven who they are, or has not.
    """

    action: str
    find_caller: Callable[[], Caller]
    topic: Topic = field(default_factory=Topic)
    request_id: str | None = None
    address: str | None = None
    proven_user_id: UUID | None = None
    """Who an anonymous caller turned out to be, by a password or a mailed token."""
    changes_nothing: bool = False
    """Its success is not worth an entry."""
    is_entered: bool = False

    async def enter(self, session: AsyncSession) -> None:
        """Enter the success in the transaction that made it; give this to `before_commit`."""
        if self.is_entered or self.changes_nothing:
            return
        before, after = difference(self.topic.before, self.topic.after)
        await self._add(session, self._entry(Outcome.SUCCESS, before=encode(before), after=encode(after)))

    async def enter_refusal(self, session: AsyncSession, outcome: Outcome, reason: str) -> None:
        """Enter that it was refused; what was noted of a change was taken back with it."""
        if self.is_entered:
            return
        await self._add(session, self._entry(outcome, reason=reason))

    @contextmanager
    def under_way(self) -> Iterator[None]:
        """Let this be the slip of whatever is called inside."""
        token = _under_way.set(self)
        try:
            yield
        finally:
            _under_way.reset(token)

    def _entry(
        self, outcome: Outcome, *, reason: str | None = None, before: str | None = None, after: str | None = None
    ) -> AuditLog:
        caller = self._caller()
        return AuditLog(
            actor_kind=caller.kind,
            actor_id=caller.id,
            user_id=caller.user_id,
            session_id=caller.session_id,
            action=self.action,
            resource_type=self.topic.resource_type,
            resource_id=self.topic.resource_id,
            outcome=outcome,
            reason=reason,
            request_id=self.request_id,
            address=self.address,
            before=before,
            after=after,
        )

    async def _add(self, session: AsyncSession, entry: AuditLog) -> None:
        session.add(entry)
        await session.flush()
        event.listen(session.sync_session, "after_commit", self._confirm, once=True)

    def _confirm(self, _session: object) -> None:
        self.is_entered = True

    def _caller(self) -> Caller:
        caller, proven = self.find_caller(), self.proven_user_id
        if proven is None or caller.kind is not ActorKind.ANONYMOUS:
            return caller
        return replace(caller, kind=ActorKind.USER, id=proven, user_id=proven)


_under_way: ContextVar[Slip | None] = ContextVar("audit_slip", default=None)


def find_slip() -> Slip | None:
    """Return the slip of the operation under way, if one is."""
    return _under_way.get()
