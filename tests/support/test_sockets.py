import socket

import pytest

from tests.support.sockets import ReachedOut, is_local


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "localhost", b"127.0.0.1", "0.0.0.0", ""])
def test_this_machine_is_local(host: str | bytes) -> None:
    assert is_local(host)


@pytest.mark.parametrize("host", ["10.0.0.1", "8.8.8.8", "2001:db8::1", "example.com", "169.254.169.254"])
def test_other_machines_are_not(host: str) -> None:
    assert not is_local(host)


def test_a_connection_to_another_machine_is_refused() -> None:
    with socket.socket() as client, pytest.raises(ReachedOut, match=r"192\.0\.2\.1"):
        client.connect(("192.0.2.1", 80))


def test_another_machine_is_not_looked_up() -> None:
    with pytest.raises(ReachedOut, match=r"example\.com"):
        socket.getaddrinfo("example.com", 80)
