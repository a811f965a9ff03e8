"""All channels. A new one is its file beside this one, and one line here."""

from collections.abc import Awaitable, Callable

from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.domains.notifications.audience import Telling
from stationmaster.domains.notifications.channels import email, in_app

Post = Callable[[AsyncSession, Telling], Awaitable[None]]

POSTS: tuple[Post, ...] = (in_app.post, email.post)
"""What each channel writes when something is told, in the transaction of what is told about."""
