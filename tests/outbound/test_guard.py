import base64
from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stationmaster.outbound.guard import OTHER_PROTOCOL_PORTS, Blocked, Guard, classify, parse_url
from tests.outbound.spellings import SPELLINGS

DENIED_V4 = """
    0.0.0.0 0.0.0.1 0.255.255.255 10.0.0.0 10.0.0.1 10.255.255.255 100.64.0.0 100.100.100.200 100.127.255.255 127.0.0.0
    127.0.0.1 127.1.2.3 127.255.255.255 168.63.129.16 169.254.0.0 169.254.169.254 169.254.170.2 169.254.255.255 172.16.0.0
    172.17.0.1 172.31.255.255 192.0.0.0 192.0.0.1 192.0.0.170 192.0.0.192 192.0.0.255 192.0.2.0 192.0.2.255 192.88.99.0
    192.88.99.1 192.88.99.255 192.168.0.0 192.168.1.1 192.168.255.255 198.18.0.0 198.19.255.255 198.51.100.0 198.51.100.255
    203.0.113.0 203.0.113.255 224.0.0.0 224.0.0.251 239.255.255.255 240.0.0.0 255.255.255.254 255.255.255.255
"""
DENIED_V6 = """
    :: ::1 ::2 ::7f00:1 ::8.8.8.8 ::ffff:127.0.0.1 ::ffff:a9fe:a9fe ::ffff:0:127.0.0.1 64:ff9b::7f00:1 64:ff9b::10.0.0.1
    64:ff9b:1::1 100::1 2001::1 2001:0:7f00:1:: 2001:2::1 2001:10::1 2001:20::1 2001:db8::1 2001:db8:ffff::1 2002:7f00:1::1
    2002:a00:1:: 2002:a9fe:a9fe::1 3fff::1 4000::1 5f00::1 fc00::1 fd00:ec2::254 fdff::1 fe80::1 febf::1 fe80::1%lo fec0::1
    feff::1 ff00::1 ff02::1 ff0e::1 8000::1
"""
PUBLIC = """
    1.1.1.1 8.8.8.8 9.255.255.255 11.0.0.0 93.184.215.14 100.63.255.255 100.128.0.0 126.255.255.255 128.0.0.0 168.63.129.15
    168.63.129.17 169.253.255.255 169.255.0.0 172.15.255.255 172.32.0.0 191.255.255.255 192.0.1.0 192.0.1.255 192.0.3.0
    192.88.98.255 192.88.100.0 192.167.255.255 192.169.0.0 198.17.255.255 198.20.0.0 198.51.99.255 198.51.101.0 203.0.112.255
    203.0.114.0 223.255.255.255 2000::1 2001:200::1 2001:4860:4860::8888 2001:db7:ffff::1 2001:db9::1 2002:808:808::1
    2606:4700:4700::1111 2a00:1450::1 3ffe::1 64:ff9b::808:808 ::ffff:8.8.8.8
"""
MEANINGLESS = """
    http://internal internal/path *.internal internal:0 internal:65536 internal:http a@b 10.0.0.1/8 10.0.0.0/33 fd00::/129
    127.1 0x7f.1 2130706433 010.0.0.1 256.0.0.1:x [::1 [::1]x [] : -a a- a..b :80 ::1:x [internal.example/8]
"""


def passes(guard: Guard, url: str) -> bool:
    try:
        guard.check_literal(url)
    except Blocked:
        return False
    return True


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_denied_ipv4_addresses_are_refused_however_they_are_spelt(spelling: str) -> None:
    urls = [f"http://{SPELLINGS[spelling](IPv4Address(text))}" for text in DENIED_V4.split()]

    assert [url for url in urls if passes(Guard(), url)] == []


def test_denied_ipv6_addresses_are_refused() -> None:
    urls = [f"https://[{text}]:8443/x" for text in DENIED_V6.split()]

    assert [url for url in urls if passes(Guard(), url)] == []


@pytest.mark.parametrize("text", PUBLIC.split())
def test_public_addresses_pass_up_to_the_edges_of_the_ranges(text: str) -> None:
    host = f"[{text}]" if ":" in text else text

    assert passes(Guard(), f"https://{host}/")


@given(st.ip_addresses(v=4) | st.ip_addresses(v=6, network="2000::/3") | st.ip_addresses(v=6))
def test_what_passes_is_global_for_the_standard_library_too(address: IPv4Address | IPv6Address) -> None:
    is_wrapped = isinstance(address, IPv6Address) and (address.ipv4_mapped or address.sixtofour) is not None

    assert classify(address) is not None or is_wrapped or (address.is_global and not address.is_multicast)


@pytest.mark.parametrize("host", ["134744072", "0x8.0x8.0x8.0x8", "8.8.2056", "8.8.8.8."])
def test_public_addresses_are_refused_in_unusual_spellings(host: str) -> None:
    with pytest.raises(Blocked, match="write that"):
        Guard().check_literal(f"http://{host}/")


@pytest.mark.parametrize(
    "host", ["example.com", "localhost", "a-b.test.", "xn--mnchen-3ya.de", "münchen.de", "my_service"]
)
def test_names_are_left_to_the_resolver(host: str) -> None:
    assert passes(Guard(), f"http://{host}:8080/")


@pytest.mark.parametrize(
    "url",
    [
        "http://[::g]/",
        "http://[::1%]/",
        "http://[v1.fe:1]/",
        "http://[/",
        "http:///path",
        "http://%31%32%37.0.0.1/",
        "http://a%2eb/",
        "http://\uff11\uff12\uff17\uff052e0.0.1/",
        f"http://{'a' * 254}/",
        "ftp://8.8.8.8/",
        "ws://8.8.8.8/",
        "unix:///run/docker.sock",
        "8.8.8.8",
        "",
    ],
)
def test_what_is_no_http_address_is_refused(url: str) -> None:
    with pytest.raises(Blocked):
        Guard().check_literal(url)


@pytest.mark.parametrize("port", sorted(OTHER_PROTOCOL_PORTS))
def test_ports_of_other_protocols_are_refused_unless_allowed(port: int) -> None:
    address = ip_address("8.8.8.8")

    Guard(("dns.example",)).check_address("dns.example", port, address)
    with pytest.raises(Blocked, match=f"Port {port} "):
        Guard().check_address("dns.example", port, address)


@pytest.mark.parametrize("port", [80, 443, 3000, 8080, 8443, 9000, 65_535])
def test_other_ports_of_public_hosts_pass(port: int) -> None:
    assert passes(Guard(), f"http://8.8.8.8:{port}/")


@pytest.mark.parametrize(
    ("entry", "allowed", "denied"),
    [
        ("127.0.0.1", ["127.0.0.1", "127.0.0.1:22", "[::ffff:127.0.0.1]:9"], ["127.0.0.2", "[::1]"]),
        ("127.0.0.1:8080", ["127.0.0.1:8080"], ["127.0.0.1", "127.0.0.1:8081"]),
        ("10.0.0.0/8", ["10.0.0.1", "10.255.255.255:6000", "[64:ff9b::a00:1]"], ["11.0.0.1:25", "192.168.0.1"]),
        ("10.0.0.0/8:80", ["10.0.0.1"], ["10.0.0.1:81"]),
        ("::1", ["[::1]", "[0:0::1]:99"], ["127.0.0.1", "[::2]"]),
        ("[::1]", ["[::1]:99"], ["[::2]"]),
        ("[fd00::1]:8080", ["[fd00::1]:8080"], ["[fd00::1]", "[fd00::2]:8080"]),
        ("fd00::/8", ["[fd00::1]", "[fdff::1]:1"], ["[fc00::1]"]),
        ("[fd00::/8]:80", ["[fd00::1]"], ["[fd00::1]:81"]),
        ("0.0.0.0/0", ["127.0.0.1", "169.254.169.254"], ["[::1]"]),
    ],
)
def test_allowed_addresses_pass_and_no_others(entry: str, allowed: list[str], denied: list[str]) -> None:
    guard = Guard((entry,))

    assert (allowed, []) == (
        [host for host in allowed if passes(guard, f"http://{host}/")],
        [host for host in denied if passes(guard, f"http://{host}/")],
    )


@pytest.mark.parametrize(
    ("entry", "host", "port", "is_allowed"),
    [
        ("internal.example", "internal.example", 5, True),
        ("Internal.EXAMPLE.", "INTERNAL.example", 80, True),
        ("internal.example", "internal.example.", 80, True),
        ("internal.example:80", "internal.example", 80, True),
        ("internal.example:80", "internal.example", 81, False),
        ("internal.example", "sub.internal.example", 80, False),
        ("internal.example", "xinternal.example", 80, False),
        ("münchen.example", "xn--mnchen-3ya.example", 80, True),
        ("my_service", "my_service", 80, True),
        ("localhost", "127.0.0.1", 80, False),
    ],
)
def test_an_allowed_name_is_that_name_as_written(entry: str, host: str, port: int, is_allowed: bool) -> None:
    guard = Guard((entry,))
    try:
        guard.check_address(host, port, ip_address("10.1.2.3"))
        was_allowed = True
    except Blocked:
        was_allowed = False

    assert is_allowed is was_allowed


@pytest.mark.parametrize("entry", MEANINGLESS.split())
def test_an_entry_that_means_nothing_is_refused_by_name(entry: str) -> None:
    with pytest.raises(ValueError, match="in the list of allowed addresses") as raised:
        Guard((entry,))

    assert repr(entry) in str(raised.value)


def test_a_refusal_does_not_tell_the_address_behind_a_name() -> None:
    with pytest.raises(Blocked) as raised:
        Guard().check_address("db.example", 80, ip_address("10.9.8.7"))

    assert "10.9.8.7" not in str(raised.value)


@pytest.mark.parametrize("target", ["/a/../b", "/?sig=%2Fa%2C+b%3D", "/%7Euser;v=1", f"/{base64.b64encode(b'??>')!r}"])
def test_path_and_query_are_sent_as_they_were_written(target: str) -> None:
    assert target == parse_url(f"http://example.com{target}#fragment").raw_path_qs


def test_what_is_not_ascii_is_encoded() -> None:
    url = parse_url("http://münchen.example/ä?ö=ü")

    assert (url.raw_host, url.raw_path_qs) == ("xn--mnchen-3ya.example", "/%C3%A4?%C3%B6=%C3%BC")
