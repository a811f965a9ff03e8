"""Setting up how the place is told, and delivering to it."""

from stationmaster.db.base import SECRETS_AT_REST
from stationmaster.db.engine import Database
from stationmaster.db.session import unit_of_work
from stationmaster.domains.notifications import place
from stationmaster.domains.notifications.place import Hook as HookSettings
from stationmaster.domains.outbox.carrier import Carrier
from stationmaster.domains.outbox.delivery import Courier
from stationmaster.domains.outbox.service import Outbox
from stationmaster.kit.sealing import Keyring

KEYRING = Keyring(("a secret key of the tests, long enough",))
SEALER = KEYRING.sealer(SECRETS_AT_REST)
OUTBOX = Outbox.open("https://station.example", KEYRING)


async def set_up(database: Database, name: str, url: str, *, is_enabled: bool = True, **facts: str) -> None:
    """Store a hook of the place."""
    async with unit_of_work(database) as session:
        await place.read_hook(session, SEALER, name, for_update=True)
        await place.store_hook(session, SEALER, name, HookSettings(is_enabled=is_enabled, url=url, **facts))


async def deliver(database: Database, carrier: Carrier, *, max_attempts: int = 10) -> int:
    """Deliver one batch."""
    return await Courier(database, OUTBOX, carrier, max_attempts).deliver_due()
