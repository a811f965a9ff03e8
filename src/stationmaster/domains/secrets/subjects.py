"""What a secret can be granted to: things of rooms above this one, so the lifespan hands their look-ups in."""

from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.errors import FieldError, Invalid
from stationmaster.identity.actor import Actor

FindSeen = Callable[[AsyncSession, Collection[UUID], Actor], Awaitable[set[UUID]]]
"""Returns those of the ids that are there and that the caller may see."""


@dataclass(frozen=True)
class Subjects:
    """The look-ups of scripts and of jobs."""

    find_scripts: FindSeen
    find_jobs: FindSeen

    async def check(
        self, session: AsyncSession, actor: Actor, *, scripts: Collection[UUID], jobs: Collection[UUID]
    ) -> None:
        """Refuse grants to what is not there.

        Raises:
            Invalid: names each of them.
        """
        wrong = [
            FieldError(f"There is no {noun} with this id that you can see.", pointer=f"/{noun}s/{index}")
            for noun, ids, find in (("script", scripts, self.find_scripts), ("job", jobs, self.find_jobs))
            if ids
            for index in _missing(ids, await find(session, ids, actor))
        ]
        if wrong:
            raise Invalid(*wrong)


def _missing(ids: Collection[UUID], seen: set[UUID]) -> list[int]:
    return [index for index, id_ in enumerate(ids) if id_ not in seen]
