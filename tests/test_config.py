from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import ValidationError

from stationmaster.config import LeaderSettings, Settings


@pytest.mark.parametrize(("text", "seconds"), [("20", 20), ("2.5", 2.5), ("PT1M", 60), ("0:00:20", 20)])
def test_a_duration_is_seconds_or_iso_8601(text: str, seconds: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STATIONMASTER_RUNNER__LEASE", text)

    assert Settings(_env_file=None).runner.lease == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("RUNNER__LEASE", "soon"),
        ("RUNNER__LEASE", "nan"),
        ("RUNNER__LEASE", "1"),
        ("SCHEDULER_TIMEZONE", "Mars/Olympus"),
        ("SCHEDULER_TIMEZONE", "../etc/passwd"),
        ("CORS_ORIGINS", "https://a.example,*"),
        ("SECRET_KEY", "too short"),
        ("EARTHENGINE__CREDENTIALS", "no key"),
        ("EARTHENGINE__PROJECT", "../p"),
        ("EARTHENGINE__API_URL", "ftp://earthengine.test"),
        ("EARTHENGINE__GIVE_UP_AFTER", "0"),
        ("LOG_FORMAT", "xml"),
        ("BOOTSTRAP_EMAIL", "nobody"),
    ],
)
def test_a_wrong_setting_is_refused(name: str, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"STATIONMASTER_{name}", text)

    with pytest.raises(ValidationError):
        Settings(_env_file=None)


def test_lists_are_separated_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STATIONMASTER_OUTBOUND_ALLOW", " localhost:9000, 10.0.0.0/8 ,")
    monkeypatch.setenv("STATIONMASTER_HTTP__ALLOWED_HOSTS", "a.example,b.example")
    settings = Settings(_env_file=None)

    assert settings.outbound_allow == ("localhost:9000", "10.0.0.0/8")
    assert settings.http.allowed_hosts == ("a.example", "b.example")


def test_the_database_is_a_file_in_the_data_folder_unless_another_is_named(tmp_path: Path) -> None:
    by_default = Settings(_env_file=None, data_dir=tmp_path)
    named = Settings(_env_file=None, database_url="postgresql+asyncpg://user@host/name")

    assert by_default.resolved_database_url == f"sqlite+aiosqlite:///{tmp_path}/stationmaster.sqlite3"
    assert by_default.is_sqlite
    assert not named.is_sqlite


def test_a_secret_is_not_shown() -> None:
    settings = Settings(_env_file=None, secret_key="a secret that nobody may read in a log")

    assert "nobody" not in repr(settings)


@pytest.mark.parametrize(("ttl", "renew"), [("1", "0.1"), ("3", "2"), ("6", "6"), ("6", "0")])
def test_a_term_that_could_never_be_trusted_is_refused(ttl: str, renew: str) -> None:
    with pytest.raises(ValidationError):
        LeaderSettings.model_validate({"ttl": ttl, "renew": renew})
