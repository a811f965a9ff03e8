"""`/metrics` for Prometheus."""

from prometheus_client.exposition import choose_encoder
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.pool import QueuePool
from starlette.requests import Request
from starlette.responses import Response

from stationmaster.db.engine import Database
from stationmaster.telemetry import metrics
from stationmaster.web.session import database_of


async def get_metrics(request: Request) -> Response:
    """Give the metrics of this replica in Prometheus' text format, or OpenMetrics when asked for.

    Each replica counts what it did itself; add them up over the replicas.
    """
    _measure_pools(database_of(request))
    encode, media_type = choose_encoder(request.headers.get("accept", ""))
    return Response(encode(metrics.REGISTRY), headers={"Content-Type": media_type})


def _measure_pools(database: Database) -> None:
    for name in ("writer", "reader", "control"):
        engine: AsyncEngine = getattr(database, name)
        if isinstance(engine.pool, QueuePool):
            metrics.database_connections.labels(name).set(engine.pool.checkedout())
