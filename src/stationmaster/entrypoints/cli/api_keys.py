"""Commands about API keys: `stationmaster api-keys ...`."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from stationmaster.db.session import unit_of_work
from stationmaster.domains.api_keys import service as api_keys
from stationmaster.domains.api_keys.service import NewApiKey
from stationmaster.entrypoints.api import list_scopes
from stationmaster.entrypoints.cli import users
from stationmaster.entrypoints.cli.house import open_house, run
from stationmaster.entrypoints.cli.terminal import say
from stationmaster.identity.actor import Role

app = typer.Typer(help="Keys by which programs act for people.", no_args_is_help=True)


@app.command("create")
def create_api_key(
    owner: users.Who,
    name: Annotated[str, typer.Argument(help="What the key is for.")],
    role: Annotated[Role | None, typer.Option(help="At most the owner's; `user` when left out.")] = None,
    scope: Annotated[list[str] | None, typer.Option(help="`jobs:read`, say; may be given several times.")] = None,
    expires: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Last day (UTC) before which it works.")
    ] = None,
) -> None:
    """Make a key for somebody and show it, this once."""
    unknown = sorted({*(scope or [])} - list_scopes())
    if unknown:
        raise typer.BadParameter(f"There is no scope {', '.join(unknown)}.", param_hint="--scope")
    expires_at = expires.replace(tzinfo=UTC) if expires else None
    say(run(_create(owner, NewApiKey(name=name, role=role, scopes=scope or None, expires_at=expires_at))))


@app.command("revoke")
def revoke_api_key(
    prefix: Annotated[str, typer.Argument(help="The key, or its first part as shown in lists: `sm_Ab3dE6gH`.")],
) -> None:
    """Deactivate a key; it is refused within 5 seconds."""
    say(f"{run(_revoke(prefix))} is inactive now.")


async def _create(owner: str, new: NewApiKey) -> str:
    async with open_house() as house, unit_of_work(house.database) as session:
        user = await users.find(session, owner)
        _, text = await api_keys.create_key(session, user, new, settings=house.settings.api_keys, outbox=house.outbox)
        return text


async def _revoke(prefix: str) -> str:
    async with open_house() as house, unit_of_work(house.database) as session:
        return (await api_keys.revoke_by_prefix(session, prefix)).key_prefix
