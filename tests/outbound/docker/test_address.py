"""Where the engine is."""

from pathlib import Path

import aiohttp
import pytest

from stationmaster.outbound.docker import address
from stationmaster.outbound.docker.address import find_address, make_connector


@pytest.mark.parametrize(
    ("url", "host", "expected"),
    [
        ("unix:///run/mine.sock", "tcp://other:1", "unix:///run/mine.sock"),
        ("", "tcp://other:1", "tcp://other:1"),
        ("", "ssh://other", "unix:///var/run/docker.sock"),
        ("", "", "unix:///var/run/docker.sock"),
    ],
)
def test_the_setting_goes_before_the_environment(
    url: str, host: str, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", host)
    monkeypatch.setattr(address, "SOCKETS", ("/nowhere/docker.sock", "/var/run/docker.sock"))

    assert expected == find_address(url)


@pytest.mark.parametrize(
    ("url", "base", "kind"),
    [
        ("unix:///run/docker.sock", "unix://localhost", aiohttp.UnixConnector),
        ("tcp://127.0.0.1:2375", "http://127.0.0.1:2375", aiohttp.TCPConnector),
        ("https://engine:2376", "https://engine:2376", aiohttp.TCPConnector),
    ],
)
async def test_each_address_has_its_connector(url: str, base: str, kind: type[aiohttp.BaseConnector]) -> None:
    found, connector = make_connector(url, None)

    assert (base, True) == (found, isinstance(connector, kind))
    assert 0 == connector.limit
    await connector.close()


@pytest.mark.parametrize("url", ["nonsense", "ssh://engine", "unix://relative", "tcp://"])
async def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="no address"):
        make_connector(url, None)


async def test_certificates_that_are_not_there_are_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"ca\.pem"):
        make_connector("tcp://engine:2376", tmp_path)
