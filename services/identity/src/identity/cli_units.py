"""`python -m identity import-units FILE --by PHONE`: a table of units, imported as through the API."""

import argparse
import asyncio
import sys
from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from authkit.errors import OutOfReach
from authkit.principal import Acting, Principal
from contracts.vocabulary import Permission, UnitImportResult, UnitImportStatus
from filekit.http import TABLES
from filekit.receiving import ReceivedFile, received
from filekit.scan import scanner_of
from filekit.spool import blocks
from identity.accounts.errors import AccountNotFound
from identity.accounts.service import Accounts, phone_of
from identity.app import make_vault
from identity.audit.service import AuditLog
from identity.base import tables
from identity.codes.service import Codes
from identity.delegations.dependencies import standings_for
from identity.memberships.service import Memberships
from identity.platform.service import Platform
from identity.revocations.service import Revocations
from identity.sessions.service import Sessions
from identity.settings import Settings
from identity.unit_imports import jobs
from identity.unit_imports.models import UnitImport
from identity.unit_imports.report import Report
from identity.unit_imports.service import UnitImports
from identity.units.service import Units
from jobs.worker import Pace, Worker
from servicekit.clock import Clock, SystemClock
from servicekit.db import Database
from servicekit.paging import PageRequest
from servicekit.problems import Problem

OPERATOR = "operator"
_RUNNING = (UnitImportStatus.CHECKING, UnitImportStatus.APPLYING)
_SHOWN = 50
"""Wrong rows on the terminal; `--report` writes all rows."""


def run(arguments: list[str]) -> int:
    """Run the command. Return the exit status: 1 if a row is wrong or was refused, or the import failed."""
    asked = parse(arguments)
    try:
        return asyncio.run(_run(Settings(), SystemClock(), asked))
    except (Problem, OSError) as problem:
        sys.stderr.write(f"{problem}\n")
        return 2


def parse(arguments: list[str]) -> argparse.Namespace:
    """Return what the command line asks for."""
    parser = argparse.ArgumentParser(
        prog="python -m identity import-units",
        description="Check a table of units and import it, as an administrator does through the API, with the"
        " same jobs. They run in this process, too; when it is killed, the workers go on.",
    )
    parser.add_argument("file", type=Path, help="Excel workbook (.xlsx) or CSV")
    parser.add_argument("--by", required=True, metavar="PHONE", help="the administrator in whose name")
    parser.add_argument("--unit", metavar="CODE", help="the unit that they act for; default: the primary one")
    parser.add_argument("--reason", default="批量导入", help="reason of the changes, in the units' history")
    parser.add_argument("--document-number", metavar="TEXT", help="文号")
    parser.add_argument("--effective-on", type=date.fromisoformat, metavar="DATE", help="default: today")
    parser.add_argument("--dry-run", action="store_true", help="only check, and print the report")
    parser.add_argument("--skip-wrong", action="store_true", help="import the other rows if some are wrong")
    parser.add_argument("--report", type=Path, metavar="CSV", help="write all rows with their results")
    return parser.parse_args(arguments)


async def _run(settings: Settings, clock: Clock, asked: argparse.Namespace) -> int:
    database = Database(settings.database_url, plans="force_generic_plan")
    try:
        return await UnitsCommand(settings, database, clock).run(asked)
    finally:
        await database.close()


class UnitsCommand:
    """One run of the command."""

    def __init__(
        self, settings: Settings, database: Database, clock: Clock, pace: Pace | None = None
    ) -> None:
        self._settings = settings
        self._database = database
        self._clock = clock
        self._pace = pace

    async def run(self, asked: argparse.Namespace) -> int:
        """Check the file, import it unless this is a dry run, and print the report.

        Raises `BadPhone`, `AccountNotFound`, `UnitNotFound`, `OutOfReach`, the errors of the upload and
        OSError.
        """
        async with self._database.transaction() as session:
            by = await self._administrator(session, asked.by, asked.unit)
        with asked.file.open("rb") as file:
            scanner = scanner_of(self._settings.file_scanner_url)
            limit = self._settings.import_limit_bytes
            async with received(blocks(file), limit=limit, accepted=TABLES, scanner=scanner) as table:
                row = await self._upload(by, table, asked)
        handlers = jobs.handlers(self._database, self._clock, self._settings.access_token_seconds)
        worker = Worker("identity", self._database, tables.jobs, handlers=handlers, pace=self._pace)
        async with worker.running():
            found = await self._ended(row.id)
            ready = found.status == UnitImportStatus.CHECKED and found.new + found.changed > 0
            if ready and not asked.dry_run and (asked.skip_wrong or not found.wrong):
                async with self._database.transaction() as session:
                    await self._imports(session).apply(by, row.id, skip_wrong=asked.skip_wrong)
                found = await self._ended(row.id)
        await self._tell(by, found, asked)
        return 1 if found.status == UnitImportStatus.FAILED or found.wrong or found.refused else 0

    async def _administrator(self, session: AsyncSession, phone: str, code: str | None) -> Principal:
        clock, audit = self._clock, AuditLog(session, self._clock)
        vault = make_vault(self._settings)
        units = Units(session, clock, audit)
        accounts = Accounts(session, clock, vault, Codes(session, clock, vault), audit)
        account = await accounts.by_phone(phone_of(phone))
        if account is None:
            raise AccountNotFound
        revocations = Revocations(session, clock, self._settings.access_token_seconds)
        sessions = Sessions(session, clock, self._settings, revocations, audit)
        profile = await Memberships(
            session, clock, accounts, units, Platform(session), sessions, audit
        ).profile(account.id)
        unit = profile.unit if code is None else await units.by_code(code)
        standing = None if unit is None else await standings_for(session, clock).of(account.id, unit.id)
        if unit is None or standing is None or not standing.may(Permission.UNITS_MANAGE):
            raise OutOfReach
        now = clock.now()
        return Principal(
            str(account.id),
            OPERATOR,
            frozenset(),
            now,
            now,
            OPERATOR,
            acting=Acting(unit.id, unit.path, unit.level, unit.kind, standing.roles),
            permissions=standing.permissions,
        )

    async def _upload(self, by: Principal, table: ReceivedFile, asked: argparse.Namespace) -> UnitImport:
        async with self._database.transaction() as session:
            row = await self._imports(session).upload(
                by,
                table,
                file_name=asked.file.name[:200],
                effective_on=asked.effective_on,
                reason=asked.reason,
                document_number=asked.document_number,
            )
            AuditLog(session, self._clock).record(
                actor=OPERATOR, action="units.import_by_command", target=row.id, on_behalf=by.sub
            )
        return row

    def _imports(self, session: AsyncSession) -> UnitImports:
        audit = AuditLog(session, self._clock)
        units = Units(session, self._clock, audit)
        return UnitImports(session, self._clock, units, Report(self._database), audit)

    async def _ended(self, import_id: UUID) -> UnitImport:
        """Wait for the end of a step, and tell its progress on standard error."""
        row, message = await self._progress(import_id)
        said = None
        while row.status in _RUNNING:
            if message is not None and message != said:
                said = message
                sys.stderr.write(f"{said}\n")
            await asyncio.sleep(0.2)
            row, message = await self._progress(import_id)
        return row

    async def _progress(self, import_id: UUID) -> tuple[UnitImport, str | None]:
        async with self._database.transaction() as session:
            row = await session.get_one(UnitImport, import_id)
            job = None if row.job_id is None else await tables.jobs.get(session, row.job_id)
        return row, None if job is None else job.message

    async def _tell(self, by: Principal, row: UnitImport, asked: argparse.Namespace) -> None:
        sys.stdout.write(
            f"{row.id} {row.status.label}：共 {row.total} 行，新增 {row.new}，变更 {row.changed}，"
            f"无变化 {row.unchanged}，有错误 {row.wrong}；已导入 {row.applied}，未导入 {row.refused}\n"
        )
        if row.problem is not None:
            sys.stdout.write(f"{row.problem}\n")
        async with self._database.transaction() as session:
            imports = self._imports(session)
            for result in (UnitImportResult.WRONG, UnitImportResult.REFUSED):
                for one in (await imports.rows(by, row.id, result, PageRequest(_SHOWN))).items:
                    sys.stdout.write(f"第 {one.number} 行：{'；'.join(one.errors)}\n")
            lines = await imports.report(by, row.id)
        if asked.report is not None:
            await _write(asked.report, lines)


async def _write(path: Path, lines: AsyncIterator[str]) -> None:
    file = await asyncio.to_thread(path.open, "w", encoding="utf-8", newline="")
    with file:
        async for part in lines:
            await asyncio.to_thread(file.write, part)
