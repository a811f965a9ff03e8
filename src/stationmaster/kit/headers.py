"""Which HTTP headers a user may set on an outgoing call."""

import re

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}\Z")  # RFC 9110, section 5.6.2, "token"
_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]{0,8000}\Z")  # RFC 9110, section 5.5, without CR, LF and NUL

RESERVED = frozenset(
    {
        "connection", "content-length", "expect", "host", "idempotency-key", "keep-alive", "proxy-authorization",
        "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade", "webhook-id", "webhook-signature",
        "webhook-timestamp",
    }
)  # fmt: skip
"""Headers that frame the message, belong to one connection, or are ours to sign with."""


OURS = "stationmaster-"
"""Prefix of the headers that tell a receiver about the execution."""


def check_header(name: str, value: str) -> None:
    """Refuse a header that could reshape the request.

    Raises:
        ValueError: the name is not a token or is reserved, or the value has characters a header cannot carry.
    """
    if not _NAME.match(name):
        raise ValueError(f"{name[:100]!r} is not a header name")
    if name.lower() in RESERVED or name.lower().startswith(OURS):
        raise ValueError(f"the header {name!r} is set by the service itself")
    if not _VALUE.match(value):
        raise ValueError(f"the value of {name!r} has characters that a header cannot carry")
