"""What the application was started with, for endpoints that need it directly."""

from typing import Annotated

from fastapi import Depends
from starlette.requests import HTTPConnection

from stationmaster.config import Settings
from stationmaster.db.engine import Database
from stationmaster.kit.sealing import Sealer
from stationmaster.web.session import database_of


async def _get_settings(connection: HTTPConnection) -> Settings:
    settings: Settings = connection.app.state.settings
    return settings


async def _get_database(connection: HTTPConnection) -> Database:
    return database_of(connection)


async def _get_sealer(connection: HTTPConnection) -> Sealer:
    sealer: Sealer = connection.app.state.sealer
    return sealer


SettingsDep = Annotated[Settings, Depends(_get_settings)]
DatabaseDep = Annotated[Database, Depends(_get_database)]
"""For work in several transactions: what must be stored although the answer is a refusal."""
SealerDep = Annotated[Sealer, Depends(_get_sealer)]
"""What seals the values that users give us to keep."""
