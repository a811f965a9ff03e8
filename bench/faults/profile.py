"""How long and how hard: the profiles of a run."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Profile:
    """Durations in seconds. The leader's terms are as the service has them by default; the lease of work is shorter."""

    name: str
    replicas: int = 3
    schedules: int = 48
    lease: float = 6.0
    leader_ttl: float = 6.0
    leader_renew: float = 2.0
    faults: int = 110
    freezes_share: float = 0.2
    leader_share: float = 0.45
    gap: float = 2.6
    """Mean time between two faults."""
    frozen_beyond_lease: float = 2.0
    postgres_restarts: int = 10
    rolling_restarts: int = 4
    """How often each replica is restarted politely."""
    settle: float = 25.0
    """Time without faults before the last slot."""
    seed: int = 1

    @property
    def recovery_bound(self) -> float:
        return self.lease + 2.0

    def settings(self) -> dict[str, str]:
        return {
            "LEADER__TTL": str(self.leader_ttl),
            "LEADER__RENEW": str(self.leader_renew),
            "RUNNER__LEASE": str(self.lease),
        }


FULL = Profile("full")
QUICK = Profile("quick", faults=20, postgres_restarts=2, rolling_restarts=1, settle=15)
SMOKE = Profile(
    "smoke",
    replicas=2,
    schedules=10,
    lease=4,
    leader_ttl=3,
    leader_renew=1,
    faults=2,
    freezes_share=0.5,
    gap=1,
    postgres_restarts=1,
    rolling_restarts=0,
    settle=8,
    seed=3,
)
"""For the test suite: half a minute."""
