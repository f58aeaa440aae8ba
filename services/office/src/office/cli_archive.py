"""`python -m office archive-year YEAR FOLDER`, `drop-year` and `restore-year`."""

import argparse
import asyncio
import sys
from pathlib import Path

from office.archive.errors import ArchiveRefused
from office.archive.jobs import Archive
from office.settings import Settings
from servicekit.clock import SystemClock
from servicekit.db import Database

COMMANDS = {
    "archive-year": "write receipts, answers and files of a year of notices to a folder, and keep the sums",
    "drop-year": "verify the folder of an archived year, drop it from the database and delete its files",
    "restore-year": "read a dropped year back from its folder",
}


def run(command: str, arguments: list[str]) -> int:
    """Run one of `COMMANDS`. Return the exit status: 1 if it is refused."""
    parser = argparse.ArgumentParser(prog=f"python -m office {command}", description=COMMANDS[command])
    parser.add_argument("year", type=int)
    parser.add_argument("folder", type=Path, help="the folder of the files; it must exist")
    parsed = parser.parse_args(arguments)
    try:
        asyncio.run(_run(command, parsed.year, parsed.folder))
    except ArchiveRefused as refused:
        sys.stderr.write(f"{refused}\n")
        return 1
    return 0


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


async def _run(command: str, year: int, folder: Path) -> None:
    settings = Settings()
    database = Database(settings.database_url, plans="force_custom_plan")
    archive = Archive(database, SystemClock(), settings.file_store(), _say)
    call = {"archive-year": archive.archive, "drop-year": archive.drop, "restore-year": archive.restore}
    try:
        await call[command](year, folder)
    finally:
        await database.close()
