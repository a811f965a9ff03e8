"""Headers that a user may, and may not, set."""

import pytest

from stationmaster.kit.headers import RESERVED, check_header


@pytest.mark.parametrize(
    ("name", "value"), [("X-Token", "abc"), ("Authorization", "Bearer a.b-c"), ("x", ""), ("X-Latin", "caf\xe9\t!")]
)
def test_ordinary_headers_pass(name: str, value: str) -> None:
    check_header(name, value)


@pytest.mark.parametrize("name", [*sorted(RESERVED), "Host", "Webhook-ID", "stationmaster-attempt", "Stationmaster-X"])
def test_headers_of_the_service_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="set by the service"):
        check_header(name, "x")


@pytest.mark.parametrize("name", ["", "a b", "a:b", "a\r\nb", "ä", "a\x00", "x" * 101])
def test_what_is_no_name_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="not a header name"):
        check_header(name, "x")


@pytest.mark.parametrize("value", ["a\r\nX-Evil: 1", "a\nb", "a\x00b", "日本", "x" * 8001])
def test_values_that_would_reshape_the_request_are_refused(value: str) -> None:
    with pytest.raises(ValueError, match="cannot carry"):
        check_header("X-Ok", value)
