"""Signs of life come with nothing but a key, by GET, HEAD or POST."""

from typing import Any

import pytest
from dirty_equals import IsPartialDict

from tests.domains.checks.checking import CHECKS, Post


async def pings(post: Post, check: dict[str, Any]) -> list[dict[str, Any]]:
    answer = await post.client.get(f"{CHECKS}/{check['id']}/pings", headers=post.owner.headers)
    return list(answer.json()["items"])


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
async def test_any_method_will_do(post: Post, method: str) -> None:
    check = await post.create()

    answer = await post.ping(check, method=method)

    assert (answer.status_code, answer.text) == (200, "" if method == "HEAD" else "OK")
    assert await post.read(check) == IsPartialDict(state="up", ping_count=1)


@pytest.mark.parametrize(
    ("signal", "state", "kept"),
    [
        ("", "up", ("success", None)),
        ("/0", "up", ("success", 0)),
        ("/1", "down", ("fail", 1)),
        ("/255", "down", ("fail", 255)),
        ("/fail", "down", ("fail", None)),
        ("/start", "new", ("start", None)),
        ("/log", "new", ("log", None)),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_each_sign_moves_the_check(
    post: Post, method: str, signal: str, state: str, kept: tuple[str, int | None]
) -> None:
    check = await post.create()

    answer = await post.ping(check, signal, method=method)

    (ping,) = await pings(post, check)
    assert (answer.status_code, (await post.read(check))["state"]) == (200, state)
    assert (ping["signal"], ping["exit_code"]) == kept


async def test_what_is_sent_along_is_kept(post: Post) -> None:
    check = await post.create()

    await post.ping(check, method="POST", content=b"42 files \xff\x00" + b"x" * 20_000, headers={"User-Agent": "cron"})

    (ping,) = await pings(post, check)
    assert ping["body"].startswith("42 files \ufffdxxx")
    assert (len(ping["body"]), ping["user_agent"], ping["method"]) == (10_000, "cron", "POST")


@pytest.mark.parametrize("content_type", ["text/plain", "application/json", "application/x-www-form-urlencoded", ""])
async def test_any_kind_of_body_will_do(post: Post, content_type: str) -> None:
    check = await post.create()

    answer = await post.ping(check, "/log", method="POST", content=b"{not json", headers={"Content-Type": content_type})

    assert answer.status_code == 200
    assert ["{not json"] == [ping["body"] for ping in await pings(post, check)]


async def test_the_time_of_a_run_is_measured(post: Post) -> None:
    check = await post.create()
    await post.ping(check, "/start")
    await post.let_pass(check, 30)

    await post.ping(check)

    assert 30 <= (await post.read(check))["last_duration_seconds"] < 40
    assert (await post.read(check))["last_start_at"] is None


async def test_a_paused_check_keeps_signs_and_stays(post: Post) -> None:
    check = await post.create()
    await post.client.post(f"{CHECKS}/{check['id']}/pause", headers=post.owner.headers)

    await post.ping(check, "/fail")

    assert (await post.read(check))["state"] == "paused"
    assert len(await pings(post, check)) == 1


@pytest.mark.parametrize("signal", ["", "/start", "/7"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
async def test_an_unknown_key_is_not_there(post: Post, signal: str, method: str) -> None:
    answer = await post.client.request(method, f"/ping/{'x' * 32}{signal}")

    assert answer.status_code == 404
    assert "x" * 32 not in answer.text


@pytest.mark.parametrize("signal", ["/256", "/stop", "/-1", "/0x1", "/\u0661", "/1?x=1"])
async def test_what_is_no_sign_is_refused(post: Post, signal: str) -> None:
    check = await post.create()

    assert (await post.ping(check, signal)).status_code == 422
    assert await pings(post, check) == []
