"""The command line: each command is a module, this one puts them together.

- `terminal` what commands share; `refusals` what went wrong, in words; `serving` the service as a process.
- `serve`, `migrate`, `create_admin`, `demo`, `verify`, `audit_verify`, `rotate_secrets`, and `doctor/` with its examinations.
- `script/` a client for authors of scripts, of a service anywhere.
- `users`, `api_keys` what administrators do to stored accounts; `house` what both open.
"""

from typing import Annotated

import typer

from stationmaster import __version__
from stationmaster.entrypoints.cli import api_keys, users
from stationmaster.entrypoints.cli.audit_verify import audit_verify
from stationmaster.entrypoints.cli.create_admin import create_admin
from stationmaster.entrypoints.cli.demo import demo
from stationmaster.entrypoints.cli.doctor.command import doctor
from stationmaster.entrypoints.cli.migrate import migrate
from stationmaster.entrypoints.cli.refusals import PlainSpeakingGroup
from stationmaster.entrypoints.cli.rotate_secrets import rotate_secrets
from stationmaster.entrypoints.cli.script import commands as script
from stationmaster.entrypoints.cli.serve import serve
from stationmaster.entrypoints.cli.verify import verify

app = typer.Typer(
    name="stationmaster",
    cls=PlainSpeakingGroup,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)


def _show_version(is_asked: bool) -> None:
    if is_asked:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def stationmaster(
    _version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and leave.")
    ] = False,
) -> None:
    """Stationmaster keeps the timetable, sends the trains, and writes the log.

    Settings come from STATIONMASTER_* variables and from .env in the working folder. Exit codes: 0 done, 1 failed or
    something is wrong, 2 the command line or the settings are wrong.
    """


for command in (serve, demo, migrate, create_admin, doctor, verify, audit_verify, rotate_secrets):
    app.command()(command)
app.command("mark-users-verified")(users.mark_users_verified)
app.add_typer(users.app, name="users")
app.add_typer(api_keys.app, name="api-keys")
app.add_typer(script.app, name="script")
