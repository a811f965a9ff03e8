"""Logs in, creates a job, runs it, and reads its executions: with the client that was generated from the document."""

import json
import sys
import time
from typing import TypeVar
from uuid import UUID

from stationmaster_client import AuthenticatedClient, Client
from stationmaster_client.api.auth import log_in
from stationmaster_client.api.executions import get_execution, list_executions
from stationmaster_client.api.jobs import create_job, execute_job, get_job
from stationmaster_client.models import (
    ExecuteIn,
    ExecutionDetail,
    ExecutionOut,
    JobIn,
    JobOut,
    LargePageExecutionItem,
    Login,
    LoginResult,
    ProblemDocument,
    State,
    WebhookTargetInput,
)

T = TypeVar("T")


def main(url: str, email: str, password: str, target: str) -> None:
    anonymous = Client(base_url=url)
    login = must(LoginResult, log_in.sync(client=anonymous, body=Login(email=email, password=password)))
    client = AuthenticatedClient(base_url=url, token=login.access_token)
    wanted = JobIn(name="from Python", target=WebhookTargetInput(type_="webhook", url=target))
    job = must(JobOut, create_job.sync(client=client, body=wanted))
    started = must(ExecutionOut, execute_job.sync(job.id, client=client, body=ExecuteIn()))
    ended = the_end_of(client, started.id)
    found = list_executions.sync(client=client, job_id=job.id, status=[State.SUCCEEDED])
    listed = must(LargePageExecutionItem, found)
    missing = must(ProblemDocument, get_job.sync(started.id, client=client))
    report = {
        "job": job.name,
        "state": ended.state,
        "response_status": ended.response_status,
        "listed": [item.id == ended.id for item in listed.items],
        "missing": missing.type_,
    }
    print(json.dumps(report))  # noqa: T201  # what the test reads


def the_end_of(client: AuthenticatedClient, id_: UUID) -> ExecutionDetail:
    while True:
        execution = must(ExecutionDetail, get_execution.sync(id_, client=client))
        if execution.finished_at is not None:
            return execution
        time.sleep(0.05)


def must(wanted: type[T], answer: object) -> T:
    assert isinstance(answer, wanted), answer
    return answer


main(*sys.argv[1:])
