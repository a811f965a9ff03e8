"""What an engine says of itself, as far as it decides what may be trusted to it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

LIMITS = {
    "MemoryLimit": "a limit of memory",
    "SwapLimit": "a limit of swap",
    "PidsLimit": "a limit of processes",
    "CpuCfsQuota": "a limit of processor time",
}
"""What it may be unable to enforce (Engine API, "Get system information")."""


@dataclass(frozen=True, slots=True)
class EngineReport:
    """`is_manager`: services of a swarm can be made through it. `missing`: walls that it cannot put up."""

    id: str
    version: str
    is_manager: bool
    missing: tuple[str, ...]

    @classmethod
    def read(cls, info: Mapping[str, Any]) -> Self:
        """Read it from the engine's answer."""
        missing = [words for name, words in LIMITS.items() if info.get(name) is False]
        if not any("name=seccomp" in option for option in info.get("SecurityOptions") or ()):
            missing.append("a filter of system calls (seccomp)")
        return cls(
            id=str(info["ID"]),
            version=str(info["ServerVersion"]),
            is_manager=bool((info.get("Swarm") or {}).get("ControlAvailable")),
            missing=tuple(missing),
        )
