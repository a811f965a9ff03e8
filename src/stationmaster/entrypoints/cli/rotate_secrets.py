"""`stationmaster rotate-secrets`."""

from collections.abc import AsyncIterator

from stationmaster.db.resealing import Tally, reseal_column, sealed_columns
from stationmaster.entrypoints.api import ROUTERS
from stationmaster.entrypoints.cli.house import open_house, run
from stationmaster.entrypoints.cli.terminal import Refusal, say
from stationmaster.entrypoints.secret_key import load_keyring

assert ROUTERS, "imported for the tables that all rooms have: what is not imported would keep its old key"


def rotate_secrets() -> None:
    """Seal everything that is stored encrypted anew, with the first of the encryption keys.

    1. Put the new key behind the present one in STATIONMASTER_ENCRYPTION_KEYS (SECRET_KEY counts as the last one), and
       restart all replicas: now each of them opens what the new key seals.
    2. Put the new key first, and restart them again.
    3. Run this command, while they work. Broken off, it is simply run again.
    4. Take the old key away.

    Exit code 1 when something was found that none of the keys opens; it stays as it is.
    """
    unreadable = run(_rotate())
    if unreadable:
        raise Refusal(f"{unreadable} sealed texts cannot be opened with these keys, and were left as they are.")


async def _rotate() -> int:
    unreadable = 0
    async for name, tally in _tallies():
        say(f"{name}: {tally.resealed} sealed anew" + (f", {tally.unreadable} unreadable" if tally.unreadable else ""))
        unreadable += tally.unreadable
    return unreadable


async def _tallies() -> AsyncIterator[tuple[str, Tally]]:
    async with open_house() as house:
        keyring = load_keyring(house.settings)
        for column in sealed_columns():
            yield f"{column.table.name}.{column.name}", await reseal_column(house.database, column, keyring.sealer)
