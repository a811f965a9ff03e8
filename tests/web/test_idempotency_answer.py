"""An answer comes back as it was."""

import pytest
from starlette.responses import Response, StreamingResponse

from stationmaster.kit.sealing import Sealer
from stationmaster.web.idempotency_answer import MAX_BODY_BYTES, AnswerLost, open_answer, seal_answer

SEALER = Sealer(b"k" * 32)


def test_status_headers_cookies_and_bytes_come_back() -> None:
    given = Response("schön \U0001f682".encode() + b"\xff\x00", 201, {"Location": "/jobs/1"}, "application/json")
    given.set_cookie("one", "1")
    given.set_cookie("two", "2")

    again = open_answer(SEALER, seal_answer(SEALER, given, row="r"), row="r")

    assert (again.status_code, again.body) == (201, given.body)
    assert again.raw_headers[:-1] == given.raw_headers
    assert again.headers["Idempotency-Replayed"] == "true"
    assert len(again.headers.getlist("set-cookie")) == 2


def test_an_empty_answer_comes_back_empty() -> None:
    again = open_answer(SEALER, seal_answer(SEALER, Response(status_code=204), row="r"), row="r")

    assert (again.status_code, again.body) == (204, b"")


def test_nothing_can_be_read_where_it_is_kept() -> None:
    assert "secret" not in seal_answer(SEALER, Response("secret"), row="r")


@pytest.mark.parametrize("answer", [Response("x" * (MAX_BODY_BYTES + 1)), StreamingResponse(iter(["x"]))])
def test_of_a_large_answer_it_is_known_that_there_was_one(answer: Response) -> None:
    sealed = seal_answer(SEALER, answer, row="r")

    with pytest.raises(AnswerLost):
        open_answer(SEALER, sealed, row="r")


@pytest.mark.parametrize(("sealer", "row"), [(Sealer(b"o" * 32), "r"), (SEALER, "another")])
def test_another_key_or_row_does_not_open_it(sealer: Sealer, row: str) -> None:
    sealed = seal_answer(SEALER, Response("x"), row="r")

    with pytest.raises(AnswerLost):
        open_answer(sealer, sealed, row=row)
