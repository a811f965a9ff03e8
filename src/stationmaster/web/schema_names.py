"""Gives the schemas of the OpenAPI document names that generated clients can make types of.

Pydantic names a generic page `Page_JobItem_`, and the two sides of a model with defaults `WebhookTarget-Input` and
`WebhookTarget-Output`, both under the title `WebhookTarget`. Here each gets one name, of letters and digits, and that title.
"""

import re
from collections.abc import Mapping
from typing import Any

from stationmaster.web.examples import REF_PREFIX

_BREAK = re.compile(r"[^A-Za-z0-9]+")


def rename(document: dict[str, Any]) -> None:
    """Rename the schemas of a document, in place, and whatever refers to them."""
    components = document["components"]
    names = {name: plain_name(name) for name in components["schemas"]}
    assert len({*names.values()}) == len(names), "two schemas would get one name"
    components["schemas"] = {
        names[name]: {**schema, "title": names[name]} for name, schema in components["schemas"].items()
    }
    _refer(document, {REF_PREFIX + old: REF_PREFIX + new for old, new in names.items() if old != new})


def plain_name(name: str) -> str:
    """Write a name in one word: `Page_JobItem_` becomes `PageJobItem`."""
    return "".join(part[:1].upper() + part[1:] for part in _BREAK.split(name))


def _refer(part: Any, references: Mapping[str, str]) -> None:
    # References stand under `$ref`, and in the mapping of a discriminator under the values that it tells apart.
    for key, value in part.items() if isinstance(part, dict) else enumerate(part):
        if isinstance(value, dict | list):
            _refer(value, references)
        elif isinstance(value, str) and value in references:
            part[key] = references[value]
