"""Waits between attempts."""

import pytest

from stationmaster.kit.retry import LONGEST_RETRY_AFTER_SECONDS, Backoff


@pytest.mark.parametrize(("failures", "expected"), [(1, 2), (2, 4), (3, 8), (10, 900), (5000, 900)])
def test_grows_up_to_the_limit(failures: int, expected: float) -> None:
    assert expected == Backoff(jitter=False).delay_after(failures)


def test_jitter_spreads_over_the_whole_wait() -> None:
    delays = [Backoff().delay_after(4) for _ in range(500)]

    assert 0 <= min(delays) < 3
    assert 13 < max(delays) <= 16


@pytest.mark.parametrize(("failures", "expected"), [(1, 1), (2, 10), (3, 10)])
def test_listed_delays_are_kept_and_the_last_repeats(failures: int, expected: float) -> None:
    assert expected == Backoff(delays_seconds=(1, 10)).delay_after(failures)


def test_what_the_receiver_asks_is_a_lower_bound_and_is_capped() -> None:
    backoff = Backoff(delays_seconds=(5,))

    assert 7 == backoff.delay_after(1, retry_after_seconds=7)
    assert 5 == backoff.delay_after(1, retry_after_seconds=2)
    assert LONGEST_RETRY_AFTER_SECONDS == backoff.delay_after(1, retry_after_seconds=1e9)
