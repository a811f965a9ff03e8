"""Answers that are files of somebody's: never shown by a browser, always saved."""

from typing import Any
from urllib.parse import quote

ATTACHMENT: dict[str, Any] = {
    "description": "The content.",
    "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}, "example": "..."}},
}
"""How such an answer is documented."""


def attachment_headers(name: str, *, size_bytes: int) -> dict[str, str]:
    """Return the headers of a download (RFC 6266): a name that any client reads, and the whole name behind it."""
    plain = "".join(each if each.isascii() and each.isprintable() and each not in '"\\%/' else "_" for each in name)
    disposition = f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
    return {"Content-Disposition": disposition, "Content-Length": str(size_bytes)}
