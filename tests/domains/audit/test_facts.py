from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from pydantic import BaseModel, SecretStr

from stationmaster.domains.audit.facts import LONGEST_VALUE, Hidden, decode, difference, encode, snapshot
from stationmaster.domains.users.models import User
from stationmaster.identity.actor import Role
from stationmaster.kit.masking import MASK


class Point(BaseModel):
    """Stands for any model inside a fact."""

    x: int
    secret: str = "s"


def test_a_snapshot_hides_personal_columns_and_leaves_out_what_every_row_has() -> None:
    columns: dict[str, Any] = {"email": "ada@example.com", "name": "Ada", "password_hash": "h"}

    facts = snapshot(User(**columns), but={"version"})

    assert facts["email"] == Hidden("ada@example.com")
    assert facts["country"] is None
    assert facts["role"] is Role.USER
    assert not facts.keys() & {"id", "created_at", "updated_at", "version"}


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ({"a": 1, "b": 2}, {"a": 1, "b": 3}, ({"b": 2}, {"b": 3})),
        ({"a": 1}, {"a": 1}, ({}, {})),
        ({"a": 1}, {}, ({"a": 1}, {"a": None})),
        (None, {"a": 1}, (None, {"a": 1})),
        ({"a": 1}, None, ({"a": 1}, None)),
        ({"a": Hidden("x")}, {"a": Hidden("y")}, ({"a": Hidden("x")}, {"a": Hidden("y")})),
        ({"a": SecretStr("x")}, {"a": SecretStr("x")}, ({}, {})),
    ],
)
def test_a_difference_has_only_what_changed(before: Any, after: Any, expected: Any) -> None:
    assert expected == difference(before, after)


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (None, None),
        (1.5, 1.5),
        (Role.ADMIN, "admin"),
        (datetime(2026, 11, 21, tzinfo=UTC), "2026-11-21T00:00:00Z"),
        (timedelta(seconds=90), "PT1M30S"),
        (UUID(int=7), str(UUID(int=7))),
        ((1, {2}), [1, [2]]),
        (Hidden("x"), MASK),
        (SecretStr("x"), MASK),
        ({"token": "x", "other": "y"}, {"token": MASK, "other": "y"}),
        ({"headers": [{"cookie": ["x"]}]}, {"headers": [{"cookie": [MASK]}]}),
        ({"credential": None}, {"credential": None}),
        (Point(x=1), {"x": 1, "secret": MASK}),
        ("x" * LONGEST_VALUE, f"({LONGEST_VALUE + 2} characters, left out)"),
        ({"a": "x" * LONGEST_VALUE}, f"({LONGEST_VALUE + 8} characters, left out)"),
    ],
)
def test_facts_are_written_as_json_with_masks(value: Any, written: Any) -> None:
    assert {"fact": written} == decode(encode({"fact": value}))


def test_a_fact_that_is_named_like_a_secret_is_masked() -> None:
    assert {"api_key": MASK, "b": "ä"} == decode(encode({"b": "ä", "api_key": 1}))


def test_facts_are_written_the_same_whatever_their_order() -> None:
    assert '{"a":"ä","b":1}' == encode({"b": 1, "a": "ä"}) == encode({"a": "ä", "b": 1})


def test_no_facts_are_no_text() -> None:
    assert encode(None) is None
    assert decode(None) is None
