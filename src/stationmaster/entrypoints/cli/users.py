"""Commands about accounts: `stationmaster users ...` and `stationmaster mark-users-verified`."""

import sys
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text
from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.db.session import read_only, unit_of_work
from stationmaster.domains.users import management, passwords
from stationmaster.domains.users import service as users
from stationmaster.domains.users.models import User
from stationmaster.domains.users.service import NewUser
from stationmaster.entrypoints.cli.house import open_house, run
from stationmaster.entrypoints.cli.terminal import out, printable, say
from stationmaster.errors import NotFound
from stationmaster.identity.actor import Role
from stationmaster.kit import clock
from stationmaster.kit.emails import normalise_email

SHOWN_AT_MOST = 10

app = typer.Typer(help="People and what they may do.", no_args_is_help=True)


def _read_email(text: str) -> str:
    try:
        return normalise_email(text)
    except ValueError as error:
        raise typer.BadParameter("This is not an e-mail address.") from error


Who = Annotated[str, typer.Argument(help="E-mail address or user name.")]
Email = Annotated[str, typer.Option(help="E-mail address.", parser=_read_email, metavar="EMAIL")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say who it would be.")]
CreatedBefore = Annotated[
    datetime | None,
    typer.Option(formats=["%Y-%m-%d"], help="Only accounts made before this day (UTC)."),
]


@app.command("list")
def list_users(role: Annotated[Role | None, typer.Option(help="Only this role.")] = None) -> None:
    """List all accounts."""
    table = Table("e-mail", "user name", "name", "role", "active", "verified")
    for user in run(_list(role)):
        facts = [user.email, user.username or "", user.name, user.role, _mark(user.is_active), _mark(user.is_verified)]
        table.add_row(*(Text(printable(fact)) for fact in facts))
    out.print(table)


@app.command("create")
def create_user(
    email: Email,
    name: Annotated[str, typer.Option(help="Name to show.")],
    role: Annotated[Role, typer.Option(help="What the person may do.")] = Role.USER,
    username: Annotated[str | None, typer.Option(help="Another way to name the account at login.")] = None,
    *,
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password from standard input.")
    ] = False,
) -> None:
    """Create an account whose address counts as verified; asks for the password."""
    password = sys.stdin.readline().rstrip("\n") if password_stdin else _ask_password()
    user = run(_create(NewUser(email=email, name=name, role=role, username=username), password))
    say(f"{user.email} is {user.role} now.")


@app.command("set-role")
def set_role(who: Who, role: Annotated[Role, typer.Argument(help="What the person may do.")]) -> None:
    """Give an account another role; in force within 5 seconds."""
    user = run(_change(who, {"role": role}))
    say(f"{user.email} is {user.role} now.")


@app.command("deactivate")
def deactivate_user(who: Who) -> None:
    """Refuse an account's logins and keys and end its sessions."""
    user = run(_change(who, {"is_active": False}))
    say(f"{user.email} is inactive now.")


def mark_users_verified(created_before: CreatedBefore = None, *, dry_run: DryRun = False) -> None:
    """Let active accounts whose address was never proven count as verified."""
    marked = run(_mark_verified(created_before.replace(tzinfo=UTC) if created_before else None, dry_run=dry_run))
    for user in marked[:SHOWN_AT_MOST]:
        say(f"  {user.email}")
    if len(marked) > SHOWN_AT_MOST:
        say(f"  and {len(marked) - SHOWN_AT_MOST} more")
    say(f"{len(marked)} {'would be' if dry_run else 'are'} verified{'' if dry_run else ' now'}.")


def _ask_password() -> str:
    return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True))


def _mark(is_so: bool) -> str:  # one word for one fact
    return "yes" if is_so else "no"


async def _list(role: Role | None) -> list[User]:
    async with open_house() as house, read_only(house.database) as session:
        return list(await session.scalars(users.list_statement(role=role)))


async def _create(new: NewUser, password: str) -> User:
    async with open_house() as house:
        context = [new.email, new.username, new.name]
        min_length = house.settings.login.password_min_length
        password_hash = await passwords.hash_new(password, context=context, min_length=min_length)
        async with unit_of_work(house.database) as session:
            return await users.create_user(session, new, password_hash=password_hash)


async def _change(who: str, changes: dict[str, object]) -> User:
    async with open_house() as house, unit_of_work(house.database) as session:
        user = await find(session, who)
        return await management.update_user(session, None, user.id, changes, outbox=house.outbox)


async def _mark_verified(created_before: datetime | None, *, dry_run: bool) -> list[User]:
    async with open_house() as house, unit_of_work(house.database) as session:
        found = await users.list_unverified(session, created_before=created_before)
        for user in found if not dry_run else []:
            user.email_verified_at = clock.now()
        return found


async def find(session: AsyncSession, who: str) -> User:
    """Return the account that an e-mail address or a user name names.

    Raises:
        NotFound: there is none.
    """
    user = await users.find_by_login(session, who)
    if user is None:
        raise NotFound("user", who)
    return user
