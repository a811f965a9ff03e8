"""`/openapi.json`, and `/docs` and `/redoc` from our own files: no other host is asked, and scripts run only from here.

The files are vendored, see `static/README.md`.
"""

import asyncio
from dataclasses import dataclass, field
from pathlib import Path

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, Response

_STATIC = Path(__file__).parent / "static"
_FILES = {
    "icon.svg": _STATIC / "icon.svg",
    "redoc.js": _STATIC / "redoc.js",
    "redoc.standalone.js": _STATIC / "redoc" / "redoc.standalone.js",
    "swagger-ui-bundle.js": _STATIC / "swagger-ui" / "swagger-ui-bundle.js",
    "swagger-ui.css": _STATIC / "swagger-ui" / "swagger-ui.css",
    "swagger.js": _STATIC / "swagger.js",
}
# Both programs write styles into the page, and Redoc searches in a worker that it makes from a blob.
PAGE_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data:",
        "font-src data:",
        "connect-src 'self'",
        "worker-src blob:",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)


def install(app: FastAPI) -> None:
    """Serve the description of the service, the two pages that show it, and their files."""
    app.add_route("/openapi.json", _Description(app).serve, include_in_schema=False)
    app.add_route("/docs", _swagger, include_in_schema=False)
    app.add_route("/redoc", _redoc, include_in_schema=False)
    app.add_route("/docs/static/{name}", _file, include_in_schema=False)


@dataclass
class _Description:
    """The OpenAPI document. To write it takes seconds of processor time once: in a thread, as leases must be kept."""

    app: FastAPI
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def serve(self, request: Request) -> Response:
        async with self.lock:
            document = await asyncio.to_thread(self.app.openapi)
        root = request.scope.get("root_path", "").rstrip("/")
        return JSONResponse({**document, "servers": [{"url": root}]} if root else document)


async def _swagger(request: Request) -> Response:
    return _page("swagger.html", request)


async def _redoc(request: Request) -> Response:
    return _page("redoc.html", request)


async def _file(request: Request) -> Response:
    path = _FILES.get(request.path_params["name"])
    if path is None:
        raise HTTPException(404)
    return FileResponse(path, headers={"Cache-Control": "public, max-age=86400"})


def _page(name: str, request: Request) -> Response:
    text = (_STATIC / name).read_text("utf-8").replace("{root}", request.scope.get("root_path", ""))
    return HTMLResponse(text, headers={"Content-Security-Policy": PAGE_POLICY})
