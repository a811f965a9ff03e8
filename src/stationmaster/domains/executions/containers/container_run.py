"""The life of one container, from its name to its end; see the package for what happens on each failure."""

import asyncio
import json
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from stationmaster.db.blobs import BytesSource
from stationmaster.domains.executions.containers import verdict
from stationmaster.domains.executions.containers.hardening import MIB, container_config
from stationmaster.domains.executions.containers.run_facts import RunFacts
from stationmaster.domains.executions.containers.work import HOME, OUTPUTS, RESULT_FILE, STATE_FILE, ContainerWork
from stationmaster.domains.executions.containers.workspace import make_workspace
from stationmaster.domains.executions.executor import Desk, Outcome
from stationmaster.domains.executions.journal import Journal, Stream
from stationmaster.domains.executions.state_file import StateFile, mark_of
from stationmaster.domains.executions.states import Reason, State
from stationmaster.outbound.docker import archive
from stationmaster.outbound.docker.engine import Engine, Json
from stationmaster.outbound.docker.errors import Conflict, EngineAway, NotThere
from stationmaster.web.json_values import check_json

logger = logging.getLogger(__name__)

RETRY_SECONDS = 0.5
LAST_WORDS_SECONDS = 5
MAX_DOCUMENT_BYTES = 262_144
"""Of a result or a state, as the engine packs it."""
NEVER_STARTED = "created"
LOST = Outcome(State.LOST, Reason.LOST, error=verdict.LOST)


@dataclass
class ContainerRun:
    """One attempt in one container."""

    engine: Engine
    facts: RunFacts
    desk: Desk
    journal: Journal
    taken_lines: int = field(default=0, init=False)
    """A log that broke off is read on from here. One that is taken over is read again: the journal leaves out what it has."""
    times_away: int = field(default=0, init=False)
    given_state: str | None = field(default=None, init=False)
    """The mark of the state that the program was given, maybe by another replica: meanwhile the job's may have changed."""

    @property
    def name(self) -> str:
        return str(self.facts.name)

    async def carry_out(self, work: ContainerWork, handle: Mapping[str, Any] | None) -> Outcome:
        """Run the container, or take over the one that an earlier replica began, and judge its end.

        Raises:
            EngineAway: it was away for longer than our patience.
            EngineRefused: it does not want to run this.
            Disowned: somebody else has the attempt.
        """
        self.given_state = handle.get("state") if handle else None
        found = await self._look()
        if found is None and await self._was_begun(handle):
            return LOST
        if found is None or found["State"]["Status"] == NEVER_STARTED:
            await self._begin(work)
        ended = await self._follow()
        if ended is None:
            return LOST
        await self._keep_outputs(work)
        outcome = verdict.judge(
            int(ended["State"]["ExitCode"]),
            is_oom=bool(ended["State"]["OOMKilled"]),
            was_engine_away=bool(self.times_away),
            result=await self._read_result(),
        )
        if work.state is not None and outcome.state is State.SUCCEEDED:
            await self._leave_state(work.state)
        return outcome

    async def stop(self) -> None:
        """End the container, politely first, and take in the last words of one that was followed."""
        await self.engine.stop_container(self.name, grace_seconds=int(self.facts.settings.stop_grace.total_seconds()))
        try:
            async with asyncio.timeout(LAST_WORDS_SECONDS):
                await self._take_log()
        except (TimeoutError, EngineAway, NotThere) as error:
            logger.info("docker.last_words_lost", extra={"container": self.name, "error": type(error).__name__})

    async def _was_begun(self, handle: Mapping[str, Any] | None) -> bool:
        """Say whether the container has started, or is on an engine that this replica does not reach."""
        return handle is not None and (handle["is_started"] or handle["engine"] != await self.engine.find_id())

    async def _begin(self, work: ContainerWork) -> None:
        image = await self._have_image(work)
        facts = {"engine": await self.engine.find_id()}
        if work.state is not None:
            self.given_state = facts["state"] = work.state.mark
        await self.desk.save_handle(self.facts.handle(is_started=False, **facts))
        id_ = await self._create(work, image)
        await self.engine.put_archive(id_, HOME, make_workspace(work, self.facts.settings.uid))
        await self.desk.save_handle(self.facts.handle(is_started=True, **facts))
        await self.engine.start_container(id_)
        self.times_away = 0

    async def _have_image(self, work: ContainerWork) -> str:
        """Return the id of the image, fetched if need be."""
        found = await self.engine.find_image(work.image)
        if found is None:
            await self.journal.line(f"Pulling {work.image}.")
            await self.engine.pull_image(work.image, work.login)
            found = await self.engine.find_image(work.image)
        if found is None:
            raise NotThere(404, f"There is no image {work.image}.")
        return str(found["Id"])

    async def _create(self, work: ContainerWork, image: str) -> str:
        """Create the container; one of that name that never ran is in nobody's way."""
        config = container_config(work, image=image, labels=self.facts.labels, settings=self.facts.settings)
        try:
            return await self.engine.create_container(self.name, config)
        except Conflict:
            await self.engine.remove_container(self.name)
            return await self.engine.create_container(self.name, config)

    async def _follow(self) -> Json | None:
        """Take the log in until the container has ended; return its last state, None when it is gone."""
        while True:
            away_before = self.times_away
            try:
                await self._take_log()
                await self.engine.wait_for_exit(self.name)
                # A log that is followed may end before a last line without a newline is in it; at the exit it is.
                await self._take_log()
            except EngineAway:
                self.times_away += 1
            except NotThere:
                return None
            found = await self._look()
            if found is None or (self.times_away == away_before and not found["State"]["Running"]):
                return found

    async def _take_log(self) -> None:
        async for block in self.engine.follow_log(f"containers/{self.name}", skip_lines=self.taken_lines):
            await self.journal.feed(block.data, Stream(block.stream))
            self.taken_lines += block.lines

    async def _look(self) -> Json | None:
        """Ask for the container, and wait for an engine that is away, as long as our patience lasts."""
        deadline = time.monotonic() + self.facts.settings.patience.total_seconds()
        while True:
            try:
                return await self.engine.find_container(self.name)
            except EngineAway:
                self.times_away += 1
                if time.monotonic() > deadline:
                    raise
                await asyncio.sleep(RETRY_SECONDS)

    async def _keep_outputs(self, work: ContainerWork) -> None:
        """Keep the declared files that the program left, however it ended."""
        for name in work.outputs:
            raw = await self.engine.get_archive(self.name, f"{OUTPUTS}/{name}", max_bytes=self._most_output_bytes)
            trouble = await self._keep_output(name, raw) if raw else "it is not there, or too large"
            if trouble:
                await self.journal.line(f"The output {name} is not kept: {trouble}.", level="warning")

    async def _keep_output(self, name: str, raw: bytes) -> str | None:
        """Keep one file; what else may stand in its place, such as a link to somewhere, is nothing to be followed."""
        try:
            files = [content for path, content in archive.unpack(raw) if path == name]
        except archive.UnsafeArchive as error:
            return str(error).rstrip(".")
        return await self.desk.keep_artifact(name, BytesSource(files[0])) if files else "it is no plain file"

    @property
    def _most_output_bytes(self) -> int:
        return self.facts.settings.output_mb * MIB

    async def _read_result(self) -> Json | None:
        """Return what the program left in its result file; what it printed as its result, the journal has."""
        raw = await self.engine.get_archive(self.name, RESULT_FILE, max_bytes=MAX_DOCUMENT_BYTES)
        if raw is None:
            return None
        result = _read_object(raw)
        if result is None:
            await self.journal.line(f"{RESULT_FILE} holds no JSON object; it is not kept.", level="warning")
        return result

    async def _leave_state(self, state: StateFile) -> None:
        """Leave what the program wrote into its state file, which was there when it began."""
        raw = await self.engine.get_archive(self.name, STATE_FILE, max_bytes=MAX_DOCUMENT_BYTES)
        left = _read_object(raw) if raw else None
        if left is not None and mark_of(left) == self.given_state:
            return
        trouble = "It is no JSON object, too large, or gone." if left is None else await state.leave(left)
        if trouble:
            await self.journal.line(f"{STATE_FILE} is not kept: {trouble}", level="warning")


def _read_object(raw: bytes) -> Json | None:
    """Return the JSON object that a packed file holds; None when it holds anything else, or one that cannot be stored."""
    try:
        found = check_json(json.loads(b"".join(content for _, content in archive.unpack(raw))))
    except (archive.UnsafeArchive, ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None
