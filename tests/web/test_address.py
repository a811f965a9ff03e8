"""Hosts and addresses before routing."""

import pytest

from tests.web.building import call, make_app


@pytest.mark.parametrize(
    ("hosts", "http_version", "status"),
    [([b"a"], "1.1", 404), ([b"a", b"b"], "1.1", 400), ([b"a", b"a"], "2", 400), ([], "1.1", 400), ([], "1.0", 404)],
)
async def test_there_is_one_host(hosts: list[bytes], http_version: str, status: int) -> None:
    answer = await call(make_app(), headers=[(b"host", host) for host in hosts], http_version=http_version)

    assert answer.status == status


@pytest.mark.parametrize(
    ("path", "status"), [("/%00", 400), ("/a%ffb", 400), ("/%ed%a0%80", 400), ("/%zz", 404), ("/%C3%A9", 404)]
)
async def test_an_address_is_text(path: str, status: int) -> None:
    assert (await call(make_app(), path)).status == status
