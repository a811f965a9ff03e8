import pytest

from stationmaster.kit.emails import normalise_email


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Ada@Example.COM", "ada@example.com"),
        (" ada@example.com ", "ada@example.com"),
        ("ops@intranet", "ops@intranet"),
        ("ci@build.local", "ci@build.local"),
        ("jörg@bücher.example", "jörg@bücher.example"),
    ],
)
def test_normalises(text: str, expected: str) -> None:
    assert normalise_email(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ada",
        "@example.com",
        "a@x,b@y",
        "a@x\r\nBcc: b@y",
        "Ada <a@x.org>",
        "a b@x.org",
        "a@x.org\x00",
        "a@" + "x" * 300,
    ],
)
def test_refuses_what_is_no_address(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  # whatever the library says
        normalise_email(text)
