"""One run from the empty folder to the findings."""

import asyncio
import json
import os
import re
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg

from bench.faults.checker import Verdict, judge
from bench.faults.cluster import Cluster, running_cluster
from bench.faults.customer import Customer
from bench.faults.nemesis import Nemesis
from bench.faults.profile import Profile
from bench.faults.recovery import (
    Complaint,
    Recoveries,
    TakeOvers,
    measure_recoveries,
    measure_returns,
    measure_take_overs,
)
from bench.faults.witness import Witness
from bench.postgres import PostgresServer, running_postgres
from bench.receiver import running_receiver
from bench.replica import COMMAND, environment_of, settings_for
from bench.timetable import Plan, Stored, begin_intervals, end_intervals, store
from stationmaster.db import migrate
from stationmaster.db.engine import open_database
from stationmaster.db.session import unit_of_work
from stationmaster.domains.executions.models import OverlapPolicy
from stationmaster.domains.executions.policies import Overlap
from stationmaster.domains.jobs.slots import Misfire
from stationmaster.kit import clock

DATABASE = "faults"
PORTS = 6
WAITS_MS = (20, 60, 100, 400, 900, 1500, 3000)
OVERLAPS = (OverlapPolicy.ALLOW, OverlapPolicy.SKIP, OverlapPolicy.ALLOW, OverlapPolicy.QUEUE)
LONGEST_INTERVAL = 5
PATIENCE_SECONDS = 60.0
UNFINISHED = """
    SELECT EXISTS (SELECT 1 FROM schedules WHERE next_run_at IS NOT NULL)
        OR EXISTS (SELECT 1 FROM executions WHERE state IN ('queued', 'running'))
"""


@dataclass
class Findings:
    """All that a run has shown."""

    profile: Profile
    seconds: float = 0.0
    load: float = 0.0
    verdict: Verdict = field(default_factory=Verdict)
    recoveries: Recoveries = field(default_factory=Recoveries)
    take_overs: TakeOvers = field(default_factory=TakeOvers)
    returns: list[float] = field(default_factory=list)
    outages: list[float] = field(default_factory=list)
    stops: list[float] = field(default_factory=list)
    starts: list[float] = field(default_factory=list)
    faults: Counter[str] = field(default_factory=Counter)
    own_ends: list[str] = field(default_factory=list)
    terms: int = 0
    refused: int = 0
    log: Counter[str] = field(default_factory=Counter)
    """Warnings and errors of the replicas' logs, counted."""
    audit: Mapping[str, Any] = field(default_factory=dict)

    def complaints(self) -> list[str]:
        """Say what must not be, with examples; nothing is said of times, which depend on the machine."""
        lost = [f"{one} was declared lost without a cause" for one in self.recoveries.without_cause]
        ended = [f"{name} ended by itself" for name in self.own_ends]
        broken = [f"verify: {example}" for rule in self.audit.get("rules", []) for example in rule["examples"]]
        unknown = [] if "ok" in self.audit else ["verify said nothing"]
        return [*self.verdict.examples, *lost, *ended, *broken, *unknown]


async def run(profile: Profile, folder: Path) -> Findings:
    """Do it all in an empty folder, where logs and data stay."""
    began = time.monotonic()
    async with running_postgres(_made(folder / "postgres")) as server:
        await server.create_database(DATABASE)
        findings = await _run_on(server, folder, profile)
    findings.seconds = time.monotonic() - began
    findings.load = os.getloadavg()[1]
    return findings


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """Give a folder that the server's own user may enter."""
    with tempfile.TemporaryDirectory(prefix="stationmaster-faults-") as name:
        yield Path(name)


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


async def _run_on(server: PostgresServer, folder: Path, profile: Profile) -> Findings:
    url = server.url(DATABASE)
    settings = settings_for(url, folder / "data", **profile.settings())
    await migrate.upgrade(url)
    async with running_receiver(PORTS, folder / "ledger") as ports:
        async with open_database(url) as database:
            stored = await store(database, make_plans(profile, ports))
        scene = Scene(server, folder, profile, settings, stored)
        return await scene.play()


def make_plans(profile: Profile, ports: list[int]) -> list[Plan]:
    """Return the timetable: intervals of one to five seconds, calls of 20 ms to 3 s, all policies; and one job by hand."""
    misfires = [Misfire(policy="last"), Misfire(policy="all", max_runs=5), Misfire(policy="skip")]
    plans = [
        Plan(
            f"http://127.0.0.1:{ports[index % PORTS]}/wait/{WAITS_MS[index % len(WAITS_MS)]}",
            interval_seconds=index % LONGEST_INTERVAL + 1,
            overlap=Overlap(policy=OVERLAPS[index % len(OVERLAPS)], queue_max=5),
            misfire=misfires[index % len(misfires)],
        )
        for index in range(profile.schedules)
    ]
    return [*plans, Plan(f"http://127.0.0.1:{ports[0]}/hook", overlap=Overlap(policy=OverlapPolicy.ALLOW))]


@dataclass
class Scene:
    """The stage of one run."""

    server: PostgresServer
    folder: Path
    profile: Profile
    settings: Mapping[str, str]
    stored: list[Stored]

    async def play(self) -> Findings:
        findings = Findings(self.profile)
        witness = Witness(self.server.dsn(DATABASE))
        names = [f"station-{number}" for number in range(1, self.profile.replicas + 1)]
        async with running_cluster(self.settings, names, self.folder) as cluster, watching(witness):
            customer = Customer(cluster, self.stored[-1].job_id)
            first = await self._begin()
            async with doing(customer.ask()):
                await self._harm(cluster, witness)
            end = await self._end()
            self._note(findings, cluster, witness, customer)
        await self._judge(findings, cluster, customer, first=first, end=end)
        return findings

    async def _begin(self) -> datetime:
        first = clock.now().replace(microsecond=0) + timedelta(seconds=2)
        async with open_database(self.server.url(DATABASE)) as database, unit_of_work(database) as session:
            await begin_intervals(session, first)
        return first

    async def _harm(self, cluster: Cluster, witness: Witness) -> None:
        nemesis = Nemesis(cluster, witness, self.server, self.profile)
        await asyncio.sleep(LONGEST_INTERVAL)
        await nemesis.kill_and_freeze()
        await nemesis.restart_postgres()
        await nemesis.deploy()

    async def _end(self) -> datetime:
        """Let the timetable end, and wait until all is decided and done."""
        end = clock.now().replace(microsecond=0) + timedelta(seconds=self.profile.settle)
        async with open_database(self.server.url(DATABASE)) as database, unit_of_work(database) as session:
            await end_intervals(session, end)
        await asyncio.sleep((end - clock.now()).total_seconds())
        async with connected(self.server) as connection:
            with suppress(TimeoutError):
                async with asyncio.timeout(PATIENCE_SECONDS):
                    await _until_done(connection)
        return end

    def _note(self, findings: Findings, cluster: Cluster, witness: Witness, customer: Customer) -> None:
        findings.faults = Counter(fault.kind for fault in cluster.faults)
        findings.take_overs = measure_take_overs(witness.sights, cluster.faults, self.profile)
        findings.terms = witness.sights[-1].epoch
        findings.refused = customer.refused
        findings.starts = [seconds for member in cluster.members for seconds in member.starts]
        over = [fault for fault in cluster.faults if fault.until is not None]
        findings.stops = [fault.until - fault.at for fault in over if fault.until and fault.kind == "term"]
        findings.outages = [fault.until - fault.at for fault in over if fault.until and fault.kind == "postgres"]

    async def _judge(
        self,
        findings: Findings,
        cluster: Cluster,
        customer: Customer,
        *,
        first: datetime,
        end: datetime,
    ) -> None:
        complaints = read_logs(self.folder)
        findings.log = Counter(f"{one.event} {one.error}" for one in complaints)
        async with connected(self.server) as connection:
            ledger = self.folder / "ledger"
            findings.verdict = await judge(
                connection, self.stored, first=first, end=end, ledger=ledger, promised=customer.promised
            )
            findings.recoveries = await measure_recoveries(connection, cluster.faults, complaints)
            findings.returns = await measure_returns(connection, cluster.faults)
        findings.own_ends = cluster.own_ends
        findings.audit = await audit(self.settings)


async def _until_done(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    while await connection.fetchval(UNFINISHED):  # noqa: ASYNC110  # nobody can tell us but the database
        await asyncio.sleep(0.2)


@asynccontextmanager
async def doing(work: Any) -> AsyncIterator[None]:
    """Do something beside the body, and stop it at the body's end."""
    async with asyncio.TaskGroup() as group:
        task = group.create_task(work)
        yield
        task.cancel()


def watching(witness: Witness) -> Any:
    return doing(witness.watch())


@asynccontextmanager
async def connected(server: PostgresServer) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    """Open a connection of the harness's own."""
    connection = await asyncpg.connect(server.dsn(DATABASE))
    try:
        yield connection
    finally:
        await connection.close()


async def audit(settings: Mapping[str, str]) -> Mapping[str, Any]:
    """Ask the service's own auditor, `stationmaster verify`."""
    process = await asyncio.create_subprocess_exec(
        COMMAND, "verify", "--json", env=environment_of(settings), stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate()
    document: dict[str, Any] = json.loads(output or "{}")
    return document


def read_logs(folder: Path) -> list[Complaint]:
    """Return the warnings and errors of all replicas."""
    return [complaint for log in sorted(folder.glob("*.log")) for complaint in _read_log(log)]


def _read_log(log: Path) -> Iterator[Complaint]:
    for line in log.read_text(errors="replace").splitlines():
        try:
            entry = json.loads(line)
        except ValueError:
            yield Complaint(log.stem, 0.0, "no log line", line[:80])
            continue
        if entry["level"] not in {"info", "debug"}:
            event = re.sub(r" \(trigger: .*\)", "", entry["event"])  # APScheduler tells the instant, too
            at = datetime.fromisoformat(entry["timestamp"]).timestamp()
            yield Complaint(log.stem, at, f"{entry['level']} {event}", entry.get("error", ""))
