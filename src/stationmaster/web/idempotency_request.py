"""By what two requests are known to be the same: the key that the caller chose, and a digest of all that was sent."""

import hashlib
import re
from collections.abc import AsyncIterator
from typing import Final

from starlette.datastructures import UploadFile
from starlette.requests import Request

from stationmaster.errors import FieldError, Invalid
from stationmaster.web.routes import Media, local_path

HEADER: Final = "Idempotency-Key"
MAX_LENGTH: Final = 255

# A structured field string (RFC 8941, section 3.3.3), as draft-ietf-httpapi-idempotency-key-header asks for.
_QUOTED = re.compile(r'"((?:[\x20-\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"')
_PLAIN = re.compile(r"[\x21\x23-\x7e]+")
_CHUNK_BYTES = 65_536


def read_key(request: Request) -> str | None:
    """Return the key of a POST, None when it has none. With and without quotes it is the same key.

    Raises:
        Invalid: there are several, or it cannot be read.
    """
    given = request.headers.getlist(HEADER) if request.method == "POST" else []
    if not given:
        return None
    key = _unquote(given[0].strip()) if len(given) == 1 else None
    if key is None or not 1 <= len(key) <= MAX_LENGTH:
        form = f"Send one key of 1 to {MAX_LENGTH} printable ASCII characters, with or without quotes around it."
        raise Invalid(FieldError(form, parameter=HEADER))
    return key


def _unquote(text: str) -> str | None:
    quoted = _QUOTED.fullmatch(text)
    if quoted is not None:
        return re.sub(r"\\(.)", r"\1", quoted[1])
    return text if _PLAIN.fullmatch(text) else None


def digest_key(owner: str, key: str) -> str:
    """Return the text under which the answer to a caller's key is stored."""
    return hashlib.sha256(f"{owner}\n{key}".encode()).hexdigest()


async def fingerprint(request: Request, media: Media | None) -> str:
    """Return a digest of method, address, query and body; of a form, of its fields, since boundaries are random."""
    total = hashlib.sha256()
    for part in (request.method, local_path(request.scope), request.url.query):
        _add(total, part.encode())
    if media == "form" or _is_multipart(request):
        async for item in _form_parts(request):
            _add(total, item)
    else:
        _add(total, await request.body())
    return total.hexdigest()


def _is_multipart(request: Request) -> bool:
    """Say whether it is a form, also where an operation reads its body itself."""
    return request.headers.get("content-type", "").lower().startswith("multipart/form-data")


async def _form_parts(request: Request) -> AsyncIterator[bytes]:
    form = await request.form()
    for name, value in form.multi_items():
        yield name.encode()
        if isinstance(value, UploadFile):
            yield f"{value.filename} {value.content_type}".encode()
            yield await _digest_file(value)
        else:
            yield value.encode()


async def _digest_file(file: UploadFile) -> bytes:
    total = hashlib.sha256()
    while chunk := await file.read(_CHUNK_BYTES):
        total.update(chunk)
    await file.seek(0)
    return total.digest()


def _add(total: "hashlib._Hash", part: bytes) -> None:
    """Add a part with its length before it, so that no two requests are written alike."""
    total.update(b"%d:" % len(part) + part)
