"""Services of a Docker Swarm, through the engine of a manager."""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from stationmaster.outbound.docker.engine import Engine, Json, RegistryLogin, forgiving, translated
from stationmaster.outbound.docker.errors import NotThere
from stationmaster.outbound.docker.log_stream import Block


class Swarm:
    """The swarm that an engine manages."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    async def find_service(self, name: str) -> Json | None:
        """Return a service by its name; None when there is none."""
        try:
            with translated():
                return dict(await self.engine.docker.services.inspect(name))
        except NotThere:
            return None

    async def create_service(self, spec: Mapping[str, Any], login: RegistryLogin | None) -> None:
        """Create a service, which starts at once; there is one of each name.

        Raises:
            Conflict: the name is taken.
        """
        headers = {"X-Registry-Auth": login.header()} if login else None
        with translated():
            await self.engine.send_json("services/create", spec, headers=headers)

    async def remove_service(self, name: str) -> None:
        """Remove a service: its tasks are asked to end, and killed after their grace; one that is gone is fine too."""
        with forgiving(), translated():
            await self.engine.docker.services.delete(name)

    async def list_services(self, label: str) -> dict[str, Mapping[str, str]]:
        """Return the labels of the services with a label (`name=value`), by name."""
        with translated():
            found = await self.engine.docker.services.list(filters={"label": label})
        return {str(service["Spec"]["Name"]): service["Spec"]["Labels"] for service in found}

    async def list_tasks(self, service: str) -> Sequence[Json]:
        """Return the tasks of a service, the oldest first."""
        with translated():
            tasks = [dict(task) for task in await self.engine.docker.tasks.list(filters={"service": service})]
        return sorted(tasks, key=lambda task: str(task["CreatedAt"]))

    async def follow_log(self, service: str, *, skip_lines: int) -> AsyncIterator[Block]:
        """Yield the lines of all tasks of a service after the first ones; it never ends by itself, whatever the tasks do."""
        async for block in self.engine.follow_log(f"services/{service}", skip_lines=skip_lines):
            yield block

    async def create_closed_network(self, name: str, labels: Mapping[str, str]) -> None:
        """Create a network of all nodes from which nothing leads out; one of that name that is there is taken."""
        config = {"Name": name, "Driver": "overlay", "Internal": True, "CheckDuplicate": True, "Labels": dict(labels)}
        with forgiving(), translated():
            await self.engine.send_json("networks/create", config)

    async def list_networks(self, label: str) -> dict[str, Mapping[str, str]]:
        """Return the labels of the networks with a label (`name=value`), by name."""
        with translated():
            found = await self.engine.get_json("networks", {"filters": json.dumps({"label": [label]})})
        return {str(network["Name"]): network["Labels"] for network in found}

    async def remove_network(self, name: str) -> None:
        """Remove a network; one that is gone is fine too."""
        with forgiving(), translated():
            network = await self.engine.docker.networks.get(name)
            await network.delete()
