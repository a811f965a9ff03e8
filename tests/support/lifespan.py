"""Runs an app's lifespan in tests, as a server would."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI


@asynccontextmanager
async def lifespan_of(app: FastAPI) -> AsyncIterator[None]:
    """Start the app, and stop it at the end; what its lifespan raises is raised here.

    The lifespan lives in one task of its own: pytest enters and leaves a fixture in two, and task groups do not bear
    that.
    """
    began, stop = asyncio.Event(), asyncio.Event()

    async def live() -> None:
        try:
            async with app.router.lifespan_context(app):
                began.set()
                await stop.wait()
        finally:
            began.set()

    life = asyncio.create_task(live())
    await began.wait()
    try:
        if not life.done():
            yield
    finally:
        stop.set()
        await life
