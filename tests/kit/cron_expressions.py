"""Random cron expressions and instants for the tests: well-formed ones as a strategy, and noise."""

import random
from datetime import UTC, datetime

from hypothesis import strategies as st

# Any instant of a hundred years, to the second.
instants = st.datetimes(
    min_value=datetime.fromisoformat("1950-01-01"),
    max_value=datetime.fromisoformat("2050-01-01"),
    timezones=st.just(UTC),
)

_NOISE = "0123456789*/,-? \tLWHR#@jansunmon\x00\n\u0661\u00e9"


def _write_item(low: int, high: int) -> st.SearchStrategy[str]:
    numbers = st.integers(low, high)
    spans = st.tuples(numbers, numbers).map(lambda pair: f"{min(pair)}-{max(pair)}")
    steps = st.integers(1, high)
    return st.one_of(
        numbers.map(str),
        spans,
        st.builds("{}/{}".format, spans, steps),
        steps.map(lambda step: f"*/{step}"),
    )


def _write_field(low: int, high: int, *more: str) -> st.SearchStrategy[str]:
    items = st.one_of(_write_item(low, high), *map(st.just, more))
    return st.one_of(st.just("*"), st.lists(items, min_size=1, max_size=3).map(",".join))


# Well-formed in every field; a few never fire.
expressions = st.builds(
    "{} {} {} {} {}".format,
    _write_field(0, 59),
    _write_field(0, 23),
    _write_field(1, 31, "L"),
    _write_field(1, 12, "feb", "JUN-aug"),
    _write_field(0, 7, "Sun", "mon-fri"),
)


def make_noise(chance: random.Random) -> str:
    """Return something between a cron expression and nonsense."""
    if chance.random() < 0.3:
        return "".join(chance.choices(_NOISE, k=chance.randint(0, 30)))
    return " ".join(_make_noisy_field(chance) for _ in range(chance.choice((4, 5, 5, 5, 5, 5, 5, 6))))


def _make_noisy_field(chance: random.Random) -> str:
    numbers = [str(chance.choice((1, 1, 2, 3, 5, 5, 7, 0, 12, 23, 31, 60))) for _ in range(3)]
    sound = ("*", "*", "*", "{}", "*/{}", "{},{}", "1-{}", "1-{}/{}")
    odd = ("{}-{}", "{}/{}", "{}-{}/{}", "L", "mon", "JAN", "?", "{}#{}", "", "--", "*{}", "0x{}")
    return chance.choice(sound if chance.random() < 0.9 else odd).format(*numbers)
