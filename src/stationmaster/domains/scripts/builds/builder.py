"""Builds the images of scripts, one at a time on each replica that reaches an engine."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from stationmaster.db.engine import Database
from stationmaster.db.errors import AWAY
from stationmaster.db.session import read_only, unit_of_work
from stationmaster.domains.scripts import repository
from stationmaster.domains.scripts.archives.names import Refused
from stationmaster.domains.scripts.archives.reading import read_all
from stationmaster.domains.scripts.builds import claims
from stationmaster.domains.scripts.builds.claims import Claim, NotOurs
from stationmaster.domains.scripts.builds.template import CannotBuild, make_context
from stationmaster.domains.scripts.manifest import Manifest
from stationmaster.outbound.docker.building import BuildOrder, build
from stationmaster.outbound.docker.engine import Engine
from stationmaster.outbound.docker.errors import EngineAway, EngineRefused
from stationmaster.setting_groups import BuildSettings
from stationmaster.telemetry import metrics

logger = logging.getLogger(__name__)

POLL_SECONDS = 2.0
BEAT_SECONDS = 1.0
SWEEP_SECONDS = 600.0
MOST_LINES = 10_000
MOST_CHARACTERS = 2_000
VERSION_LABEL = "stationmaster.script_version"
INSTALLATION_LABEL = "stationmaster.installation"
AWAY_TEXT = "The engine went away; the build is begun again."


@dataclass
class Transcript:
    """What the engine says: a part waits to be stored, and what is too much is left out, with a mark."""

    waiting: list[str] = field(default_factory=list)
    count: int = 0

    def add(self, line: str) -> None:
        self.count += 1
        if self.count <= MOST_LINES:
            self.waiting.append(line[:MOST_CHARACTERS].replace("\0", ""))
        elif self.count == MOST_LINES + 1:
            self.waiting.append("The rest of the log is left out.")

    def take(self) -> list[str]:
        taken, self.waiting = self.waiting, []
        return taken


@dataclass
class Builder:
    """Takes versions from the queue and has their images built."""

    database: Database
    engine: Engine
    settings: BuildSettings
    installation: str
    uid: int
    lease: timedelta
    """How long a build stays ours while we do not say that it goes on, which we do each second."""

    async def run(self) -> None:
        """Build what comes, and now and then remove what nobody needs any more, for ever."""
        swept_at = float("-inf")
        while True:
            try:
                has_worked = await self.build_next()
                if time.monotonic() - swept_at > SWEEP_SECONDS:
                    swept_at = time.monotonic()
                    await self.sweep()
            except (EngineAway, EngineRefused) as error:
                logger.debug("builds.not_swept", extra={"error": type(error).__name__})
                has_worked = False
            except AWAY as error:
                logger.warning("builds.delayed", extra={"error": type(error).__name__})
                has_worked = False
            if not has_worked:
                await asyncio.sleep(POLL_SECONDS)

    async def sweep(self) -> int:
        """Remove the images of versions that are not there any more; return how many."""
        images = await self.engine.list_images(f"{INSTALLATION_LABEL}={self.installation}")
        versions = {id_: labels[VERSION_LABEL] for id_, labels in images.items() if VERSION_LABEL in labels}
        async with read_only(self.database) as session:
            known = {str(id_) for id_ in await repository.find_versions(session, map(UUID, versions.values()))}
        gone = [id_ for id_, version in versions.items() if version not in known]
        for id_ in gone:
            await self.engine.remove_image(id_)
        return len(gone)

    async def build_next(self) -> bool:
        """Build the oldest version that waits; return whether there was one."""
        async with unit_of_work(self.database) as session:
            claimed = await claims.claim(session, self.lease)
        if claimed is None:
            return False
        with suppress(NotOurs):
            await self._carry_out(claimed)
        return True

    async def _carry_out(self, claimed: Claim) -> None:
        transcript, seconds = Transcript(), self.settings.timeout.total_seconds()
        try:
            async with asyncio.timeout(seconds):
                image = await self._build(claimed, transcript)
        except TimeoutError:
            await self._fail(claimed, transcript, f"It took longer than {seconds:g} seconds.")
        except (CannotBuild, Refused, EngineRefused) as error:
            await self._fail(claimed, transcript, str(error))
        except EngineAway:
            async with unit_of_work(self.database) as session:
                await claims.release(session, claimed, AWAY_TEXT)
        else:
            metrics.script_builds.labels("success").inc()
            async with unit_of_work(self.database) as session:
                await claims.renew(session, claimed, transcript.take())
                await claims.succeed(session, claimed, image)

    async def _fail(self, claimed: Claim, transcript: Transcript, error: str) -> None:
        metrics.script_builds.labels("failed").inc()
        async with unit_of_work(self.database) as session:
            await claims.renew(session, claimed, transcript.take())
            await claims.fail(session, claimed, error[:MOST_CHARACTERS])

    async def _build(self, claimed: Claim, transcript: Transcript) -> str:
        """Return the id of the image, which is its digest."""
        order = await asyncio.to_thread(self._make_order, claimed)
        try:
            async with asyncio.TaskGroup() as group:
                beat = group.create_task(self._beat(claimed, transcript))
                await _listen(build(self.engine, order), transcript)
                beat.cancel()
        except ExceptionGroup as errors:
            raise errors.exceptions[0] from errors
        return await self._check_size(order.tag)

    def _make_order(self, claimed: Claim) -> BuildOrder:
        manifest = Manifest.model_validate(claimed.manifest)
        context = make_context(
            read_all(claimed.archive),
            manifest.entrypoint,
            base=self.settings.base_image,
            uid=self.uid,
            allows_dockerfile=self.settings.allow_dockerfile,
        )
        return BuildOrder(
            context=context,
            tag=f"stationmaster-{self.installation}/{claimed.script_id.hex}:{claimed.number}",
            labels={INSTALLATION_LABEL: self.installation, VERSION_LABEL: str(claimed.version_id)},
            memory_mb=self.settings.memory_mb,
            cpu=self.settings.cpu,
            network=self.settings.network,
        )

    async def _beat(self, claimed: Claim, transcript: Transcript) -> None:
        """Keep the lease and store what was said, until cancelled."""
        while True:
            await asyncio.sleep(BEAT_SECONDS)
            async with unit_of_work(self.database) as session:
                await claims.renew(session, claimed, transcript.take())

    async def _check_size(self, tag: str) -> str:
        found = await self.engine.find_image(tag)
        if found is None:
            raise CannotBuild("The engine built it, and does not have it.")
        if found["Size"] > self.settings.max_image_mb * 1024**2:
            await self.engine.remove_image(tag)
            raise CannotBuild(f"The image has {found['Size']:,} bytes; {self.settings.max_image_mb} MiB are the most.")
        return str(found["Id"])


async def _listen(said: AsyncIterator[str], transcript: Transcript) -> None:
    async for line in said:
        transcript.add(line)
