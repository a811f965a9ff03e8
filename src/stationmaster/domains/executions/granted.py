"""Secrets of the house, opened for one attempt."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from stationmaster.db.engine import Database
from stationmaster.db.session import unit_of_work
from stationmaster.domains.executions.executor import Facts
from stationmaster.domains.secrets import service as secrets
from stationmaster.kit.sealing import Sealer


@dataclass(frozen=True)
class GrantedSecrets:
    """Opens what the owner of the work has, and what was granted to its job."""

    database: Database
    sealer: Sealer

    async def open(self, names: Collection[str], facts: Facts) -> Mapping[str, str]:
        """Return the values of these secrets by name, in a transaction of its own that notes the use.

        Raises:
            SecretsNotOpened: some are not there, not for this use, or cannot be read.
        """
        if not names:
            return {}
        async with unit_of_work(self.database) as session:
            return await secrets.open_granted(
                session, self.sealer, names, owner_id=facts.owner_id, job_id=facts.job_id, script_id=facts.script_id
            )
