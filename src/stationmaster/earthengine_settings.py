"""How tasks on Google Earth Engine are cancelled: the settings of it."""

from datetime import timedelta

from pydantic import BaseModel, Field, SecretStr, field_validator

from stationmaster.kit.service_account import ServiceAccountKey, read_key
from stationmaster.setting_groups import Duration


class EarthEngineSettings(BaseModel):
    """How tasks that scripts began on Google Earth Engine are cancelled when their execution is stopped."""

    api_url: str = Field(
        "https://earthengine.googleapis.com/v1",
        pattern=r"^https?://[^/?#]+(/[^?#]*)?$",
        description="Earth Engine's REST API. It may be a private address.",
    )
    project: str = Field(
        "",
        pattern=r"^([a-z][a-z0-9.:-]{0,99})?$",
        description="Cloud project in which tasks run and may be cancelled; that of the credentials when empty.",
    )
    credentials: SecretStr | None = Field(
        None,
        description="Key file of a Google service account, as JSON or base64 of it. Without one, tasks are recorded, and"
        " shown as not cancelled.",
    )
    give_up_after: Duration = Field(
        timedelta(days=1),
        ge=timedelta(minutes=1),
        description="How long a cancel that is not answered, or not obeyed, is tried again.",
    )

    @field_validator("credentials")
    @classmethod
    def _check_key(cls, credentials: SecretStr | None) -> SecretStr | None:
        if credentials is None or not credentials.get_secret_value():
            return None
        read_key(credentials.get_secret_value())
        return credentials

    @property
    def key(self) -> ServiceAccountKey | None:
        """The key of the service account, if there is one."""
        return read_key(self.credentials.get_secret_value()) if self.credentials else None
