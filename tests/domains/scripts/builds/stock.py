"""Scripts in the database whose versions wait to be built."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlmodel import select

from stationmaster.db.engine import Database
from stationmaster.db.session import read_only, unit_of_work
from stationmaster.domains.audit import service as audit
from stationmaster.domains.scripts import repository, service
from stationmaster.domains.scripts.manifest import Manifest
from stationmaster.domains.scripts.models import BuildLine, Origin, Script, Version
from stationmaster.domains.scripts.sources import Submission, pack
from stationmaster.identity.actor import Actor
from tests.support.people import actor_of, make_user

Files = dict[str, bytes]
LEASE = timedelta(seconds=60)
HELLO: Files = {"main.sh": b'echo "hello $1"\n'}


@dataclass
class Stock:
    """One script and its versions."""

    database: Database
    actor: Actor
    script_id: UUID

    async def hand_in(self, files: Files) -> None:
        """Hand in another version."""
        with audit.operator("tests"):
            async with unit_of_work(self.database) as session:
                await service.add_version(session, str(self.script_id), submission(files), self.actor)

    async def delete(self) -> None:
        """Delete the script."""
        with audit.operator("tests"):
            async with unit_of_work(self.database) as session:
                await service.delete_script(session, str(self.script_id), self.actor)

    async def script(self) -> Script:
        async with read_only(self.database) as session:
            found = await repository.find_script(session, self.script_id)
        assert found is not None
        return found

    async def version(self, number: int = 1) -> Version:
        async with read_only(self.database) as session:
            found = await repository.find_version(session, self.script_id, number)
        assert found is not None
        return found

    async def log(self, number: int = 1) -> list[str]:
        """Return the build log of a version."""
        version = await self.version(number)
        async with read_only(self.database) as session:
            statement = select(BuildLine).where(BuildLine.version_id == version.id).order_by("number")
            return [line.text for line in await session.scalars(statement)]


async def make_stock(database: Database, files: Files, *, entrypoint: str = "main.sh") -> Stock:
    """Register a script whose first version waits to be built."""
    actor = actor_of(await make_user(database))
    with audit.operator("tests"):
        async with unit_of_work(database) as session:
            script = await service.create_script(session, submission(files, entrypoint), actor)
    return Stock(database, actor, script.id)


def submission(files: Files, entrypoint: str = "main.sh") -> Submission:
    manifest = Manifest.model_validate({"name": "Greeting", "runtime": "docker", "entrypoint": entrypoint})
    return Submission(manifest, Origin.ARCHIVE, archive=pack(files))
