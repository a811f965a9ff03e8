"""What is to run in a container, whoever asks for it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from stationmaster.domains.executions.state_file import StateFile
from stationmaster.outbound.docker.engine import RegistryLogin

HOME = "/stationmaster"
"""Where a container finds what is for it, and leaves what is for us. A volume of its own: the rest is read-only."""
INPUTS = f"{HOME}/inputs"
OUTPUTS = f"{HOME}/outputs"
STATE = f"{HOME}/state"
PARAMS_FILE = f"{INPUTS}/params.json"
RESULT_FILE = f"{STATE}/result.json"
STATE_FILE = f"{STATE}/state.json"


@dataclass(frozen=True, slots=True)
class Limits:
    """What a container may use, and what is kept free for it."""

    cpu: float
    memory_mb: int
    pids: int
    cpu_reservation: float = 0
    memory_reservation_mb: int = 0


@dataclass(frozen=True, slots=True)
class ContainerWork:
    """One program in one container; `files` are put under `INPUTS` by their names."""

    image: str
    command: Sequence[str]
    env: Mapping[str, str]
    limits: Limits
    has_network: bool = False
    login: RegistryLogin | None = None
    files: Mapping[str, bytes] = field(default_factory=dict)
    state: StateFile | None = None
    outputs: Sequence[str] = ()
