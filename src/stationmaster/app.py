"""The application: middlewares, handlers, routers; nothing else."""

from fastapi import FastAPI

from stationmaster import __version__
from stationmaster.config import Settings
from stationmaster.domains.audit.dependencies import Audited
from stationmaster.domains.rate_limits.dependencies import Throttled
from stationmaster.entrypoints import account_pages, api, health
from stationmaster.identity.dependencies import AnsweredOnce
from stationmaster.lifespan import lifespan
from stationmaster.web import docs, idempotency, metrics, middleware, openapi, problems
from stationmaster.web.strict_request import StrictRequest

DESCRIPTION = """
Stationmaster keeps the timetable, sends the trains, and writes the log: register **what** to do and **when**, and every
planned slot is recorded exactly once, also the ones that did not run, with the reason.

Sign in with `POST /api/v1/auth/login` (or *Authorize* above) and send the access token as `Authorization: Bearer ...`.
Errors are problem documents (RFC 9457). Unknown fields and query parameters are refused.
"""


def create_app(settings: Settings) -> FastAPI:
    """Build the application; its lifespan opens what it needs."""
    app = FastAPI(
        title="Stationmaster",
        version=__version__,
        description=DESCRIPTION,
        lifespan=lifespan,
        dependencies=[Audited, Throttled, StrictRequest, AnsweredOnce],
        generate_unique_id_function=openapi.operation_id,
        openapi_url=None,  # `docs` serves it
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.settings = settings
    problems.install(app)
    idempotency.install(app)
    openapi.install(app, api.TAGS)
    middleware.install(app, settings)
    app.include_router(health.router)
    for router in api.ROOT_ROUTERS:
        app.include_router(router)
    for router in api.ROUTERS:
        app.include_router(router, prefix=api.PREFIX)
    account_pages.install(app)
    if settings.http.docs:
        docs.install(app)
    if settings.http.metrics:
        app.add_route("/metrics", metrics.get_metrics, include_in_schema=False)
    return app
