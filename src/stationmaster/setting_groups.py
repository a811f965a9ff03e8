"""Groups of settings that `stationmaster.config` joins; here because a file with all of them would be too long."""

from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Literal

from limits import parse_many
from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, field_validator
from pydantic_settings import NoDecode

CommaSeparated = Annotated[tuple[str, ...], NoDecode]


def _read_seconds(value: object) -> object:
    try:
        return float(value) if isinstance(value, str) else value
    except ValueError:
        return value


# A text of the environment may be plain seconds ("15"); pydantic by itself takes only "PT15S" and "0:00:15".
Duration = Annotated[timedelta, BeforeValidator(_read_seconds)]


def split_commas(value: object) -> object:
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


class JobSettings(BaseModel):
    """What the house asks of all jobs."""

    require_end_date: bool = Field(False, description="Whether a job must have an end date.")
    require_team: bool = Field(False, description="Whether a job must have a team.")


class JournalSettings(BaseModel):
    """What is kept of what executions say."""

    max_bytes: int = Field(
        10 << 20, ge=1 << 16, description="Longest log of one execution; beyond it the middle is left out, with a mark."
    )


class FileSettings(BaseModel):
    """What people may upload."""

    max_bytes: int = Field(104_857_600, ge=1024, description="Largest file that may be uploaded.")
    quota_bytes: int = Field(1_073_741_824, ge=1024, description="How much one person's files may take together.")


class SandboxSettings(BaseModel):
    """How scripts are run that need no container."""

    mode: Literal["require", "prefer", "off"] = Field(
        "prefer",
        description="`require`: behind bubblewrap or not at all. `prefer`: where it cannot work, as a plain process with"
        " limits, but only as another user than the service's. `off`: a plain process, also as the service's own user.",
    )
    user_id: int = Field(65534, ge=1, description="User and group id of scripts when the service runs as root.")
    concurrency: int = Field(
        16, ge=1, le=1000, description="Scripts in sandboxes at once on this replica; others wait."
    )
    allow_network: bool = Field(
        False,
        description="Whether scripts may be granted the network of this machine: whatever it reaches, itself included.",
    )
    read_only_paths: CommaSeparated = Field(
        (), description="Comma-separated folders that scripts may read beside /usr, /bin and /lib: interpreters, data."
    )
    control_group: Path | None = Field(
        None, description="Folder of a cgroup v2 that was delegated to the service: its kernel limits are used, then."
    )
    grace: Duration = Field(
        timedelta(seconds=5), ge=timedelta(0), description="Time between SIGTERM and SIGKILL for what must end."
    )
    cpu_seconds: int = Field(3600, ge=1, description="Processor time of one script, all its processes together.")
    memory_mb: int = Field(512, ge=16, description="Memory (MiB) of one script that names no limit.")
    processes: int = Field(64, ge=4, description="Processes and threads of one script.")
    file_mb: int = Field(512, ge=1, description="Largest file (MiB) that a script may write.")
    disk_mb: int = Field(1024, ge=1, description="What a script may keep in its folder (MiB).")
    output_mb: int = Field(1024, ge=1, description="What a script may write to standard output and error (MiB).")

    @field_validator("read_only_paths", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return split_commas(value)

    @field_validator("read_only_paths")
    @classmethod
    def _refuse_relative(cls, paths: tuple[str, ...]) -> tuple[str, ...]:
        if any(not path.startswith("/") or path == "/" for path in paths):
            raise ValueError("name folders below /, each beginning with /")
        return paths


class ChannelSettings(BaseModel):
    """How notices leave by Slack and by webhook; where to is set in `/settings`, while the service runs."""

    slack_hooks: CommaSeparated = Field(
        ("https://hooks.slack.com/",),
        description="What the address of a Slack hook must begin with, up to a slash after the host.",
    )
    timeout: Duration = Field(
        timedelta(seconds=10),
        ge=timedelta(seconds=1),
        le=timedelta(minutes=2),
        description="Longest time for one call.",
    )
    max_attempts: int = Field(10, ge=1, le=100, description="Tries of one message; they span about 13 hours.")

    @field_validator("slack_hooks", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return split_commas(value)

    @field_validator("slack_hooks")
    @classmethod
    def _check_hosts(cls, beginnings: tuple[str, ...]) -> tuple[str, ...]:
        for beginning in beginnings:
            scheme, _, rest = beginning.partition("://")
            if scheme not in {"http", "https"} or not rest.partition("/")[1]:
                raise ValueError(f"{beginning!r} does not name a whole host: write https://HOST/")
        return beginnings


def _check_limits(text: str) -> str:
    parse_many(text)
    return text


# In the notation of the library `limits`: "5/minute", "10 per 30 seconds", several with ";" between them.
RateLimit = Annotated[str, AfterValidator(_check_limits)]


class RateLimitSettings(BaseModel):
    """How often one caller may call: `1200/minute`, `10 per 30 seconds`, several with `;` between them."""

    enabled: bool = Field(True, description="Whether calls are counted and limited at all.")
    storage_url: str = Field(
        "memory://",
        pattern=r"^(memory://|rediss?://.+|redis\+unix://.+)$",
        description="Where calls are counted: `memory://` for each replica alone, `redis://HOST` for all together.",
    )
    general: RateLimit = Field("1200/minute", description="Calls of one user, API key or (anonymous) address.")
    execution: RateLimit = Field("300/minute", description="Executions started by one user or API key, trials too.")
    login: RateLimit = Field("60/minute", description="Logins from one address, right or wrong.")
    registration: RateLimit = Field("30/minute", description="Registrations from one address.")
    recovery: RateLimit = Field("30/minute", description="Calls around forgotten passwords from one address.")

    @field_validator("storage_url")
    @classmethod
    def _check_installed(cls, url: str) -> str:
        if url.startswith("redis") and find_spec("redis") is None:
            raise ValueError("counting in Redis needs the extra: install stationmaster[redis]")
        return url
