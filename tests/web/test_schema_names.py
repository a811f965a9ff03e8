"""The names of schemas in the OpenAPI document."""

from typing import Any

import pytest

from stationmaster.web.schema_names import plain_name, rename


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("JobOut", "JobOut"),
        ("Page_JobItem_", "PageJobItem"),
        ("WebhookTarget-Input", "WebhookTargetInput"),
        ("Body_login_form", "BodyLoginForm"),
    ],
)
def test_a_name_becomes_one_word(name: str, plain: str) -> None:
    assert plain_name(name) == plain


def test_whatever_refers_to_a_schema_follows_its_name() -> None:
    reference = {"$ref": "#/components/schemas/A-Input"}
    mapping = {"a": "#/components/schemas/A-Input"}
    document: dict[str, Any] = {
        "paths": {"/": {"get": {"parameters": [reference]}}},
        "components": {"schemas": {"A-Input": {"title": "A"}, "B": {"discriminator": {"mapping": mapping}}}},
    }

    rename(document)

    assert document["paths"]["/"]["get"]["parameters"] == [{"$ref": "#/components/schemas/AInput"}]
    assert document["components"]["schemas"]["B"]["discriminator"]["mapping"] == {"a": "#/components/schemas/AInput"}
    assert document["components"]["schemas"]["AInput"] == {"title": "AInput"}


def test_two_schemas_never_share_a_name() -> None:
    document: dict[str, Any] = {"components": {"schemas": {"A-B": {}, "A_B": {}}}}

    with pytest.raises(AssertionError):
        rename(document)
