"""`Idempotency-Key`: a POST that is sent twice is carried out once, and answered twice with the same answer.

The answer is stored in the transaction that stores the effect, just before it commits. So whatever dies at whatever instant:
before the commit nothing has happened and the request, sent again, is carried out; after it the answer is there and is
given again. What finds an equal request under way:

    in this process       waits a moment for its answer, then is told that it is still running (409)
    in another replica    works too, and finds at its end that the key is taken: its work is rolled back, and it gives
                          the other's answer. A request without a transaction of its own is told at once (409).

Only success (2xx) is stored. What was refused had no effect, and may be answered differently the next time.
Answers are sealed, since some hold tokens and keys. A stored answer is given to the caller it belongs to as long as the
caller's credentials count; roles are not asked for again, for it says nothing new.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from stationmaster.db import idempotency as storage
from stationmaster.db.engine import Database
from stationmaster.db.idempotency import KeptAnswer
from stationmaster.db.session import Work, read_only, unit_of_work
from stationmaster.errors import Conflict, FieldError, Invalid, StationmasterError
from stationmaster.kit.ids import new_id
from stationmaster.kit.sealing import Sealer
from stationmaster.web import database_errors
from stationmaster.web.idempotency_answer import open_answer, seal_answer
from stationmaster.web.idempotency_request import HEADER, digest_key, fingerprint
from stationmaster.web.routes import RouteFacts, route_table
from stationmaster.web.session import open_session

KEEP = timedelta(hours=24)
CLAIM = timedelta(seconds=60)
"""How long a replica that died holds up a request without a transaction of its own."""
PATIENCE_SECONDS = 1.0
RETRY_SECONDS = 1.0

_REFUSALS: tuple[type[Exception], ...] = (StationmasterError, HTTPException, *database_errors.HANDLED)


class KeyReused(Invalid):
    """The caller used the key for another request."""

    slug = "idempotency-key-reused"
    title = "The key belongs to another request"

    def __init__(self) -> None:
        super().__init__(FieldError("was used for another request in the last 24 hours", parameter=HEADER))


class StillRunning(Conflict):
    """An equal request is under way."""

    slug = "still-running"
    title = "An equal request is under way"

    def __init__(self) -> None:
        super().__init__("A request with this key is being carried out.", retry_after_seconds=RETRY_SECONDS)


class Replayed(Exception):
    """Ends a request that need not be carried out, with the answer that was given before."""

    def __init__(self, answer: Response) -> None:
        super().__init__("answered before")
        self.answer = answer


@dataclass
class Attempt:
    """One processing of a request with a key; `answer` is what it will be answered with, once that is known."""

    key: str
    fingerprint: str
    has_transaction: bool
    id: UUID = field(default_factory=new_id)
    answer: Response | None = None
    is_kept: bool = False


class AnswerBook:
    """The answers kept in the database, and what this process is at."""

    def __init__(self, database: Database, sealer: Sealer, *, patience_seconds: float = PATIENCE_SECONDS) -> None:
        self._database = database
        self._sealer = sealer
        self._patience_seconds = patience_seconds
        self._running: dict[str, asyncio.Event] = {}

    @asynccontextmanager
    async def once(self, request: Request, owner: str, key: str) -> AsyncIterator[None]:
        """Let the request be carried out inside, unless an equal one was; be left when its transaction is over.

        Raises:
            Replayed: here is the answer.
            KeyReused, StillRunning, AnswerLost: see there.
        """
        route = route_table(request.app).find(request.scope)
        assert route is not None, "routes are added before the first request"
        attempt = Attempt(digest_key(owner, key), await fingerprint(request, route.media), has_transaction(route))
        await self._wait_for_equal(attempt)
        with self._working(attempt.key):
            await self._begin(attempt)
            request.state.attempt = attempt
            _add_last_work(request, lambda session: self._keep(session, attempt))
            try:
                yield
                await self._end(attempt)
            except _REFUSALS as error:
                await self._give_answer_of_other(attempt, error)
                raise
            finally:
                await self._give_up(attempt)

    async def _wait_for_equal(self, attempt: Attempt) -> None:
        deadline = asyncio.get_running_loop().time() + self._patience_seconds
        while (running := self._running.get(attempt.key)) is not None:
            try:
                async with asyncio.timeout_at(deadline):
                    await running.wait()
            except TimeoutError as error:
                raise StillRunning from error
            await self._look(attempt)

    @contextmanager
    def _working(self, key: str) -> Iterator[None]:
        self._running[key] = done = asyncio.Event()
        try:
            yield
        finally:
            del self._running[key]
            done.set()

    async def _begin(self, attempt: Attempt) -> None:
        await self._look(attempt)
        if attempt.has_transaction:
            return
        async with unit_of_work(self._database) as session:
            if not await self._store(session, attempt, None, CLAIM):
                raise StillRunning

    async def _look(self, attempt: Attempt) -> None:
        """Pass when the request has to be carried out."""
        found = await self._find(attempt)
        if found is None:
            return
        if found.fingerprint != attempt.fingerprint:
            raise KeyReused
        if found.answer is None:
            raise StillRunning
        raise Replayed(open_answer(self._sealer, found.answer, row=attempt.key))

    async def _give_answer_of_other(self, attempt: Attempt, error: Exception) -> None:
        """Answer as another replica did, if this one failed because the other was first."""
        found = await self._find(attempt)
        if found is not None and found.answer is not None and found.fingerprint == attempt.fingerprint:
            raise Replayed(open_answer(self._sealer, found.answer, row=attempt.key)) from error

    async def _find(self, attempt: Attempt) -> KeptAnswer | None:
        async with read_only(self._database) as session:
            return await storage.find_answer(session, attempt.key)

    async def _keep(self, session: AsyncSession, attempt: Attempt) -> None:
        """Store the answer in the transaction of the request.

        Raises:
            StillRunning: another replica answered the same request meanwhile; nothing of this one may be stored.
        """
        if attempt.answer is None or not 200 <= attempt.answer.status_code < 300:
            return
        sealed = seal_answer(self._sealer, attempt.answer, row=attempt.key)
        if not await self._store(session, attempt, sealed, KEEP):
            raise StillRunning
        attempt.is_kept = True

    async def _end(self, attempt: Attempt) -> None:
        """Store the answer of a request that had no transaction. One that took so long that its claim ran out has none."""
        if attempt.is_kept or attempt.has_transaction:
            return
        try:
            async with unit_of_work(self._database) as session:
                await self._keep(session, attempt)
        except StillRunning:
            attempt.is_kept = False

    async def _give_up(self, attempt: Attempt) -> None:
        if attempt.has_transaction or attempt.is_kept:
            return
        async with unit_of_work(self._database) as session:
            await storage.give_up_claim(session, attempt.key, attempt.id)

    async def _store(self, session: AsyncSession, attempt: Attempt, sealed: str | None, life: timedelta) -> bool:
        return await storage.keep(
            session,
            key=attempt.key,
            fingerprint=attempt.fingerprint,
            attempt_id=attempt.id,
            answer=sealed,
            life=life,
        )


def install(app: FastAPI) -> None:
    """Let the application answer with stored answers."""
    app.add_exception_handler(Replayed, _replay)


def note_answer(request: Request, answer: Response) -> None:
    """Say what a request will be answered with if its transaction commits."""
    attempt: Attempt | None = getattr(request.state, "attempt", None)
    if attempt is not None:
        attempt.answer = answer


def has_transaction(route: RouteFacts) -> bool:
    """Say whether the operation works in the transaction of its request (`SessionDep`)."""
    dependant: Dependant | None = getattr(route.context, "dependant", None)
    return dependant is not None and _opens_session(dependant)


def _opens_session(dependant: Dependant) -> bool:
    return dependant.call is open_session or any(_opens_session(inner) for inner in dependant.dependencies)


def _add_last_work(request: Request, work: Work) -> None:
    request.state.before_commit = (*getattr(request.state, "before_commit", ()), work)


async def _replay(_request: Request, replayed: Exception) -> Response:
    assert isinstance(replayed, Replayed)
    return replayed.answer
