"""The two pages to which links in mails lead: prove an address, set a new password.

The token stands behind `#` in the link, so it is in no log and no referrer; the page's script reads it, takes it out of the
address, and calls the API. An operator with an interface of their own sets `PUBLIC_URL` to it and serves the same two paths.
"""

from pathlib import Path

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response

_FOLDER = Path(__file__).parent
_FILES = frozenset({"account.css", "account.js"})
PAGE_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)


def install(app: FastAPI) -> None:
    """Serve the pages and their files."""
    app.add_route("/verify-email", _verify_email, include_in_schema=False)
    app.add_route("/reset-password", _reset_password, include_in_schema=False)
    app.add_route("/account-pages/{name}", _file, include_in_schema=False)


async def _verify_email(request: Request) -> Response:
    return _page("verify-email.html", request)


async def _reset_password(request: Request) -> Response:
    return _page("reset-password.html", request)


async def _file(request: Request) -> Response:
    name = request.path_params["name"]
    if name not in _FILES:
        raise HTTPException(404)
    return FileResponse(_FOLDER / name)


def _page(name: str, request: Request) -> Response:
    text = (_FOLDER / name).read_text("utf-8").replace("{root}", request.scope.get("root_path", ""))
    return HTMLResponse(text, headers={"Content-Security-Policy": PAGE_POLICY})
