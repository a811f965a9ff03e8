"""Proving to know a password.

Known and unknown accounts take the same steps (a hash is checked, a failure is counted), so that neither answer nor time
tells them apart. No connection is held while hashing.
"""

import asyncio
import logging
from uuid import UUID

from stationmaster.config import LoginSettings
from stationmaster.db.engine import Database
from stationmaster.db.session import read_only, unit_of_work
from stationmaster.domains.auth import lockout
from stationmaster.domains.auth.errors import WrongCredentials, WrongPassword
from stationmaster.domains.users import passwords as hashing
from stationmaster.domains.users import service as users
from stationmaster.domains.users.models import User
from stationmaster.kit import passwords

logger = logging.getLogger(__name__)


async def prove(
    database: Database, user: User | None, password: str, *, subject: str, settings: LoginSettings
) -> str | None:
    """Check a password; return a new hash when the stored one has older parameters.

    A failure is counted in a transaction of its own: it must be stored although the answer is a refusal.

    Raises:
        WrongCredentials: unknown account or wrong password.
        TooManyFailures: tries are refused for a while.
    """
    async with hashing.hashing_turn():
        # Looked up and counted inside the turn: of many parallel guesses only those few that have one can slip past.
        async with read_only(database) as session:
            await lockout.check(session, subject)
        stored = user.password_hash if user else passwords.DUMMY_HASH
        is_right, new_hash = await asyncio.to_thread(passwords.verify_password, password, stored)
        if user is not None and is_right:
            return new_hash
        async with unit_of_work(database) as session:
            await lockout.record_failure(session, subject, settings)
    logger.info("login.failed", extra={"user_id": str(user.id) if user else None})
    raise WrongCredentials


async def prove_own(database: Database, user_id: UUID, password: str, settings: LoginSettings) -> User:
    """Check that somebody who is signed in knows the account's password, before something that cannot be undone.

    Raises:
        WrongPassword: it is not the password.
        TooManyFailures: tries are refused for a while.
    """
    async with read_only(database) as session:
        user = await users.get_user(session, user_id)
    try:
        await prove(database, user, password, subject=lockout.subject_of(user.id, ""), settings=settings)
    except WrongCredentials as error:
        raise WrongPassword from error
    return user
