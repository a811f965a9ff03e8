"""`stationmaster create-admin`."""

import secrets
from typing import Annotated

import typer

from stationmaster.config import Settings
from stationmaster.db.engine import open_database
from stationmaster.db.session import unit_of_work
from stationmaster.domains.users import management as users
from stationmaster.domains.users import passwords
from stationmaster.entrypoints.cli.house import log_troubles, read_settings, require_schema, run
from stationmaster.entrypoints.cli.terminal import MISUSED, Refusal, say
from stationmaster.kit.emails import normalise_email


def create_admin(
    email: Annotated[str, typer.Option(prompt="E-mail address", help="Address to sign in with.")],
    password: Annotated[
        str | None, typer.Option(help="Seen by others in the list of processes; without it one is made and shown once.")
    ] = None,
    name: Annotated[str, typer.Option(help="Name to show.")] = "Superadmin",
) -> None:
    """Make a superadmin, verified and ready to sign in."""
    settings = read_settings()
    log_troubles(settings)
    chosen = password or generate_password()
    run(_create(settings, email=_read_email(email), password=chosen, name=name))
    say(f"Superadmin {_read_email(email)} is made.")
    if password is None:
        say(f"Password, shown this once: {chosen}")


def generate_password() -> str:
    """Make a password nobody can guess, of letters, digits, `-` and `_`."""
    return secrets.token_urlsafe(18)


def _read_email(text: str) -> str:
    try:
        return normalise_email(text)
    except ValueError as error:
        raise Refusal(f"--email: {error}", exit_code=MISUSED) from error


async def _create(settings: Settings, *, email: str, password: str, name: str) -> None:
    async with open_database(settings.resolved_database_url) as database:
        await require_schema(database)
        password_hash = await passwords.hash_new(
            password, context=[email, name], min_length=settings.login.password_min_length
        )
        async with unit_of_work(database) as session:
            await users.create_superadmin(session, email=email, name=name, password_hash=password_hash)
