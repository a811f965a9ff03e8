"""`stationmaster demo`: what `make run` runs."""

import base64
import json
import shlex
import socket
from functools import partial

from stationmaster.config import Settings
from stationmaster.db import migrate
from stationmaster.db.engine import Database, open_database
from stationmaster.db.session import read_only, unit_of_work
from stationmaster.domains.users import management
from stationmaster.domains.users import service as users
from stationmaster.domains.users.models import User
from stationmaster.entrypoints.cli import serving
from stationmaster.entrypoints.cli.create_admin import generate_password
from stationmaster.entrypoints.cli.house import log_files, log_troubles, read_settings, run
from stationmaster.entrypoints.cli.serve import Host, Port
from stationmaster.entrypoints.cli.serving import Application
from stationmaster.entrypoints.cli.terminal import Refusal, say
from stationmaster.entrypoints.demo.board import Board
from stationmaster.entrypoints.demo.jobs import acting_as, ensure_jobs, rest_jobs
from stationmaster.entrypoints.demo.receiver import Receiver, open_receiver
from stationmaster.entrypoints.secret_key import load_secret_key
from stationmaster.kit.keys import derive_key
from stationmaster.outbound.signing import PREFIX
from stationmaster.telemetry import logging

LAST_PORT = 65_535
EMAIL = "admin@example.com"
SED = """sed 's/.*"access_token":"\\([^"]*\\)".*/\\1/'"""  # no machine lacks sed, many lack jq


def demo(host: Host = "127.0.0.1", port: Port = 8000) -> None:
    """Run the service with a demonstration: a receiver on this machine, four jobs that call it, and what they do.

    Always on SQLite, in DATA_DIR. The first start makes a superadmin and shows the password. Ctrl-C ends it
    and pauses the jobs; the next start resumes them, and every slot in between is on record.
    """
    settings = read_settings()
    if "log_level" in settings.model_fields_set:
        logging.configure(settings)
    else:
        log_troubles(settings)
    with log_files(settings):
        run(_demonstrate(settings, host, port))


async def _demonstrate(settings: Settings, host: str, port: int) -> None:
    listener = serving.bind(host, port)
    url = serving.url_of(listener)
    own = settings.model_copy(update={"database_url": "", "public_url": _public_url(settings, url)})
    say(f"Stationmaster is starting at {url}, on {migrate.sqlite_path(own.resolved_database_url)}")
    password = await _prepare(own)
    secret = PREFIX + base64.b64encode(derive_key(load_secret_key(own), "demonstration")).decode()
    async with open_receiver(signing_secret=secret, wanted_port=_next_port(listener)) as receiver:
        companion = partial(_perform, receiver, url, password)
        await serving.serve(_open_up(own, receiver), listener, companion=companion)


def _next_port(listener: socket.socket) -> int:
    """Return the port above, so that the receiver is found again after a restart; 0, any, above the last."""
    return (serving.port_of(listener) + 1) % (LAST_PORT + 1)


def _public_url(settings: Settings, url: str) -> str:
    return settings.public_url if "public_url" in settings.model_fields_set else url


def _open_up(settings: Settings, receiver: Receiver) -> Settings:
    """Let the receiver be called, every second, by this very process, whatever the settings say."""
    return settings.model_copy(
        update={
            "outbound_allow": (*settings.outbound_allow, receiver.address),
            "min_interval_seconds": 1,
            "scheduler_enabled": True,
            "runner": settings.runner.model_copy(update={"enabled": True}),
        }
    )


async def _prepare(settings: Settings) -> str | None:
    """Migrate, and make the first superadmin; return the password if one was made up."""
    await migrate.upgrade(settings.resolved_database_url)
    if settings.bootstrap_email is not None and settings.bootstrap_password is not None:
        return None  # the service makes that superadmin itself
    password = generate_password()
    async with open_database(settings.resolved_database_url) as database, unit_of_work(database) as session:
        is_made = await management.ensure_first_superadmin(session, email=EMAIL, password=password)
    if not is_made:
        return None
    say(f"\nSuperadmin {EMAIL}, password {password}", style="bold")
    say("It is shown this once. Another superadmin: stationmaster create-admin")
    return password


async def _perform(receiver: Receiver, url: str, password: str | None, app: Application) -> None:
    """Make the jobs, say how to look at them, and show what they do until cancelled."""
    database: Database = app.state.database
    admin = await _find_admin(database)
    await ensure_jobs(database, app.state.job_rules, receiver, acting_as(admin))
    for line in hints(url, admin.email, password):
        say(line)
    try:
        async for line, style in Board(database).lines():
            say(line, style=style)
    finally:
        await rest_jobs(database, receiver, acting_as(admin))


async def _find_admin(database: Database) -> User:
    async with read_only(database) as session:
        administrators = await users.list_administrators(session)
    if not administrators:
        raise Refusal("No active administrator is left to own the jobs. Make one: stationmaster create-admin")
    return administrators[0]


def hints(url: str, email: str, password: str | None) -> list[str]:
    """Write what can be copied into another terminal, whatever shell runs in it."""
    bearer = '-H "Authorization: Bearer $TOKEN"'
    login = f"curl -s {url}/api/v1/auth/login -H 'Content-Type: application/json' -d {_login(email, password)}"
    return [
        "\nTry it from another terminal; the lines work as they are:\n",
        *([] if password else [f"  printf 'Password of {email}: '; read -r PASSWORD"]),
        f"  TOKEN=$({login} | {SED})",
        f"  curl -s '{url}/api/v1/executions?size=5' {bearer}",
        f"  curl -s {url}/api/v1/jobs {bearer}",
        f"  curl -s {url}/health",
        f"\nDocumentation: {url}/docs\nCtrl-C ends it.\n",
    ]


def _login(email: str, password: str | None) -> str:
    if password:
        return shlex.quote(json.dumps({"email": email, "password": password}))
    before, after = json.dumps({"email": email, "password": "|"}).split("|")
    return f'{shlex.quote(before)}"$PASSWORD"{shlex.quote(after)}'
