"""Does time tell who has an account? `python -m bench.login_timing [--samples 200] [--url postgresql+asyncpg://...]`

Calls what strangers may call with addresses that have an account and with such that have none, in turns, and compares the
times: the medians must lie within 5 ms, and the Mann-Whitney test must not tell the two apart (p > 0.01). The application
runs in this process, so that no network hides a difference.
"""

import argparse
import asyncio
import math
import random
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx
from pydantic import SecretStr

from bench.figures import median
from stationmaster.app import create_app
from stationmaster.config import (
    LoginSettings,
    MailSettings,
    RegistrationSettings,
    RunnerSettings,
    Settings,
)
from stationmaster.db.session import unit_of_work
from stationmaster.domains.users import passwords
from stationmaster.domains.users import service as users
from stationmaster.domains.users.service import NewUser
from stationmaster.setting_groups import RateLimitSettings

PASSWORD = "seven silent semaphores"  # nobody's: there is no service outside of this process
MOST_MS = 5.0
LEAST_P = 0.01

Call = Callable[[httpx.AsyncClient, str], Awaitable[httpx.Response]]


async def log_in(client: httpx.AsyncClient, email: str) -> httpx.Response:
    return await client.post("/api/v1/auth/login", json={"email": email, "password": "not the password"})


async def reset_password(client: httpx.AsyncClient, email: str) -> httpx.Response:
    return await client.post("/api/v1/auth/password-reset", json={"email": email})


async def resend_verification(client: httpx.AsyncClient, email: str) -> httpx.Response:
    return await client.post("/api/v1/auth/resend-verification", json={"email": email})


async def register(client: httpx.AsyncClient, email: str) -> httpx.Response:
    return await client.post("/api/v1/auth/register", json={"email": email, "name": "Somebody", "password": PASSWORD})


CALLS: tuple[Call, ...] = (log_in, reset_password, resend_verification, register)


@dataclass(frozen=True)
class Comparison:
    """The times of one call, in milliseconds, for addresses with and without an account."""

    name: str
    known: Sequence[float]
    unknown: Sequence[float]

    @property
    def difference(self) -> float:
        return median(self.known) - median(self.unknown)

    @property
    def p(self) -> float:
        return mann_whitney_p(self.known, self.unknown)

    @property
    def is_silent(self) -> bool:
        return abs(self.difference) < MOST_MS and self.p > LEAST_P

    def __str__(self) -> str:
        medians = f"known {median(self.known):7.2f} ms   unknown {median(self.unknown):7.2f} ms"
        verdict = "silent" if self.is_silent else "TELLS"
        return f"{self.name:<20} {medians}   difference {self.difference:+6.2f} ms   p {self.p:.3f}   {verdict}"


def mann_whitney_p(one: Sequence[float], other: Sequence[float]) -> float:
    """Return how likely times of one source differ by so much, by the normal approximation (Mann and Whitney, 1947)."""
    ranked = sorted([(value, True) for value in one] + [(value, False) for value in other])
    ranks = sum(rank for rank, (_, is_first) in enumerate(ranked, start=1) if is_first)
    count, others = len(one), len(other)
    u = ranks - count * (count + 1) / 2
    spread = math.sqrt(count * others * (count + others + 1) / 12)
    return math.erfc(abs(u - count * others / 2) / spread / math.sqrt(2))


async def compare(client: httpx.AsyncClient, call: Call, known: Sequence[str], unknown: Sequence[str]) -> Comparison:
    """Call with each address once, in random order."""
    times: dict[bool, list[float]] = {True: [], False: []}
    turns = [(email, True) for email in known] + [(email, False) for email in unknown]
    random.shuffle(turns)
    for email, is_known in turns:
        began = time.perf_counter()
        answer = await call(client, email)
        times[is_known].append((time.perf_counter() - began) * 1000)
        assert answer.status_code in {202, 401}, answer.text
    return Comparison(call.__name__, times[True], times[False])


async def measure(samples: int, url: str, folder: Path) -> list[Comparison]:
    """Run the application and compare each call."""
    settings = Settings(
        _env_file=None,
        data_dir=folder,
        database_url=url,
        secret_key=SecretStr("a secret key of the measurement, long enough"),
        scheduler_enabled=False,
        runner=RunnerSettings(enabled=False),
        registration=RegistrationSettings(mode="on"),
        login=LoginSettings(free_failures=100),
        mail=MailSettings(transport="off"),
        rate_limits=RateLimitSettings(enabled=False),
        log_level="ERROR",
    )
    app = create_app(settings)
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://bench") as client,
    ):
        comparisons = []
        for call in CALLS:
            known, unknown = ([f"{call.__name__}-{kind}-{n}@example.com" for n in range(samples)] for kind in "ku")
            password_hash = await passwords.hash_new(PASSWORD)
            async with unit_of_work(app.state.database) as session:
                for email in known:
                    # Whoever is verified already gets no mail: the account that waits for one is the telling case.
                    account = NewUser(email=email, name="Known", is_verified=call is not resend_verification)
                    await users.create_user(session, account, password_hash=password_hash)
            comparisons.append(await compare(client, call, known, unknown))
    return comparisons


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=200, help="addresses of either sort for each call")
    parser.add_argument("--url", default="", help="an empty database; a temporary SQLite file without it")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        comparisons = asyncio.run(measure(arguments.samples, arguments.url, Path(folder)))
    for comparison in comparisons:
        print(comparison)
    return 0 if all(comparison.is_silent for comparison in comparisons) else 1


if __name__ == "__main__":
    sys.exit(main())
