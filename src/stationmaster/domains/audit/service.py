"""What other rooms say to the audit log.

    before = snapshot(user)
    ...                                   # change it
    audit.note(session, "user", user.id, before=before, after=snapshot(user))

None of it is needed for an entry to be made: it makes the entry say more. Called outside an operation it does nothing.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.db.session import before_commit
from stationmaster.domains.audit.facts import Facts
from stationmaster.domains.audit.slip import OPERATOR, Slip, Topic, find_slip


def note(
    session: AsyncSession, resource_type: str, id_: object, *, before: Facts | None = None, after: Facts | None = None
) -> None:
    """Say what this transaction does, and to what; its entry is made in it.

    `before` None means that it was made, `after` None that it was deleted. Of two notes the later counts: the service that
    was asked speaks after those it asked itself.
    """
    slip = find_slip()
    if slip is not None:
        slip.topic = Topic(resource_type, str(id_), before, after)
        before_commit(session, slip.enter)


def mention(resource_type: str, id_: object, *, after: Facts | None = None) -> None:
    """Say what the operation is about where there is no transaction, also when it will be refused."""
    slip = find_slip()
    if slip is not None:
        slip.topic = Topic(resource_type, str(id_), after=after)


def name_caller(user_id: UUID) -> None:
    """Say who an anonymous caller has proven to be, by a password or a mailed token."""
    slip = find_slip()
    if slip is not None:
        slip.proven_user_id = user_id


def leave_out() -> None:
    """Say that the operation changed nothing, so that nothing is to be entered."""
    slip = find_slip()
    if slip is not None:
        slip.changes_nothing = True


@contextmanager
def operator(action: str) -> Iterator[None]:
    """Enter what services note inside as done by an operator at the command line; `action` names the command."""
    with Slip(action, lambda: OPERATOR).under_way():
        yield
