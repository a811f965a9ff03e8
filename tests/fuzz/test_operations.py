"""Every operation, called with all that Schemathesis can think of, answers as the OpenAPI document says.

No server error, no status, media type, header or body that is not described, and nothing accepted that the document
forbids; as callers of every kind, on both databases. A new operation is covered by being in the document.
`make fuzz` tries far more, and at random (`STATIONMASTER_TEST_FUZZ_EXAMPLES`).
"""

import copy
import os
from collections.abc import AsyncIterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.config import SchemathesisConfig
from schemathesis.core.failures import FailureGroup

from stationmaster.app import create_app
from tests.fuzz.house import AnyCase, House, make_settings, open_house
from tests.support.databases import Databases

EXAMPLES = int(os.environ.get("STATIONMASTER_TEST_FUZZ_EXAMPLES", "0"))
FEW = 6

# What holds between single calls is the permission matrix's; what the domain refuses beyond the schema is no fault.
LEFT_OUT = ("ignored_auth", "positive_data_acceptance", "use_after_free", "ensure_resource_availability")

# As by default, and 413: what is larger than the schema allows may be larger than is read.
REFUSALS = ["400", "401", "403", "404", "405", "406", "409", "413", "415", "422", "428", "429", "5xx"]
CONFIG = SchemathesisConfig.from_dict(
    {
        "checks": {
            **{name: {"enabled": False} for name in LEFT_OUT},
            "negative_data_rejection": {"expected-statuses": REFUSALS},
        }
    }
)
DOCUMENT = create_app(make_settings()).openapi()

schema = schemathesis.openapi.from_dict(DOCUMENT, config=CONFIG)
# A stream ends with what it follows, which here never ends; streams have tests of their own.
finite = schema.exclude(path_regex="/stream$")


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
async def house(request: pytest.FixtureRequest, databases: Databases) -> AsyncIterator[House]:
    async with databases.migrated(request.param) as url:
        with TemporaryDirectory() as folder, open_house(url, Path(folder)) as opened:
            yield opened


@finite.parametrize()
@settings(
    max_examples=EXAMPLES or FEW, deadline=None, derandomize=not EXAMPLES, suppress_health_check=list(HealthCheck)
)
@pytest.mark.timeout(600)
def test_an_operation_answers_as_it_is_described(case: AnyCase, house: House) -> None:
    house.send(case)


@pytest.mark.parametrize(
    "lie",
    [
        {"description": "It lives.", "content": {"text/plain": {}}},
        {"description": "It lives.", "content": {"application/json": {"schema": {"type": "array"}}}},
        None,
    ],
    ids=["media type", "schema", "status"],
)
def test_a_wrong_description_is_noticed(house: House, lie: dict[str, Any] | None) -> None:
    document = copy.deepcopy(DOCUMENT)
    document["paths"]["/health/live"]["get"]["responses"] = {"200": lie} if lie else {"204": {"description": "No"}}
    operation = schemathesis.openapi.from_dict(document, config=CONFIG)["/health/live"]["GET"]

    with pytest.raises(FailureGroup):
        house.send(operation.Case())
