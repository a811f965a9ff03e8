"""Which requests are the same."""

from typing import Any

import pytest
from starlette.requests import Request

from stationmaster.errors import Invalid
from stationmaster.web.idempotency_request import digest_key, fingerprint, read_key

BOUNDARY = '--{b}\r\nContent-Disposition: form-data; name="{n}"; filename="a.txt"\r\n\r\n{v}\r\n--{b}--\r\n'


def request_with(*keys: str, method: str = "POST", path: str = "/jobs", query: str = "", body: str = "{}") -> Request:
    headers = [(b"idempotency-key", key.encode("latin-1")) for key in keys]
    return make_request(method=method, path=path, query=query, body=body, headers=headers)


def make_request(*, method: str, path: str, query: str, body: str, headers: list[tuple[bytes, bytes]]) -> Request:
    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body.encode(), "more_body": False}

    scope = {
        "type": "http", "method": method, "path": path, "query_string": query.encode(), "headers": headers,
        "scheme": "http", "server": ("testserver", 80), "root_path": "",
    }  # fmt: skip
    return Request(scope, receive)


def upload(boundary: str, *, name: str = "file", value: str = "content") -> Request:
    headers = [(b"content-type", f"multipart/form-data; boundary={boundary}".encode())]
    body = BOUNDARY.format(b=boundary, n=name, v=value)
    return make_request(method="POST", path="/files", query="", body=body, headers=headers)


async def digest(request: Request) -> str:
    """Take the fingerprint of a form, and close its files as FastAPI does."""
    try:
        return await fingerprint(request, "form")
    finally:
        await request.close()


@pytest.mark.parametrize(
    ("given", "key"),
    [
        ("8e03978e-40d5", "8e03978e-40d5"),
        ('"8e03978e-40d5"', "8e03978e-40d5"),
        ('  "a b" ', "a b"),
        (r'"a\"b\\c"', r'a"b\c'),
        ("x" * 255, "x" * 255),
    ],
)
def test_reads(given: str, key: str) -> None:
    assert key == read_key(request_with(given))


@pytest.mark.parametrize("given", ["", '""', "a b", '"open', r'"\n"', 'quo"te', "x" * 256, "schlüssel", "tab\tbed"])
def test_refuses(given: str) -> None:
    with pytest.raises(Invalid) as refusal:
        read_key(request_with(given))

    assert refusal.value.errors[0].parameter == "Idempotency-Key"


def test_refuses_two_keys() -> None:
    with pytest.raises(Invalid):
        read_key(request_with("one", "two"))


def test_reads_no_key_where_there_is_none_or_no_post() -> None:
    assert read_key(request_with()) is None
    assert read_key(request_with("key", method="PATCH")) is None


def test_a_key_belongs_to_its_owner() -> None:
    assert digest_key("user:1", "key") != digest_key("user:2", "key")
    assert len(digest_key("user:1", "key")) == 64


async def test_the_same_is_the_same() -> None:
    assert await fingerprint(request_with("a"), "json") == await fingerprint(request_with("b"), "json")


@pytest.mark.parametrize("other", [{"path": "/jobs/x"}, {"query": "a=1"}, {"body": "[]"}, {"method": "PUT"}])
async def test_anything_else_is_another(other: dict[str, str]) -> None:
    assert await fingerprint(request_with(), "json") != await fingerprint(request_with(**other), "json")


async def test_a_form_is_its_fields_whatever_the_boundary() -> None:
    assert await digest(upload("one")) == await digest(upload("two"))


@pytest.mark.parametrize("other", [{"name": "image"}, {"value": "changed"}])
async def test_a_form_with_other_content_is_another(other: dict[str, str]) -> None:
    assert await digest(upload("one")) != await digest(upload("one", **other))


async def test_a_file_can_be_read_afterwards() -> None:
    request = upload("one", value="content")
    await fingerprint(request, "form")
    file: Any = (await request.form())["file"]
    content = await file.read()
    await request.close()

    assert content == b"content"
