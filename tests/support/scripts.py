"""Scripts for tests: registered over HTTP, and run."""

from typing import Any

import httpx

from tests.support.people import Person

SCRIPTS = "/api/v1/scripts"
TELL = """
import json, os, sys
values = {"arguments": sys.argv[1:], "params": json.loads(os.environ["PARAMS"]), "environment": sorted(os.environ)}
print("::result " + json.dumps(values))
"""
"""Reports as its result what it was started with."""
PARAMETERS: dict[str, Any] = {
    "required": ["text"],
    "properties": {
        "text": {"type": "string", "bind": {"as": "argument"}},
        "count": {"type": "integer", "default": 1, "minimum": 1, "bind": {"as": "flag"}},
    },
}


async def register(client: httpx.AsyncClient, by: Person, **facts: Any) -> str:
    body = {"name": "Tell", "source": TELL, "parameters": PARAMETERS} | facts
    answer = await client.post(SCRIPTS, json=body, headers=by.headers)
    assert answer.status_code == 201, answer.text
    slug: str = answer.json()["slug"]
    return slug


async def run(client: httpx.AsyncClient, by: Person, slug: str, query: str = "", **body: Any) -> httpx.Response:
    return await client.post(f"{SCRIPTS}/{slug}/run{query}", json=body, headers=by.headers)
