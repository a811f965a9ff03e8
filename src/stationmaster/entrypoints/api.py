"""All routers of the API, in the order in which the documentation shows them."""

from fastapi import APIRouter, FastAPI

from stationmaster.domains.api_keys.router import router as api_keys
from stationmaster.domains.audit.router import router as audit
from stationmaster.domains.auth.accounts_router import router as accounts
from stationmaster.domains.auth.me_router import router as me
from stationmaster.domains.auth.registration_router import router as registration
from stationmaster.domains.auth.router import router as auth
from stationmaster.domains.auth.sessions_router import router as sessions
from stationmaster.domains.checks.ping_router import router as pings
from stationmaster.domains.checks.router import router as checks
from stationmaster.domains.executions.live_router import router as live_executions
from stationmaster.domains.executions.log_router import router as execution_logs
from stationmaster.domains.executions.report_router import router as execution_reports
from stationmaster.domains.executions.router import router as executions
from stationmaster.domains.executions.script_router import router as script_runs
from stationmaster.domains.executions.socket_router import router as execution_sockets
from stationmaster.domains.files.router import router as files
from stationmaster.domains.jobs.action_router import router as job_actions
from stationmaster.domains.jobs.calendar_router import router as calendars
from stationmaster.domains.jobs.maintenance_router import router as maintenance
from stationmaster.domains.jobs.router import router as jobs
from stationmaster.domains.jobs.schedule_router import router as schedules
from stationmaster.domains.jobs.state_router import router as job_states
from stationmaster.domains.jobs.transfer_router import router as transfer
from stationmaster.domains.jobs.upcoming_router import router as upcoming
from stationmaster.domains.notifications.live_router import router as live_notifications
from stationmaster.domains.notifications.router import router as notifications
from stationmaster.domains.notifications.settings_router import router as settings
from stationmaster.domains.outbox.router import router as deliveries
from stationmaster.domains.processes.router import router as processes
from stationmaster.domains.processes.step_router import router as steps
from stationmaster.domains.rate_limits.router import router as rate_limits
from stationmaster.domains.retention.router import router as retention
from stationmaster.domains.runs.cleanup_router import router as cleanup
from stationmaster.domains.runs.dashboard_router import router as dashboard
from stationmaster.domains.runs.privacy_router import router as privacy
from stationmaster.domains.runs.process_router import router as closing
from stationmaster.domains.runs.rerun_router import router as reruns
from stationmaster.domains.runs.router import router as runs
from stationmaster.domains.runs.step_run_router import router as step_runs
from stationmaster.domains.scripts.access_router import router as script_access
from stationmaster.domains.scripts.router import router as scripts
from stationmaster.domains.secrets.router import router as secrets
from stationmaster.domains.status.router import router as status
from stationmaster.domains.taxonomy.router import router as categories
from stationmaster.domains.taxonomy.team_router import router as teams
from stationmaster.domains.users.preferences_router import router as preferences
from stationmaster.domains.users.router import router as users
from stationmaster.entrypoints.export import router as export
from stationmaster.entrypoints.scheduler.router import router as scheduler
from stationmaster.identity.scopes import known_scopes

PREFIX = "/api/v1"

TAGS = {
    "auth": "Proving who you are.",
    "users": "People and what they may do.",
    "api-keys": "Keys by which programs act for people.",
    "files": "Uploads that scripts work on.",
    "scripts": "Programs that people have registered, and who may run them.",
    "secrets": "Values that work may use and nobody can read.",
    "jobs": "What to do, when, and by which policies.",
    "executions": "The record of what was done.",
    "checks": "Dead-man switches for jobs here and elsewhere.",
    "notifications": "Your inbox.",
    "processes": "What entities go through: processes and their steps.",
    "runs": "Entities on their way through a process.",
    "settings": "How the place is told: Slack, mail, a webhook.",
    "deliveries": "What went out, what waits, what was given up.",
    "privacy": "Forgetting: neutralising runs, legal hold, and what is held about somebody.",
    "retention": "How long the history is kept.",
    "audit-logs": "Who changed what, and who was refused.",
    "rate-limits": "How often everybody may call.",
    "operations": "How the service itself is.",
}

ROUTERS: tuple[APIRouter, ...] = (
    auth,
    registration,
    # `/users/me...` stands before `/users/{user_id}...`: the first route that matches answers.
    me,
    sessions,
    preferences,
    export,
    users,
    accounts,
    api_keys,
    secrets,
    files,
    scripts,
    script_access,
    # Before `/jobs/{job_id}...`: the first route that matches answers.
    maintenance,
    upcoming,
    script_runs,
    transfer,
    jobs,
    job_actions,
    job_states,
    schedules,
    calendars,
    categories,
    teams,
    executions,
    execution_logs,
    execution_reports,
    live_executions,
    execution_sockets,
    checks,
    # Before `/notifications/{notification_id}`: the first route that matches answers.
    live_notifications,
    notifications,
    processes,
    closing,
    steps,
    runs,
    step_runs,
    settings,
    deliveries,
    reruns,
    dashboard,
    privacy,
    cleanup,
    retention,
    audit,
    rate_limits,
    scheduler,
    status,
)

ROOT_ROUTERS: tuple[APIRouter, ...] = (pings,)
"""What stands at the root, without the prefix."""


def list_scopes() -> frozenset[str]:
    """Return the scopes that a key can have, for callers outside of a running application."""
    app = FastAPI()
    for router in ROUTERS:
        app.include_router(router, prefix=PREFIX)
    return known_scopes(app)
