"""Imports every module that has tables, so that the metadata is whole: for Alembic and for tests."""

from stationmaster.db import blobs, idempotency, leases
from stationmaster.db.base import metadata
from stationmaster.domains.api_keys import models as api_keys
from stationmaster.domains.audit import models as audit
from stationmaster.domains.auth import models as auth
from stationmaster.domains.checks import models as checks
from stationmaster.domains.executions import artifact_models as artifacts
from stationmaster.domains.executions import models as executions
from stationmaster.domains.executions.external import models as external_tasks
from stationmaster.domains.executions.journals import models as journals
from stationmaster.domains.files import models as files
from stationmaster.domains.jobs import dependency_models as dependencies
from stationmaster.domains.jobs import models as jobs
from stationmaster.domains.jobs import state_models as job_states
from stationmaster.domains.jobs.calendars import models as calendars
from stationmaster.domains.notifications import models as notifications
from stationmaster.domains.outbox import models as outbox
from stationmaster.domains.processes import models as processes
from stationmaster.domains.retention import models as retention
from stationmaster.domains.runs import models as runs
from stationmaster.domains.scripts import models as scripts
from stationmaster.domains.scripts.builds import models as builds
from stationmaster.domains.secrets import models as secrets
from stationmaster.domains.settings import models as settings
from stationmaster.domains.status import models as status
from stationmaster.domains.taxonomy import models as taxonomy
from stationmaster.domains.users import models as users

__all__ = [
    "api_keys",
    "artifacts",
    "audit",
    "auth",
    "blobs",
    "builds",
    "calendars",
    "checks",
    "dependencies",
    "executions",
    "external_tasks",
    "files",
    "idempotency",
    "job_states",
    "jobs",
    "journals",
    "leases",
    "metadata",
    "notifications",
    "outbox",
    "processes",
    "retention",
    "runs",
    "scripts",
    "secrets",
    "settings",
    "status",
    "taxonomy",
    "users",
]
