"""How long the history is kept: the settings of retention."""

from datetime import timedelta

from pydantic import BaseModel, Field

from stationmaster.setting_groups import Duration


class RetentionSettings(BaseModel):
    """How long the history is kept; 0 keeps it for ever."""

    enabled: bool = Field(True, description="Whether the leader removes what is older; by hand it can be done anyhow.")
    executions: Duration = Field(
        timedelta(days=90), ge=timedelta(0), description="Ended executions, with their attempts and logs."
    )
    executions_per_job: int = Field(
        0, ge=0, description="Newest executions kept of each job, however young the others are."
    )
    logs: Duration = Field(
        timedelta(days=30), ge=timedelta(0), description="What executions said, counted from their end."
    )
    artifacts: Duration = Field(
        timedelta(days=30), ge=timedelta(0), description="Files that executions left, counted from their end."
    )
    notifications: Duration = Field(timedelta(days=90), ge=timedelta(0), description="Notices in inboxes, read or not.")
    notifications_per_person: int = Field(0, ge=0, description="Newest notices kept of each person, read or not.")
    messages: Duration = Field(
        timedelta(days=90), ge=timedelta(0), description="Mails and calls that went out or failed."
    )
    sessions: Duration = Field(
        timedelta(days=30),
        ge=timedelta(days=1),
        description="Ended sessions: so long a stolen token is still recognised.",
    )
    sessions_per_person: int = Field(
        0,
        ge=0,
        description="Newest sessions kept of each person; older ones that are over go, however lately they ended.",
    )
    audit: Duration = Field(
        timedelta(0),
        ge=timedelta(0),
        description="Entries of the audit log, in whole seals; its chain stays verifiable.",
    )
    audit_entries: int = Field(
        0, ge=0, description="Newest entries of the audit log kept; older ones go in whole seals."
    )
    status: Duration = Field(timedelta(days=30), ge=timedelta(0), description="Entries of the status log.")
    deleted_runs: Duration = Field(
        timedelta(days=30), ge=timedelta(0), description="Deleted runs and processes, which can be restored so long."
    )
    reports: Duration = Field(timedelta(days=400), ge=timedelta(0), description="What retention says it removed.")
