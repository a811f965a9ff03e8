"""All routers of the API, in the order in which the documentation shows them."""

from fastapi import APIRouter

from stationmaster.domains.auth.router import router as auth
from stationmaster.domains.executions.router import router as executions
from stationmaster.domains.jobs.router import router as jobs
from stationmaster.domains.jobs.schedule_router import router as schedules
from stationmaster.domains.users.router import router as users
from stationmaster.entrypoints.scheduler.router import router as scheduler

PREFIX = "/api/v1"

TAGS = {
    "auth": "Proving who you are.",
    "users": "People and what they may do.",
    "jobs": "What to do, when, and by which policies.",
    "executions": "The record of what was done.",
    "operations": "How the service itself is.",
}

ROUTERS: tuple[APIRouter, ...] = (auth, users, jobs, schedules, executions, scheduler)
