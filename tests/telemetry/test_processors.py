"""Secrets masked, control characters escaped."""

from typing import Any

import pytest

from stationmaster.telemetry.processors import MAX_DEPTH, escape_controls, redact_secrets


@pytest.mark.parametrize(
    "name",
    [
        "password", "new_password", "passwd", "Authorization", "x-api-key", "api_key", "apikey", "signing_secret",
        "secret_headers", "access_token", "lease_token", "Set-Cookie", "private_key", "credential",
    ],
)  # fmt: skip
def test_a_fact_named_like_a_secret_is_masked(name: str) -> None:
    assert redact_secrets(None, "info", {"event": "e", name: "hunter2"}) == {"event": "e", name: "***"}


@pytest.mark.parametrize("name", ["event", "job", "route", "attempt", "pass_rate", "keys", "key_id"])
def test_other_facts_stay(name: str) -> None:
    assert redact_secrets(None, "info", {name: "value"}) == {name: "value"}


def test_secrets_are_found_inside() -> None:
    facts = {"call": {"headers": [{"authorization": "hunter2"}, ("a", {"token": 5})]}, "n": 1}

    assert redact_secrets(None, "info", facts) == {
        "call": {"headers": [{"authorization": "***"}, ["a", {"token": "***"}]]},
        "n": 1,
    }


def test_what_is_too_deep_to_search_is_masked_whole() -> None:
    facts: dict[str, Any] = {"password": "hunter2"}
    for _ in range(MAX_DEPTH + 5):
        facts = {"inner": facts}

    assert "hunter2" not in str(redact_secrets(None, "info", facts))


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("plain é 😀", "plain é 😀"),
        ("a\r\n{}", "a\\x0d\\x0a{}"),
        ("\x1b[2J", "\\x1b[2J"),
        ("\x1b]8;;http://evil\x07", "\\x1b]8;;http://evil\\x07"),
        ("\x00\x7f\x9b", "\\x00\\x7f\\x9b"),
        ("a\u202eb\u2066c\u2028d", "a\\u202eb\\u2066c\\u2028d"),
    ],
)
def test_control_characters_are_spelled_out(text: str, written: str) -> None:
    facts = {"event": text, text: 1, "list": [text, {"inner": text}], "object": ValueError(text)}

    escaped = escape_controls(None, "info", facts)

    assert escaped == {"event": written, written: 1, "list": [written, {"inner": written}], "object": written}


def test_a_traceback_keeps_its_lines_and_nothing_else() -> None:
    escaped = escape_controls(None, "error", {"event": "e", "exception": "Traceback\n  line\x1b[2J\r"})

    assert escaped["exception"] == "Traceback\n  line\\x1b[2J\\x0d"
