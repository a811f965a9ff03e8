"""An answer as it is kept: status, headers and body as one sealed text."""

import json

from starlette.responses import Response

from stationmaster.errors import Conflict
from stationmaster.kit.sealing import CannotOpen, Sealer

REPLAYED = "Idempotency-Replayed"
MAX_BODY_BYTES = 262_144

# The bytes of headers and bodies as text, one character each.
_BYTES = "latin-1"


class AnswerLost(Conflict):
    """The request was carried out, and nobody can say any more how it was answered."""

    slug = "answer-lost"
    title = "Carried out, answer not kept"

    def __init__(self) -> None:
        super().__init__(
            "A request with this key was carried out; its answer cannot be given again. Look for its effect."
        )


def seal_answer(sealer: Sealer, response: Response, *, row: str) -> str:
    """Write an answer for its row; of a body over 256 KiB, or of a stream, only that there was one."""
    body = getattr(response, "body", None)
    is_kept = body is not None and len(body) <= MAX_BODY_BYTES
    document = {
        "status": response.status_code,
        "headers": [[name.decode(_BYTES), value.decode(_BYTES)] for name, value in response.raw_headers],
        "body": bytes(body).decode(_BYTES) if body is not None and is_kept else None,
    }
    return sealer.seal(json.dumps(document), row=row)


def open_answer(sealer: Sealer, sealed: str, *, row: str) -> Response:
    """Read what `seal_answer` wrote, and mark it as given again.

    Raises:
        AnswerLost: its body was too large, or the secret key of the service has changed.
    """
    try:
        document = json.loads(sealer.open(sealed, row=row))
    except CannotOpen as error:
        raise AnswerLost from error
    if document["body"] is None:
        raise AnswerLost
    response = Response(document["body"].encode(_BYTES), document["status"])
    response.raw_headers = [(name.encode(_BYTES), value.encode(_BYTES)) for name, value in document["headers"]]
    response.headers[REPLAYED] = "true"
    return response
