"""The command line: each command is a module, this one puts them together.

- `terminal` what all commands share; `groups` loads them when they are called; `refusals` what went wrong, in words.
- `house` what commands share that work on this machine's service; `serving` the service as a process.
- `serve`, `migrate`, `create_admin`, `demo`, `verify`, `audit_verify`, `rotate_secrets`, and `doctor/` with its examinations.
- `script/` a client for authors of scripts, of a service anywhere.
- `users`, `api_keys` what administrators do to stored accounts.
"""

from collections.abc import Mapping
from typing import Annotated, ClassVar

import typer

from stationmaster import __version__
from stationmaster.entrypoints.cli.groups import Later, LazyGroup

ROOM = __name__


class Commands(LazyGroup):
    """All commands. What is said of each is the first sentence of its own help."""

    announced: ClassVar[Mapping[str, Later]] = {
        "serve": Later(f"{ROOM}.serve:serve", "Run the service: HTTP, scheduler and runner, in one process."),
        "demo": Later(
            f"{ROOM}.demo:demo",
            "Run the service with a demonstration: a receiver on this machine, four jobs that call it, and what they do.",
        ),
        "migrate": Later(
            f"{ROOM}.migrate:migrate",
            "Bring the database to the schema of this version; `serve` does the same when it starts.",
        ),
        "create-admin": Later(f"{ROOM}.create_admin:create_admin", "Make a superadmin, verified and ready to sign in."),
        "doctor": Later(
            f"{ROOM}.doctor.command:doctor",
            "Examine this machine and its settings, and say what to do about what is wrong.",
        ),
        "verify": Later(
            f"{ROOM}.verify:verify",
            "Check that the records keep what the service promises: every slot decided once, nothing lost, nothing stuck.",
        ),
        "audit-verify": Later(
            f"{ROOM}.audit_verify:audit_verify",
            "Verify that no entry of the audit log was changed or removed since it was sealed.",
        ),
        "rotate-secrets": Later(
            f"{ROOM}.rotate_secrets:rotate_secrets",
            "Seal everything that is stored encrypted anew, with the first of the encryption keys.",
        ),
        "mark-users-verified": Later(
            f"{ROOM}.users:mark_users_verified", "Let active accounts whose address was never proven count as verified."
        ),
        "users": Later(f"{ROOM}.users:app", "People and what they may do."),
        "api-keys": Later(f"{ROOM}.api_keys:app", "Keys by which programs act for people."),
        "script": Later(f"{ROOM}.script.commands:app", "Write, push and run scripts on a Stationmaster anywhere."),
    }


app = typer.Typer(
    name="stationmaster",
    cls=Commands,
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
