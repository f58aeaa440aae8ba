"""The command `jobs list|show|retry|cancel|schedule` of every service."""

import argparse
import sys
from dataclasses import fields
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from jobs.kinds import State
from jobs.queue import JobQueue
from servicekit.db import Database


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the command."""
    parser = commands.add_parser("jobs", help="list, show, retry or cancel jobs; show the periodic tasks")
    actions = parser.add_subparsers(dest="action", required=True)
    listing = actions.add_parser("list", help="jobs, latest first")
    listing.add_argument("--kind")
    listing.add_argument("--state", type=State, choices=list(State))
    listing.add_argument("--limit", type=int, default=100)
    for action, words in (
        ("show", "everything about a job"),
        ("retry", "run a dead or cancelled job again, from its last checkpoint"),
        ("cancel", "cancel a job: at once, or at its next checkpoint if it is running"),
    ):
        actions.add_parser(action, help=words).add_argument("job_id", type=UUID)
    actions.add_parser("schedule", help="periodic tasks: next run, last success, last failure")


async def run(database: Database, queue: JobQueue, arguments: argparse.Namespace) -> None:
    """Execute the command and print the result."""
    async with database.transaction() as session:
        sys.stdout.write("".join(f"{line}\n" for line in await _lines(session, queue, arguments)))


async def _lines(session: AsyncSession, queue: JobQueue, arguments: argparse.Namespace) -> list[str]:
    match arguments.action:
        case "list":
            jobs = await queue.list(
                session, kind=arguments.kind, state=arguments.state, limit=arguments.limit
            )
            return [
                f"{job.id}\t{job.kind}\t{job.state}\t{job.done}/{job.total or '?'}\t{job.error or ''}"
                for job in jobs
            ]
        case "show":
            job = await queue.get(session, arguments.job_id)
            if job is None:
                return ["no such job"]
            return [f"{field.name}\t{getattr(job, field.name)}" for field in fields(job)]
        case "retry":
            retried = await queue.retry(session, arguments.job_id)
            return ["queued" if retried else "neither dead nor cancelled"]
        case "cancel":
            cancelled = await queue.cancel(session, arguments.job_id)
            return ["cancelled" if cancelled else "no such job, or it has ended"]
    return [
        f"{task.name}\t{task.schedule}\tnext {task.next_run_at}\tlast success {task.last_success_at or '-'}"
        f"\tlast failure {task.last_failure_at or '-'}\t{task.last_error or ''}"
        for task in await queue.list_periodic(session)
    ]
