"""The service as the client sees it; and what is written as name=value."""

from pathlib import Path
from typing import Any

import httpx
import pytest

from stationmaster.entrypoints.cli.script.station import Station, open_station
from stationmaster.entrypoints.cli.script.values import read_values
from stationmaster.entrypoints.cli.terminal import Refusal

DECLARED: dict[str, Any] = {
    "properties": {
        "text": {"type": "string"},
        "number": {"type": "integer"},
        "file": {"type": "string", "format": "file"},
        "tags": {"type": "array", "items": {"type": "string"}},
    }
}


def station(status: int, body: Any = None, text: str | None = None) -> Station:
    def answer(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(status, text=text) if text is not None else httpx.Response(status, json=body)

    return Station(httpx.Client(base_url="http://station.example", transport=httpx.MockTransport(answer)))


def test_a_refusal_names_what_is_wrong() -> None:
    problem = {"detail": "2 fields are not valid.", "errors": [{"detail": "Field required", "pointer": "/params/text"}]}

    with pytest.raises(Refusal) as refused:
        station(422, problem).post("/scripts/hello/run")

    assert str(refused.value) == "2 fields are not valid.\nparams/text: Field required"


@pytest.mark.parametrize(
    ("status", "body", "text", "expected"),
    [
        (401, {"detail": "No."}, None, "No. Is the API key right?"),
        (404, {"detail": "Not there."}, None, "Not there."),
        (502, None, "<html>", "is no Stationmaster"),
    ],
)
def test_other_refusals(status: int, body: Any, text: str | None, expected: str) -> None:
    with pytest.raises(Refusal, match=expected.replace("?", r"\?")):
        station(status, body, text).get("/scripts/hello")


def test_nothing_is_found() -> None:
    assert station(404, {"detail": "Not there."}).find("/scripts/hello") is None


def test_nobody_answers() -> None:
    with open_station("http://127.0.0.1:9", "key") as opened, pytest.raises(Refusal, match="does not answer"):
        opened.get("/scripts")


@pytest.mark.parametrize(("url", "key"), [("http://a", ""), ("station.example", "key")])
def test_needs_an_address_and_a_key(url: str, key: str) -> None:
    with pytest.raises(Refusal), open_station(url, key):
        pass


def test_values_are_read_as_declared(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("1,2")
    texts = ["text=5", "number=5", "tags=a", "tags=b=c", f"file=@{tmp_path / 'a.csv'}", "unknown=x y"]

    values = read_values(station(201, {"id": "an id"}), DECLARED, texts)

    assert values == {"text": "5", "number": 5, "tags": ["a", "b=c"], "file": "an id", "unknown": "x y"}


@pytest.mark.parametrize("text", ["text", "=x", "file=@/absent/file"])
def test_what_is_no_value(text: str) -> None:
    with pytest.raises(Refusal):
        read_values(station(201, {"id": "an id"}), DECLARED, [text])
