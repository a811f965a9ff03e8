"""What a kind of thing must offer to be exported and imported."""

from collections.abc import Collection
from typing import Any, Protocol

from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.identity.actor import Actor

Item = dict[str, Any]
"""One thing in its normal form: JSON, without what is the default."""


class Section(Protocol):
    """One kind of thing. `key` is its place in the document."""

    @property
    def key(self) -> str: ...

    @property
    def is_pruned(self) -> bool:
        """Say whether things that the document does not name can be deleted on request."""

    async def read(self, session: AsyncSession, actor: Actor) -> dict[str, Item]:
        """Return what is there and the caller may see, by name."""

    def normalise(self, raw: Any) -> tuple[str, Item]:
        """Return name and normal form of an item of a document.

        Raises:
            ValidationError, Invalid: it is not right.
        """

    async def create(self, session: AsyncSession, item: Item, actor: Actor) -> None:
        """Make a thing."""

    async def update(
        self, session: AsyncSession, name: str, item: Item, changed: Collection[str], actor: Actor
    ) -> None:
        """Let a thing become like `item`, in which the fields `changed` differ from what it is."""

    async def link(self, session: AsyncSession, name: str, item: Item, actor: Actor) -> None:
        """Set what points to other things, once all are there."""

    async def delete(self, session: AsyncSession, name: str, actor: Actor) -> None:
        """Delete a thing."""
