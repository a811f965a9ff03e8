import pytest

from stationmaster.kit.addresses import line_of, truncate_address


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


@pytest.mark.parametrize(
    ("address", "line"),
    [
        ("192.0.2.77", "192.0.2.77"),
        ("::ffff:192.0.2.77", "192.0.2.77"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("testclient", None),
        ("", None),
    ],
)
def test_a_line_is_what_one_customer_cannot_change(address: str, line: str | None) -> None:
    assert line == line_of(address)
