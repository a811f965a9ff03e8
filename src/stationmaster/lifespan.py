"""Opens and closes everything that lives as long as the application, in order.

The end comes in two steps. At the signal (`Stopping.begin`, called by the server before it waits for its connections) this
replica stops being ready, gives up its leadership and claims nothing more. When the connections are closed, the lifespan
ends: what is under way gets its time, the rest is handed over, and the clients and engines close.
"""

import logging
import os
import socket
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

from fastapi import FastAPI

from stationmaster.config import Settings
from stationmaster.db import idempotency, migrate
from stationmaster.db.base import SECRETS_AT_REST
from stationmaster.db.engine import Database, open_database
from stationmaster.db.session import unit_of_work
from stationmaster.domains.api_keys import service as api_keys
from stationmaster.domains.audit import service as audit
from stationmaster.domains.audit.archive import Archive
from stationmaster.domains.audit.chain import SealKey
from stationmaster.domains.auth.authenticator import open_authenticator
from stationmaster.domains.executions import reading as execution_reading
from stationmaster.domains.executions.aftermath import Aftermath, Follower
from stationmaster.domains.executions.executor import Executor
from stationmaster.domains.executions.kinds import docker
from stationmaster.domains.executions.report_tokens import ReportTokens
from stationmaster.domains.executions.runner import Runner
from stationmaster.domains.jobs import service as jobs
from stationmaster.domains.jobs.consequences import JobFollower
from stationmaster.domains.jobs.rules import JobRules
from stationmaster.domains.notifications.channels.registry import open_carriers, tries_of
from stationmaster.domains.outbox.delivery import Courier
from stationmaster.domains.outbox.service import Outbox
from stationmaster.domains.processes.transfer import ProcessSection
from stationmaster.domains.retention.rules import make_policy
from stationmaster.domains.runs.following import WorkflowFollower
from stationmaster.domains.scripts import reading as script_reading
from stationmaster.domains.scripts import service as scripts
from stationmaster.domains.secrets.subjects import Subjects
from stationmaster.domains.status.service import StatusLog
from stationmaster.domains.users import management as users
from stationmaster.domains.users import service as accounts
from stationmaster.entrypoints.hands import Hand, hire, open_journal_files
from stationmaster.entrypoints.health import DockerProbe
from stationmaster.entrypoints.scheduler.duties import (
    DUTIES,
    Duty,
    approval_duty,
    remind_duty,
    reopening_duty,
    report_duty,
    retention_duty,
    seal_duty,
    stale_duty,
    status_duty,
    wave_duty,
)
from stationmaster.entrypoints.scheduler.leader import Elector
from stationmaster.entrypoints.scheduler.runtime import Scheduler
from stationmaster.entrypoints.secret_key import load_keyring, load_secret_key
from stationmaster.executors import open_earthengine, open_engine_of, open_executors
from stationmaster.kit.keys import derive_key
from stationmaster.kit.sealing import Sealer
from stationmaster.outbound.sandbox.opening import open_sandbox
from stationmaster.station import Station
from stationmaster.web.idempotency import AnswerBook
from stationmaster.web.routes import route_table
from stationmaster.web.throttle import open_throttle

logger = logging.getLogger(__name__)

LOCK_FILE = "scheduler.lock"
SANDBOX_FOLDER = "sandbox"


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Run the service as long as the application is served."""
    settings: Settings = app.state.settings
    name = settings.replica_name or f"{socket.gethostname()}-{os.getpid()}"
    secret, keyring = load_secret_key(settings), load_keyring(settings)
    sealer = keyring.sealer(SECRETS_AT_REST)
    installation = derive_key(secret, "installation").hex()[:16]
    await migrate.upgrade(settings.resolved_database_url)
    async with (
        open_database(settings.resolved_database_url, application_name=name) as database,
        open_carriers(settings, database, sealer) as carriers,
        open_engine_of(settings) as engine,
        open_earthengine(settings) as earthengine,
        open_sandbox(settings.sandbox, settings.data_dir.absolute() / SANDBOX_FOLDER) as sandbox,
        open_executors(
            settings,
            database,
            sealer,
            engine=engine,
            sandbox=sandbox,
            installation=installation,
            find_rules=lambda: app.state.job_rules,
        ) as executors,
        open_authenticator(database, settings, secret, tokens := ReportTokens(secret)) as authenticator,
        open_throttle(settings.rate_limits) as throttle,
    ):
        await create_first_superadmin(database, settings)
        app.state.database = database
        app.state.sealer = sealer
        app.state.secret_subjects = Subjects(scripts.find_visible, jobs.find_seen)
        app.state.read_user_scripts = script_reading.show_newest_of_owners
        app.state.read_script_executions = execution_reading.show_newest_of_scripts
        app.state.authenticator = authenticator
        app.state.outbox = outbox = Outbox.open(settings.public_url, keyring)
        app.state.audit_archive = archive = Archive(SealKey.of(secret), (accounts.find_names, api_keys.find_names))
        app.state.answer_book = AnswerBook(database, keyring.sealer(idempotency.PURPOSE))
        app.state.throttle = throttle
        app.state.docker_probe = DockerProbe(engine, settings.docker.mode)
        app.state.sandbox = sandbox
        app.state.job_rules = JobRules(
            sealer,
            executors,
            settings.scheduler_timezone,
            settings.min_interval_seconds,
            requires_end_date=settings.jobs.require_end_date,
            requires_team=settings.jobs.require_team,
        )
        app.state.transfer_sections = (ProcessSection(app.state.job_rules),)
        app.state.carriers = {carrier.channel: carrier for carrier in carriers}
        couriers = [Courier(database, outbox, carrier, tries_of(carrier.channel, settings)) for carrier in carriers]
        app.state.retention = policy = make_policy(settings.retention, archive.key)
        duties = (
            *DUTIES,
            seal_duty(archive.key),
            stale_duty(settings.runner.stale_after),
            wave_duty(settings.scheduler_timezone),
            remind_duty(settings.scheduler_timezone),
            report_duty(settings.scheduler_timezone),
            approval_duty(app.state.job_rules),
            reopening_duty(app.state.job_rules),
            status_duty(StatusLog()),
            *([retention_duty(policy.rules)] if policy.is_enabled else []),
        )
        station = _make_station(
            database,
            executors,
            collect_followers(app.state.job_rules),
            sealer=sealer,
            tokens=tokens,
            settings=settings,
            couriers=couriers,
            duties=duties,
            hands=hire(settings, database, engine, earthengine, installation),
            name=name,
        )
        app.state.scheduler_status = station.status
        # Takes most of a second on a slow machine: no caller waits for it, and nobody else on the event loop.
        route_table(app)
        async with station.run(app):
            yield
    logger.info("service.stopped")


def collect_followers(rules: JobRules) -> tuple[Follower, ...]:
    """Return what the rooms do about executions that have ended, in the order in which they are told."""
    return (
        JobFollower(rules.timezone),
        WorkflowFollower(rules),
    )


async def create_first_superadmin(database: Database, settings: Settings) -> None:
    """Create the superadmin that the settings name, when there are no users at all."""
    if settings.bootstrap_email is None or settings.bootstrap_password is None:
        return
    password = settings.bootstrap_password.get_secret_value()
    with audit.operator("create_first_superadmin"):
        async with unit_of_work(database) as session:
            is_made = await users.ensure_first_superadmin(session, email=settings.bootstrap_email, password=password)
    if is_made:
        logger.info("superadmin.created")


def _make_station(
    database: Database,
    executors: Mapping[str, Executor],
    followers: Sequence[Follower],
    *,
    sealer: Sealer,
    tokens: ReportTokens,
    settings: Settings,
    couriers: Sequence[Courier],
    duties: Sequence[Duty],
    hands: Mapping[str, Hand],
    name: str,
) -> Station:
    lock_file = settings.data_dir / LOCK_FILE if settings.is_sqlite else None
    elector = Elector(database, settings.leader, name=name, lock_file=lock_file)
    runner = Runner(
        database,
        executors=executors,
        sealer=sealer,
        tokens=tokens,
        settings=settings.runner,
        journal=settings.journal,
        journal_files=open_journal_files(settings),
        name=name,
        host_limits={docker.HOST: settings.docker.max_running},
    )
    scheduler = Scheduler(database, elector, settings, duties=duties)
    return Station(database, elector, scheduler, runner, Aftermath(database, followers), couriers, hands, settings)
