import pytest

from stationmaster.kit.addresses import truncate_address


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.77", "192.0.2.0"),
        ("::ffff:192.0.2.77", "192.0.2.0"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1::"),
        ("fe80::1%eth0", "fe80::"),
        ("::1", "::"),
        ("testclient", None),
        ("", None),
    ],
)
def test_keeps_the_network_and_not_the_person(address: str, network: str | None) -> None:
    assert network == truncate_address(address)
