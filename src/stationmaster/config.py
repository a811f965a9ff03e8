"""The settings: read once from the environment (and `.env`), typed, passed down.

Every setting is an environment variable `STATIONMASTER_<NAME>`; the grouped ones are `STATIONMASTER_<GROUP>__<NAME>`.
Durations are seconds or ISO 8601. `docs/reference/settings.md` lists them all and a test compares it with this file.
"""

from datetime import timedelta
from email.utils import parseaddr
from pathlib import Path
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, EmailStr, Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from stationmaster.earthengine_settings import EarthEngineSettings
from stationmaster.kit.emails import normalise_email
from stationmaster.log_settings import JournalFileSettings, LogFileSettings
from stationmaster.retention_settings import RetentionSettings
from stationmaster.setting_groups import (
    BuildSettings,
    ChannelSettings,
    CommaSeparated,
    DockerSettings,
    Duration,
    FileSettings,
    GithubSettings,
    JobSettings,
    JournalSettings,
    RateLimitSettings,
    SandboxSettings,
    ScriptSettings,
    split_commas,
)


class RunnerSettings(BaseModel):
    """How much work this replica takes on, and for how long it may hold it."""

    enabled: bool = Field(True, description="Whether this replica executes work at all.")
    concurrency: int = Field(1000, ge=1, le=10_000, description="Attempts in flight on this replica.")
    per_host: int = Field(250, ge=1, le=10_000, description="Attempts in flight to one target host from this replica.")
    lease: Duration = Field(
        timedelta(seconds=15),
        ge=timedelta(seconds=2),
        le=timedelta(minutes=10),
        description="How long work stays ours without a renewal.",
    )
    breaker_failures: int = Field(
        10, ge=1, description="Consecutive network errors, time-outs and 502/503/504 answers that close a host's gate."
    )
    breaker_open: Duration = Field(
        timedelta(seconds=60), description="How long the gate stays closed at first; doubles up to 15 minutes."
    )
    stale_after: Duration = Field(
        timedelta(days=3), ge=timedelta(hours=1), description="What waits or runs for longer than this is ended."
    )
    drain: Duration = Field(timedelta(seconds=25), description="How long running work may finish after SIGTERM.")


LEADER_SAFETY = timedelta(seconds=1)
"""How long before its term could be taken over a leader stops to trust it."""


class LeaderSettings(BaseModel):
    """The lease by which one replica turns slots into executions."""

    ttl: Duration = Field(timedelta(seconds=6), ge=timedelta(seconds=1), description="How long a term lasts unrenewed.")
    renew: Duration = Field(
        timedelta(seconds=2), gt=timedelta(0), description="How often the leader renews and the others try."
    )

    @model_validator(mode="after")
    def _leave_time_to_renew(self) -> Self:
        if self.ttl <= self.renew + LEADER_SAFETY:
            raise ValueError("ttl must be longer than renew by more than a second: a shorter term is never trusted")
        return self


class TokenSettings(BaseModel):
    """How long proofs of identity last."""

    access: Duration = Field(timedelta(minutes=10), description="Life of an access token.")
    refresh_idle: Duration = Field(timedelta(days=7), description="A refresh token unused for this long is dead.")
    refresh_absolute: Duration = Field(timedelta(days=30), description="A session ends after this long, used or not.")


class LoginSettings(BaseModel):
    """Passwords and the answer to guessing them."""

    password_min_length: int = Field(12, ge=8, le=64, description="Shortest password that may be chosen.")
    free_failures: int = Field(5, ge=1, le=100, description="Failed logins in a row before tries are delayed.")
    first_delay: Duration = Field(
        timedelta(seconds=30), ge=timedelta(seconds=1), description="First delay; doubles with each further failure."
    )
    max_delay: Duration = Field(
        timedelta(minutes=15), ge=timedelta(seconds=1), description="Longest delay: no account is locked for ever."
    )


class RegistrationSettings(BaseModel):
    """Whether people may make accounts for themselves."""

    mode: Literal["off", "on", "approval"] = Field(
        "off", description="`approval`: an administrator lets each new account in."
    )
    role: Literal["viewer", "user"] = Field("user", description="Role of accounts that people make for themselves.")
    keep_unverified: Duration = Field(
        timedelta(days=7), ge=timedelta(days=1), description="Accounts still unverified after this long are deleted."
    )


class CookieSettings(BaseModel):
    """How browsers carry a session."""

    secure: bool = Field(
        True, description="Send cookies over HTTPS only; switch it off for plain HTTP on a machine of your own."
    )
    same_site: Literal["lax", "strict"] = Field("lax", description="SameSite of the access cookie.")


class ApiKeySettings(BaseModel):
    """How long API keys last."""

    default_life: Duration = Field(timedelta(days=365), description="Life of a key that names no expiry.")
    max_life: Duration = Field(timedelta(days=5 * 365), description="Longest life of a key.")
    rotation_overlap: Duration = Field(
        timedelta(days=1), ge=timedelta(0), description="How long a rotated key works beside its successor."
    )


class MailSettings(BaseModel):
    """How mails leave."""

    transport: Literal["off", "console", "file", "smtp"] = Field(
        "console",
        description="`console` and `file` (DATA_DIR/mails) are for development; with `off` this replica leaves mails queued.",
    )
    host: str = Field("localhost", description="SMTP server.")
    port: int = Field(587, ge=1, le=65535, description="Port of the SMTP server.")
    security: Literal["starttls", "tls", "none"] = Field(
        "starttls", description="`starttls` and `tls` refuse to go on without encryption and a valid certificate."
    )
    username: str | None = Field(None, description="Login at the SMTP server, if it wants one.")
    password: SecretStr | None = Field(None, description="Password at the SMTP server.")
    sender: str = Field("Stationmaster <stationmaster@localhost>", description="From address of all mails.")
    timeout: Duration = Field(
        timedelta(seconds=15), ge=timedelta(seconds=1), description="Longest time for one step with the SMTP server."
    )
    max_attempts: int = Field(12, ge=1, le=100, description="Tries of one mail; they span about 20 hours.")

    @field_validator("sender")
    @classmethod
    def _check_sender(cls, sender: str) -> str:
        normalise_email(parseaddr(sender)[1])
        return sender


class HttpSettings(BaseModel):
    """Limits of the HTTP side."""

    max_body_bytes: int = Field(1_048_576, ge=1024, description="Largest request body.")
    allowed_hosts: CommaSeparated = Field((), description="Host names answered to; empty answers to all.")
    docs: bool = Field(True, description="Whether /docs, /redoc and /openapi.json are served.")
    metrics: bool = Field(True, description="Whether /metrics is served.")
    compression: bool = Field(True, description="Whether answers to GET are compressed; a proxy may do it instead.")
    forwarded_allow_ips: str = Field("127.0.0.1", description="Proxies whose X-Forwarded-For is believed.")

    @field_validator("allowed_hosts", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return split_commas(value)

    @field_validator("forwarded_allow_ips")
    @classmethod
    def _refuse_everyone(cls, proxies: str) -> str:
        if "*" in proxies:
            raise ValueError("name the proxies: with '*' every caller chooses the address that limits are counted by")
        return proxies


class Settings(BaseSettings):
    """All settings of one Stationmaster process."""

    model_config = SettingsConfigDict(
        env_prefix="STATIONMASTER_", env_nested_delimiter="__", env_file=".env", extra="ignore"
    )

    data_dir: Path = Field(Path("data"), description="Folder for the SQLite file, the key and other local data.")
    database_url: str = Field(
        "",
        description="sqlite+aiosqlite:///FILE (default: under DATA_DIR) or postgresql+asyncpg://USER:PASSWORD@HOST/NAME.",
    )
    secret_key: SecretStr | None = Field(
        None, description="At least 32 characters; made and kept in DATA_DIR on SQLite, required on PostgreSQL."
    )
    encryption_keys: Annotated[tuple[SecretStr, ...], NoDecode] = Field(
        (),
        description="Comma-separated, each at least 32 characters: the first seals what is stored encrypted, all of them open"
        " it, and so does SECRET_KEY, which seals when this is empty. See `rotate-secrets`.",
    )
    scheduler_enabled: bool = Field(True, description="Whether this replica may become the leader.")
    scheduler_timezone: str = Field("UTC", description="Zone of schedules that name none (IANA name).")
    min_interval_seconds: int = Field(1, ge=1, description="Shortest allowed time between two slots of a schedule.")
    outbound_allow: CommaSeparated = Field(
        (), description="Comma-separated hosts, CIDRs or host:port that may be called although they are private."
    )
    bootstrap_email: EmailStr | None = Field(
        None, description="E-mail of the first superadmin when there are no users."
    )
    bootstrap_password: SecretStr | None = Field(None, description="Password of the first superadmin.")
    cors_origins: CommaSeparated = Field((), description="Comma-separated origins of browser clients; * is refused.")
    public_url: str = Field(
        "http://127.0.0.1:8000", description="Where users reach this service; links are built from it."
    )
    heartbeat_url: SecretStr | None = Field(
        None, description="Called by GET after good ticks, so that whoever listens there notices when none comes."
    )
    heartbeat_interval: Duration = Field(
        timedelta(seconds=60), ge=timedelta(seconds=1), description="Shortest time between two such calls."
    )
    log_format: Literal["console", "json"] = Field("console", description="Shape of the log lines.")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="Least severe level logged.")
    replica_name: str = Field(
        "", description="Name of this replica in leases and logs; made from host and pid when empty."
    )
    leader: LeaderSettings = LeaderSettings()
    runner: RunnerSettings = RunnerSettings()
    log_files: LogFileSettings = LogFileSettings()
    journal: JournalSettings = JournalSettings()
    journal_files: JournalFileSettings = JournalFileSettings()
    tokens: TokenSettings = TokenSettings()
    login: LoginSettings = LoginSettings()
    registration: RegistrationSettings = RegistrationSettings()
    cookies: CookieSettings = CookieSettings()
    api_keys: ApiKeySettings = ApiKeySettings()
    jobs: JobSettings = JobSettings()
    mail: MailSettings = MailSettings()
    sandbox: SandboxSettings = SandboxSettings()
    github: GithubSettings = GithubSettings()
    earthengine: EarthEngineSettings = EarthEngineSettings()
    channels: ChannelSettings = ChannelSettings()
    http: HttpSettings = HttpSettings()
    rate_limits: RateLimitSettings = RateLimitSettings()
    retention: RetentionSettings = RetentionSettings()
    files: FileSettings = FileSettings()
    docker: DockerSettings = DockerSettings()
    builds: BuildSettings = BuildSettings()
    scripts: ScriptSettings = ScriptSettings()

    @field_validator("outbound_allow", "cors_origins", "encryption_keys", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return split_commas(value)

    @field_validator("cors_origins")
    @classmethod
    def _refuse_wildcard(cls, origins: tuple[str, ...]) -> tuple[str, ...]:
        if "*" in origins:
            raise ValueError("name the origins: '*' would let every site use a signed-in browser")
        return origins

    @field_validator("scheduler_timezone")
    @classmethod
    def _check_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise ValueError(f"{name!r} is not an IANA time zone") from error
        return name

    @field_validator("secret_key")
    @classmethod
    def _refuse_weak_key(cls, key: SecretStr | None) -> SecretStr | None:
        if key is not None:
            _refuse_short(key)
        return key

    @field_validator("encryption_keys")
    @classmethod
    def _refuse_weak_keys(cls, keys: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        for key in keys:
            _refuse_short(key)
        return keys

    @property
    def is_sqlite(self) -> bool:
        return self.resolved_database_url.startswith("sqlite")

    @property
    def resolved_database_url(self) -> str:
        """The database's address: as set, or a file in `data_dir`."""
        return self.database_url or f"sqlite+aiosqlite:///{self.data_dir.absolute() / 'stationmaster.sqlite3'}"


def _refuse_short(key: SecretStr) -> None:
    if len(key.get_secret_value()) < 32:
        raise ValueError("use at least 32 random characters, for example from `openssl rand -base64 48`")
