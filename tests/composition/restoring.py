"""Backups are taken, a mistake is made, everything but the backups is destroyed, and all is put back."""

import json
from collections.abc import Callable
from typing import Any

import httpx

from onebox.demo import people
from onebox.demo.story import CENTRE, COUNTY, Story
from testkit.waiting import moments

Run = Callable[..., Any]
Output = Callable[..., str]
STORES = ("postgres-data", "rabbitmq-data", "office-files", "cockpit-facts")
_CONTENT = "资助政策问答".encode() * 1000
_MISTAKE = "UPDATE notices SET title = '误改'"


async def seen(story: Story, file: str) -> dict[str, str]:
    """What people see of the main job, by what they ask."""
    async with story.person(CENTRE) as centre, story.person(COUNTY) as county:
        asks: dict[str, Callable[[], Any]] = {
            "the notices of a county": lambda: county.office("GET", "/notices/inbox"),
            "the notices of the centre": lambda: centre.office("GET", "/notices/outbox"),
            "the figures of 2017": lambda: centre.cockpit("GET", "/overview", params={"year": 2017}),
            "a unit": lambda: centre.identity("GET", f"/units/by-code/{COUNTY}"),
            "a file": lambda: centre.office("GET", f"/files/{file}/content"),
        }
        return {name: (await _answered(ask)).text for name, ask in asks.items()}


async def _answered(ask: Callable[[], Any]) -> httpx.Response:
    """Ask until the answer is a success: after a restore, Office reads all units and people anew."""
    answer: httpx.Response | None = None
    async for _ in moments(300, pause=1):
        answer = await ask()
        if answer.is_success:
            return answer
    raise people.Failed(f"{answer.request.url}: {answer.text[:300]}" if answer else "nothing was asked")


async def uploaded(story: Story) -> str:
    """Upload a file, which is in no base backup, and return its id."""
    async with story.person(CENTRE) as centre:
        sent = {"params": {"file_name": "政策问答.txt"}, "content": _CONTENT}
        return str(people.expect(await centre.office("POST", "/files", **sent), 201)["id"])


def _backup(what: str, run: Run, environment: dict[str, str]) -> None:
    command = ("docker", "compose", "exec", "-T", "backup", "/bin/sh", "/backup/backup.sh", what)
    run(*command, environment=environment)


async def destroyed_and_restored(
    story: Story, run: Run, output: Output, project: str, environment: dict[str, str]
) -> None:
    """Do all of it, and compare what people see. Raises `Failed` if anything differs."""

    def query(sql: str, database: str = "postgres") -> str:
        psql = ("docker", "compose", "exec", "-T", "postgres", "psql", "-U", "postgres", "-d", database)
        return output(*psql, "-tAc", sql, environment=environment).strip()

    _backup("all", run, environment)
    file = await uploaded(story)
    _backup("stores", run, environment)
    before = await seen(story, file)
    moment = query("SELECT to_char(clock_timestamp(), 'YYYY-MM-DD HH24:MI:SS.USOF')")
    print(f"   the moment is {moment}; then a mistake: {query(_MISTAKE, 'office')}")
    segment = query("SELECT pg_walfile_name(pg_switch_wal())")
    async for _ in moments(120, pause=1):
        if query(f"SELECT coalesce(last_archived_wal >= '{segment}', false) FROM pg_stat_archiver") == "t":
            break
    else:
        raise people.Failed("the log is not archived")
    run("docker", "compose", "kill", environment=environment)
    run("docker", "compose", "down", environment=environment)
    run("docker", "volume", "rm", *(f"{project}_{name}" for name in STORES), environment=environment)
    print("   everything but the backups is destroyed", flush=True)
    run("deploy/restore.sh", moment, environment={**environment, "RESTORE_PAUSE": "1"})
    after = await seen(story, file)
    for name, answer in before.items():
        print(f"   {name}: {len(answer)} characters before, {len(after[name])} after")
    if differ := [name for name, answer in before.items() if _steady(answer) != _steady(after[name])]:
        raise people.Failed(f"after the restore differ: {', '.join(differ)}")
    _backup("all", run, environment)


def _steady(answer: str) -> Any:
    """An answer without what depends on the time of asking."""
    try:
        found = json.loads(answer)
    except ValueError:
        return answer
    return _without(found, {"as_of", "observed_at", "generated_at"})


def _without(value: Any, names: set[str]) -> Any:
    if isinstance(value, dict):
        return {key: _without(inner, names) for key, inner in value.items() if key not in names}
    if isinstance(value, list):
        return [_without(inner, names) for inner in value]
    return value
