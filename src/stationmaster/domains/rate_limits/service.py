"""What superadmins may ask of rate limits."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.db.engine import Database
from stationmaster.db.session import read_only
from stationmaster.domains.api_keys import service as api_keys
from stationmaster.domains.rate_limits.errors import LimitNotFound
from stationmaster.domains.rate_limits.schemas import ActiveLimit, RateLimitStatus
from stationmaster.domains.users import directory
from stationmaster.domains.users.models import User
from stationmaster.web.limit_counters import Counter
from stationmaster.web.throttle import Throttle

MOST_LISTED = 500


async def get_status(database: Database, throttle: Throttle) -> RateLimitStatus:
    """Tell how calls are limited, and which budgets are drawn on.

    Raises:
        Unavailable: the storage of the counts does not answer.
    """
    counters = await throttle.list_counters()
    listed = counters[:MOST_LISTED]
    async with read_only(database) as session:
        people = await _find_people(session, listed)
    return RateLimitStatus(
        enabled=throttle.is_enabled,
        storage_type="redis" if throttle.is_shared else "memory",
        total_active_limits=len(counters),
        active_limits=[ActiveLimit.of(counter, people) for counter in listed],
    )


async def reset(throttle: Throttle, key: str | None) -> int:
    """Forget the counts of one budget, or of all; return how many there were.

    Raises:
        LimitNotFound: nobody draws on a budget of that name.
        Unavailable: the storage of the counts does not answer.
    """
    cleared = await throttle.reset(key)
    if key is not None and cleared == 0:
        raise LimitNotFound(key)
    return cleared


async def _find_people(session: AsyncSession, counters: Sequence[Counter]) -> dict[str, User]:
    """Return the person behind each budget: the user, or the owner of the key."""
    ids = {
        counter.who: UUID(counter.who.partition(":")[2]) for counter in counters if not counter.who.startswith("ip:")
    }
    keys = {id_ for who, id_ in ids.items() if who.startswith("api_key:")}
    owners = await api_keys.find_owner_ids(session, keys) if keys else {}
    known = await directory.find_owners(session, [owners.get(id_, id_) for id_ in ids.values()], frozenset({"user"}))
    people = {who: known.get(owners.get(id_, id_)) for who, id_ in ids.items()}
    return {who: person for who, person in people.items() if person is not None}
