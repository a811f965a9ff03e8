"""Groups of settings that `stationmaster.config` joins; here because a file with all of them would be too long."""

from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Literal

from limits import parse_many
from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, SecretStr, field_validator
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
    """Make a tuple of a text with commas."""
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


class DockerSettings(BaseModel):
    """Where work in containers runs, what may run there, and how it is shut in."""

    enabled: bool = Field(True, description="Whether this replica runs containers at all.")
    url: str = Field(
        "",
        pattern=r"^(unix:///\S+|(tcp|http|https)://[^/\s]+)?$",
        description="unix:///PATH or tcp://HOST:PORT of the engine; DOCKER_HOST or the usual socket when empty.",
    )
    tls_dir: Path | None = Field(None, description="Folder with ca.pem, cert.pem and key.pem, for an engine over TLS.")
    mode: Literal["container", "swarm"] = Field(
        "container", description="`swarm`: each attempt is a service that a Docker Swarm places on one of its nodes."
    )
    images: CommaSeparated = Field(
        (), description="Images that may run though they are not named by digest, `*` in them stands for anything."
    )
    any_digest: bool = Field(
        True, description="Whether every image named by its digest may run; otherwise only those of the list."
    )
    network: str = Field(
        "",
        pattern=r"^([A-Za-z0-9][A-Za-z0-9_.-]*)?$",
        description="Docker network of containers that ask for one; while it is empty none gets a network.",
    )
    service_url: str = Field(
        "", description="Where containers with a network reach this service; PUBLIC_URL when empty."
    )
    uid: int = Field(65534, ge=1, le=2**31 - 1, description="User and group that programs in containers run as.")
    max_running: int = Field(20, ge=1, le=1000, description="Containers, also of scripts, that run here at once.")
    max_cpu: float = Field(4, gt=0, description="Most processors that one container may ask for.")
    max_memory_mb: int = Field(4096, ge=6, description="Most memory that one container may ask for, in MiB.")
    max_pids: int = Field(1024, ge=1, description="Most processes and threads that one container may ask for.")
    tmp_mb: int = Field(64, ge=1, description="Size of the private /tmp, in MiB; it counts as memory.")
    file_mb: int = Field(1024, ge=1, description="Largest file that a program may write, in MiB.")
    log_mb: int = Field(512, ge=1, description="Output that the engine holds until it is read, in MiB; more is lost.")
    output_mb: int = Field(64, ge=1, le=1024, description="Largest output that is kept, in MiB; it is held in memory.")
    runtime: str = Field("", description="Runtime of the engine to use, such as `runsc`; its default when empty.")
    stop_grace: Duration = Field(
        timedelta(seconds=10),
        le=timedelta(seconds=30),
        description="Between SIGTERM and SIGKILL, on cancel and time-out.",
    )
    patience: Duration = Field(
        timedelta(seconds=60), description="How long a run waits for an engine that went away, before it fails."
    )
    place_within: Duration = Field(
        timedelta(minutes=5), description="How long a service of a swarm may wait for a node that can take it."
    )
    reap_every: Duration = Field(
        timedelta(seconds=10), ge=timedelta(seconds=1), description="How often what ended attempts left is removed."
    )

    @field_validator("images", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return split_commas(value)

    @field_validator("network")
    @classmethod
    def _refuse_the_host(cls, network: str) -> str:
        if network in {"host", "none", "container"}:
            raise ValueError("name a network of its own: the host's would open the host to every container")
        return network


class BuildSettings(BaseModel):
    """How images are built of scripts that were uploaded to run in a container."""

    enabled: bool = Field(True, description="Whether this replica builds images, where it runs containers.")
    base_image: str = Field(
        "python:3.11-slim-bookworm",
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/@-]{0,299}$",
        description="Image that all are built on; name it by its digest to know what that is.",
    )
    allow_dockerfile: bool = Field(
        False, description="Whether an archive may bring a Dockerfile of its own; its steps run as root in the build."
    )
    network: str = Field(
        "default",
        pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$",
        description="Docker network of the steps of a build, which fetch packages; `none` for none.",
    )
    timeout: Duration = Field(timedelta(minutes=10), ge=timedelta(seconds=1), description="Longest time of one build.")
    memory_mb: int = Field(1024, ge=64, description="Memory of each step of a build, in MiB.")
    cpu: float = Field(1, gt=0, description="Processors of each step of a build.")
    max_image_mb: int = Field(2048, ge=1, description="Largest image, in MiB.")


class JobSettings(BaseModel):
    """What the house asks of all jobs."""

    require_end_date: bool = Field(False, description="Whether a job must have an end date.")
    require_team: bool = Field(False, description="Whether a job must have a team.")


class JournalSettings(BaseModel):
    """What is kept of what executions say and make."""

    max_bytes: int = Field(
        10 << 20, ge=1 << 16, description="Longest log of one execution; beyond it the middle is left out, with a mark."
    )
    max_artifact_bytes: int = Field(100 << 20, ge=1024, description="Largest artifact.")
    max_artifacts_bytes: int = Field(500 << 20, ge=1024, description="All artifacts of one execution together.")
    max_artifacts: int = Field(200, ge=1, description="Most artifacts of one execution.")


class ScriptSettings(BaseModel):
    """What is taken of scripts, and how many of them one person may have under way."""

    max_archive_bytes: int = Field(20_971_520, ge=1024, description="Largest archive of a script.")
    running_per_user: int = Field(3, ge=1, le=10_000, description="Scripts that one user may have running at once.")
    queued_per_user: int = Field(
        100, ge=1, le=100_000, description="Scripts that may wait for one user's running ones."
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


class GithubSettings(BaseModel):
    """How GitHub Actions workflows are dispatched and followed."""

    api_url: str = Field(
        "https://api.github.com",
        pattern=r"^https?://[^/?#]+(/[^?#]*)?$",
        description="GitHub's REST API; https://HOST/api/v3 for GitHub Enterprise Server. It may be a private address.",
    )
    token: SecretStr | None = Field(
        None, description="The house's own token, for targets without a credential; used for listed repositories only."
    )
    repositories: CommaSeparated = Field(
        (),
        description="Comma-separated `owner/repo` or `owner/*`: whose workflows may be dispatched. Empty: all, each with a"
        " stored credential.",
    )
    correlation_input: str = Field(
        "stationmaster_id",
        pattern=r"^[A-Za-z_][A-Za-z0-9_-]{0,99}$|^$",
        description="Input by which a run is found again when GitHub's answer was lost; sent where a workflow declares it.",
    )
    poll_interval: Duration = Field(
        timedelta(seconds=10),
        ge=timedelta(seconds=1),
        description="How often the runs of one repository are looked at, all of them with one call.",
    )
    log_lines: int = Field(
        100,
        ge=0,
        le=10_000,
        description="Last lines of each job's log that are kept; up to ten jobs, failed ones first.",
    )

    @field_validator("repositories", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return split_commas(value)
