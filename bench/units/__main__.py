"""How long the import of a country takes, what its worker needs, and whether a move holds up sign-ins.

    make bench-units ARGS=--quick

`python -m identity work` checks, applies and exports tables of the whole country, with made-up schools, on a
durable PostgreSQL. Then a city with a twelfth of all units moves to another province, while others read what
a sign-in reads. A table of Markdown goes to standard output, the progress to standard error; `--write` puts
it into docs/benchmarks.md.
"""

import argparse
import asyncio
import csv
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, TypeVar
from uuid import UUID

from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from authkit.principal import Acting, Principal
from bench.common.servers import database_server, memory, wait_for
from bench.common.tables import machine, number, python_versions, table, write
from contracts.vocabulary import FileFormat, Kind, Level, Role, Stage, UnitImportStatus
from filekit.receiving import ReceivedFile
from filekit.sniff import TEXT, XLSX
from filekit.spool import blocks, spooled
from identity.accounts.models import Account
from identity.audit.service import AuditLog
from identity.base import MIGRATIONS, job_queue
from identity.memberships.models import Membership
from identity.unit_imports.models import UnitExport, UnitImport
from identity.unit_imports.report import Report
from identity.unit_imports.repository import parts
from identity.unit_imports.rules import HEADINGS
from identity.unit_imports.schemas import ExportIn
from identity.unit_imports.service import UnitImports
from identity.unit_imports.writing import writer_of
from identity.units import worlds
from identity.units.models import Unit
from identity.units.schemas import MoveIn
from identity.units.service import Units
from identity.units.structure import UnitTree
from servicekit.clock import SystemClock
from servicekit.db import Database
from servicekit.etags import SeenVersions
from servicekit.migrations import upgrade
from testkit.backends.process import PrivateProcess, free_port
from testkit.postgres import create_database

CITY, PROVINCE = "370100", "410000"
"""济南市 moves to 河南省."""
CLOCK = SystemClock()
ROOT = Path(__file__).parents[2]
ADMINISTRATOR = UUID(int=9)
Line = tuple[str, ...]
T = TypeVar("T", UnitImport, UnitExport)


def arguments() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(prog="make bench-units", description=__doc__)
    parser.add_argument("--units", type=int, default=600_000)
    parser.add_argument("--quick", action="store_true", help="60,000 units")
    parser.add_argument(
        "--kill",
        action="store_true",
        help="kill the worker (-9) while it reads and while it applies the CSV file",
    )
    parser.add_argument(
        "--heartbeat", type=float, default=30.0, help="seconds after which a killed worker is replaced (30)"
    )
    parser.add_argument("--write", action="store_true", help="put the table into docs/benchmarks.md")
    given = parser.parse_args()
    if given.quick:
        given.units = 60_000
    return given


def say(line: str) -> None:
    """Report progress."""
    sys.stderr.write(f"{line}\n")


@dataclass(frozen=True)
class Measured:
    """The measurements of one step; memory in MiB."""

    name: str
    seconds: float
    rows: int
    peak: int


def administrator() -> Account:
    """Return the person who imports."""
    return Account(
        id=ADMINISTRATOR,
        name="王小明",
        phone_sealed=b"",
        phone_index=b"",
        phone_masked="",
        phone_verified_at=CLOCK.now(),
        registered_at=CLOCK.now(),
    )


def lines(units: int) -> Iterator[Line]:
    """Return the offices of the country and made-up schools of its counties, without the centre.

    A twelfth of the units is in one city, which moves later.
    """
    offices = worlds.national_offices()
    for seed in offices:
        if seed.parent_code is not None:
            yield (
                seed.code,
                seed.parent_code,
                seed.name,
                seed.short_name,
                seed.level.label,
                seed.kind.label,
                "、".join(stage.label for stage in seed.stages),
                seed.region_code or "",
                "",
                "",
            )
    counties = [seed for seed in offices if seed.level == Level.COUNTY]
    large = [seed for seed in counties if seed.parent_code == CITY]
    for school in range(units - len(offices)):
        among = counties if school % 12 else large
        county = among[school // 12 % len(among)]
        yield (
            f"S{school:08d}",
            county.code,
            f"{county.short_name}第{school}小学",
            f"第{school}小学",
            Level.SCHOOL.label,
            Kind.SCHOOL.label,
            Stage.COMPULSORY.label,
            county.code,
            "0531-86012345",
            f"解放路 {school} 号",
        )


def made(folder: Path, units: int, format_: FileFormat) -> Path:
    """Write the country into a file."""
    path = folder / f"units.{format_}"
    if format_ == FileFormat.CSV:
        with path.open("w", encoding="utf-8", newline="") as file:
            out = csv.writer(file)
            out.writerow(HEADINGS)
            out.writerows(lines(units))
    else:
        with path.open("wb") as binary:
            sheet = writer_of(binary, format_)
            sheet.write(lines(units))
            sheet.close()
    return path


class WorkerProcess:
    """`python -m identity work`; another one takes over from a killed one."""

    def __init__(self, url: str, folder: Path, heartbeat: float) -> None:
        self._url = url
        self._folder = folder
        self._heartbeat = heartbeat
        self._process = self._started()

    @property
    def pid(self) -> int:
        """Return the process id."""
        return self._process.pid

    def kill(self) -> None:
        """Kill the worker (-9) and start another one."""
        say("  killed")
        self._process.stop()
        self._process = self._started()

    def stop(self) -> None:
        """End the worker."""
        self._process.stop()

    def _started(self) -> PrivateProcess:
        port = free_port()
        process = PrivateProcess(
            [
                *(sys.executable, "-m", "bench.common.service", "--heartbeat", str(self._heartbeat)),
                *("identity", "work"),
            ],
            log=self._folder / "identity.log",
            directories=[],
            env={**environment(self._url, port), "PYTHONPATH": str(ROOT)},
        )
        wait_for(f"http://127.0.0.1:{port}/readyz", process)
        return process


class Bench:
    """One database, one worker at a time."""

    def __init__(self, database: Database, worker: WorkerProcess, root: Unit, schools: int) -> None:
        self._database = database
        self._schools = schools
        self._worker = worker
        self._kill_at: int | None = None
        acting = Acting(root.id, root.path, root.level, root.kind, frozenset({"unit_admin"}))
        now = CLOCK.now()
        self._by = Principal(str(ADMINISTRATOR), "portal", frozenset(), now, now, "x", acting=acting)
        self._root = root

    def kill_at(self, row: int) -> None:
        """Kill the worker as soon as the next step has dealt with this many rows."""
        self._kill_at = row

    async def _kill(self, job_id: UUID | None) -> None:
        if self._kill_at is None or job_id is None:
            return
        async with self._database.transaction() as session:
            job = await job_queue.get(session, job_id)
        if job is not None and job.done >= self._kill_at:
            self._kill_at = None
            await asyncio.to_thread(self._worker.kill)

    async def opened(self) -> tuple[int, int]:
        """Return how many units are below the centre, and how many of them have been opened once."""
        async with self._database.transaction() as session:
            once = text(
                "SELECT count(*), count(*) FILTER (WHERE changes = 1) FROM (SELECT count(*) AS changes"
                " FROM units u JOIN unit_changes c ON c.unit_id = u.id WHERE u.parent_id IS NOT NULL"
                " AND u.path ~ ('*.' || u.code)::lquery GROUP BY u.id) each"
            )
            found = (await session.execute(once)).one()
        return found[0], found[1]

    async def check(self, path: Path, name: str) -> tuple[Measured, UnitImport]:
        """Upload a file and wait for its report."""
        with path.open("rb") as file:
            began = time.monotonic()
            row = await self._upload(file, XLSX if path.suffix == ".xlsx" else TEXT)
            found, peak = await self._ended(UnitImport, row.id, "checking")
        if found.status != UnitImportStatus.CHECKED or found.wrong:
            raise RuntimeError(f"{found.status}: {found.problem}, {found.wrong} wrong")
        return Measured(name, time.monotonic() - began, found.total, peak), found

    async def apply(self, row: UnitImport, name: str) -> Measured:
        """Confirm an import and wait for its end."""
        began = time.monotonic()
        async with self._database.transaction() as session:
            imports = self._imports(session)
            await imports.apply(self._by, row.id, skip_wrong=False)
        found, peak = await self._ended(UnitImport, row.id, "applying")
        if found.applied != row.new + row.changed:
            raise RuntimeError(f"{found.applied} applied, {found.refused} refused")
        return Measured(name, time.monotonic() - began, found.applied, peak)

    async def export(self, format_: FileFormat, folder: Path, name: str) -> tuple[Measured, Path]:
        """Export the country into a file."""
        began = time.monotonic()
        async with self._database.transaction() as session:
            imports = self._imports(session)
            row = await imports.export(self._by, ExportIn(unit_id=self._root.id, format=format_))
        found, peak = await self._ended(UnitExport, row.id, "running")
        took = time.monotonic() - began
        path = folder / f"export.{format_}"
        with path.open("wb") as file:
            async for part in parts(self._database, found.file_id):
                file.write(part)
        return Measured(name, took, found.total, peak), path

    async def move(self) -> tuple[Measured, float, int]:
        """Move a city, while others sign in. Return the longest wait of a sign-in (ms) and their number."""
        moving = True
        waits: list[float] = []

        async def sign_ins() -> None:
            while moving:
                began = time.monotonic()
                async with self._database.transaction() as session:
                    school = len(waits) * 12 % min(self._schools, 12_000)
                    unit = await session.scalar(select(Unit).where(Unit.code == f"S{school:08d}"))
                    assert unit is not None
                    # What the database does for a new row that refers to the unit.
                    lock = text("SELECT 1 FROM units WHERE id = :id FOR KEY SHARE")
                    await session.execute(lock, {"id": unit.id})
                waits.append((time.monotonic() - began) * 1000)
                await asyncio.sleep(0.005)

        others = asyncio.ensure_future(sign_ins())
        began = time.monotonic()
        async with self._database.transaction() as session:
            tree = UnitTree(session, CLOCK)
            city, province = await tree.by_code(CITY), await tree.by_code(PROVINCE)
            asked = MoveIn(parent_id=province.id, reason="区划调整")
            _, moved = await tree.move(self._by, city.id, asked, SeenVersions(frozenset({"*"})))
        took = time.monotonic() - began
        moving = False
        await others
        return Measured("move a city to another province", took, moved.units, 0), max(waits), len(waits)

    async def _upload(self, file: BinaryIO, media_type: str) -> UnitImport:
        async with spooled(blocks(file), limit=1 << 31) as upload, self._database.transaction() as session:
            received = ReceivedFile(upload.file, upload.size, upload.sha256, media_type)
            imports = self._imports(session)
            return await imports.upload(
                self._by,
                received,
                file_name="units",
                effective_on=None,
                reason="年度核对",
                document_number=None,
            )

    def _imports(self, session: AsyncSession) -> UnitImports:
        audit = AuditLog(session, CLOCK)
        return UnitImports(session, CLOCK, _units(session), Report(self._database), audit)

    async def _ended(self, of: type[T], id_: UUID, state: str) -> tuple[T, int]:
        peak, said = 0, time.monotonic()
        while True:
            await asyncio.sleep(0.2)
            peak = max(peak, memory(self._worker.pid))
            async with self._database.transaction() as session:
                row = await session.get_one(of, id_)
            if row.status != state:
                return row, peak
            await self._kill(row.job_id)
            if time.monotonic() - said > 15:
                say(f"  {state}, {peak} MiB")
                said = time.monotonic()


def _units(session: AsyncSession) -> Units:
    return Units(session, CLOCK, AuditLog(session, CLOCK))


def environment(database: str, port: int) -> dict[str, str]:
    """Return the settings of Identity."""
    values = {
        "MODE": "dev",
        "PORT": str(port),
        "ISSUER": f"http://127.0.0.1:{port}",
        "DATABASE_URL": database,
        "ENCRYPTION_KEY": "e1" * 32,
        "INDEX_KEY": "1d" * 32,
        "LOG_LEVEL": "ERROR",
    }
    return {**os.environ, **{f"ZHUXUE_IDENTITY_{name}": value for name, value in values.items()}}


async def measure(given: argparse.Namespace, server: str, folder: Path) -> list[Measured]:
    """Run all steps on one database."""
    url = await create_database(server, "identity")
    await upgrade(MIGRATIONS, url)
    database = Database(url, plans="force_generic_plan", pool_size=3)
    async with database.transaction() as session:
        centre = [unit for unit in worlds.national_offices() if unit.parent_code is None]
        await _units(session).load(centre, datetime.now(UTC))
        root = await session.scalar(select(Unit))
        assert root is not None
        session.add(administrator())
        await session.flush()
        session.add(
            Membership(
                account_id=ADMINISTRATOR,
                unit_id=root.id,
                roles=[Role.UNIT_ADMIN],
                started_at=CLOCK.now(),
                is_primary=True,
            )
        )
    worker = WorkerProcess(url, folder, given.heartbeat)
    measured: list[Measured] = []

    def keep(one: Measured) -> None:
        say(f"{one.name}: {one.seconds:.1f} s, {one.rows:,} rows, {one.peak} MiB")
        measured.append(one)

    try:
        bench = Bench(database, worker, root, given.units - len(worlds.national_offices()))
        killed = ", killed half-way" if given.kill else ""
        for format_, name in ((FileFormat.XLSX, "an Excel workbook"), (FileFormat.CSV, "a CSV file")):
            path = made(folder, given.units, format_)
            if given.kill and format_ == FileFormat.CSV:
                bench.kill_at(given.units // 2)
                name += killed
            checked, row = await bench.check(path, f"check {name}: all new")
            keep(checked)
        if given.kill:
            bench.kill_at(given.units // 2)
        keep(await bench.apply(row, f"apply the CSV file{killed}"))
        if await bench.opened() != (given.units - 1, given.units - 1):
            raise RuntimeError(f"{await bench.opened()} of {given.units - 1} units, and how many once")
        for format_ in (FileFormat.CSV, FileFormat.XLSX):
            exported, path = await bench.export(format_, folder, f"export as {format_}")
            keep(exported)
        again, row = await bench.check(path, "check the exported workbook: all unchanged")
        if row.unchanged != row.total:
            raise RuntimeError(f"{row.new} new, {row.changed} changed")
        keep(again)
        moved, wait, count = await bench.move()
        keep(moved)
        keep(Measured(f"longest of {count:,} sign-in reads during the move", wait / 1000, 1, 0))
        async with database.transaction() as session:
            place = text(f"path <@ '100000.{PROVINCE}.{CITY}'")
            below = select(func.count()).select_from(Unit).where(place)
            if await session.scalar(below) != moved.rows:
                raise RuntimeError("units are missing below the moved city")
    finally:
        await database.close()
        worker.stop()
    return measured


def markdown(given: argparse.Namespace, measured: list[Measured], *, load: float) -> str:
    """Return the result as a section of a document."""
    versions = ", ".join(python_versions("asyncpg", "sqlalchemy", "xlsxwriter"))
    rows = [
        (
            one.name,
            f"{one.rows:,}",
            f"{one.seconds:.2f}",
            number(one.rows / one.seconds),
            str(one.peak or "–"),
        )
        for one in measured
    ]
    heading = ["step", "rows", "seconds", "rows per second", "worker's peak memory (MiB)"]
    what = f"{given.units:,} units, load {load:.1f} before; {machine()}; {versions}."
    return "\n".join([what, "", *table(heading, rows)])


def main() -> None:
    """Measure and print the results."""
    given = arguments()
    before = os.getloadavg()[0]
    with database_server() as server, tempfile.TemporaryDirectory(prefix="bench-units-") as folder:
        result = markdown(given, asyncio.run(measure(given, server, Path(folder))), load=before)
    sys.stdout.write(f"{result}\n")
    if given.write:
        write("units", result)


if __name__ == "__main__":
    main()
