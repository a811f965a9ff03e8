"""A server on a loopback socket that behaves like Earth Engine's REST API and Google's token address.

It misbehaves on request. Operations are added by hand. A cancel is taken at once and takes effect after so many looks
(`slow`). Every call is in `calls`.
"""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import jwt
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from stationmaster.earthengine_settings import EarthEngineSettings

PROJECT = "house-project"
EMAIL = "station@house-project.iam.gserviceaccount.com"
SCOPE = "https://www.googleapis.com/auth/earthengine"
TASK = "P3QX7ZB2M5KD4TLRWA6YCVNE"
Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]

PRIVATE_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def key_file(token_uri: str | int | None = "https://oauth2.googleapis.com/token", **changes: Any) -> str:
    """Write a key file as Google makes it."""
    pem = PRIVATE_KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    document = {
        "type": "service_account", "project_id": PROJECT, "private_key_id": "key-1", "private_key": pem,
        "client_email": EMAIL, "token_uri": token_uri,
    }  # fmt: skip
    return json.dumps({name: value for name, value in (document | changes).items() if value is not None})


@dataclass
class EarthEngineServer:
    """The server; `faults` are answers to the next calls of the API, `token_faults` of the token address."""

    operations: dict[str, dict[str, Any]] = field(default_factory=dict)
    slow: int = 0
    calls: list[str] = field(default_factory=list)
    faults: list[Handler] = field(default_factory=list)
    token_faults: list[Handler] = field(default_factory=list)
    tokens: set[str] = field(default_factory=set)
    port: int = 0
    _looks: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def settings(self, **changes: Any) -> EarthEngineSettings:
        own = {"api_url": f"{self.url}/v1", "credentials": key_file(f"{self.url}/token")}
        return EarthEngineSettings.model_validate(own | changes)

    def begin(self, task_id: str = TASK, *, state: str = "RUNNING", project: str = PROJECT) -> str:
        name = f"projects/{project}/operations/{task_id}"
        self.operations[name] = {"name": name, "metadata": {"state": state}, "done": state in {"SUCCEEDED", "FAILED"}}
        return name

    def state_of(self, task_id: str = TASK) -> str:
        return str(self.operations[f"projects/{PROJECT}/operations/{task_id}"]["metadata"]["state"])

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        self.calls.append(f"{request.method} {request.path}")
        if request.path == "/token":
            return await (self.token_faults.pop(0) if self.token_faults else self.exchange)(request)
        if request.headers.get("authorization", "").removeprefix("Bearer ") not in self.tokens:
            return refusal(401, "Request had invalid authentication credentials.")
        return await (self.faults.pop(0) if self.faults else self.serve)(request)

    async def exchange(self, request: web.BaseRequest) -> web.StreamResponse:
        """Exchange an assertion that is signed, for us, in time and for the right thing."""
        form = await request.post()
        try:
            claims = jwt.decode(
                str(form["assertion"]), PRIVATE_KEY.public_key(), algorithms=["RS256"], audience=f"{self.url}/token"
            )
            assert form["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer"
            assert (claims["iss"], claims["scope"]) == (EMAIL, SCOPE)
            assert 0 < claims["exp"] - claims["iat"] <= 3600
        except (jwt.InvalidTokenError, AssertionError, KeyError):
            error = {"error": "invalid_grant", "error_description": "Invalid JWT Signature."}
            return web.json_response(error, status=400)
        token = f"ya29.token-{len(self.tokens)}"
        self.tokens.add(token)
        return web.json_response({"access_token": token, "expires_in": 3599, "token_type": "Bearer"})

    async def serve(self, request: web.BaseRequest) -> web.StreamResponse:
        path, colon, verb = request.path.removeprefix("/v1/").partition(":")
        operation = self.operations.get(path)
        if operation is None:
            return refusal(404, f"Operation {path} not found.")
        if request.method == "GET" and not colon:
            return web.json_response(self._look(operation))
        if request.method != "POST" or verb != "cancel":
            return refusal(404, "no such method")
        if operation["done"]:
            return refusal(400, "Cannot cancel an operation that is completed.")
        operation["metadata"]["state"] = "CANCELLING"
        return web.json_response({})

    def _look(self, operation: dict[str, Any]) -> dict[str, Any]:
        if operation["metadata"]["state"] == "CANCELLING":
            self._looks += 1
            if self._looks > self.slow:
                error = {"code": 1, "message": "Cancelled."}
                operation |= {"metadata": {"state": "CANCELLED"}, "done": True, "error": error}
        return operation


def refusal(code: int, message: str, **headers: str) -> web.Response:
    """Answer as Google's APIs do when they refuse. Underscores of header names stand for hyphens."""
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return web.json_response({"error": {"code": code, "message": message}}, status=code, headers=sent)


def status(code: int, message: str = "trouble", **headers: str) -> Handler:
    """Make a fault: this status, and nothing done."""

    async def fault(_request: web.BaseRequest) -> web.StreamResponse:
        return refusal(code, message, **headers)

    return fault


def lost_answer(server: EarthEngineServer) -> Handler:
    """Make a fault: it is done, and the connection breaks before the answer."""

    async def fault(request: web.BaseRequest) -> web.StreamResponse:
        await server.serve(request)
        assert request.transport
        request.transport.close()
        return web.Response()

    return fault


@asynccontextmanager
async def open_server() -> AsyncIterator[EarthEngineServer]:
    """Listen for as long as the context lasts."""
    server = EarthEngineServer()
    runner = web.ServerRunner(web.Server(server.answer))
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    server.port = runner.addresses[0][1]
    try:
        yield server
    finally:
        await runner.cleanup()
