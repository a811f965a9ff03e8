"""Objects that others send as JSON."""

import json
from typing import Any


def read_object(text: str) -> dict[str, Any]:
    """Return the object that a text is, or an empty one when it is none: an answer that cannot be read says nothing."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}
