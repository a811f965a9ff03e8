"""Groups of settings that `stationmaster.config` joins; here because a file with all of them would be too long."""

from pydantic import BaseModel, Field


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
