"""Measure intake by format and size: rows a second, memory, time of cells and commit."""

import argparse
import asyncio
import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.engine import make_url

from bench.cockpit.world import store, units
from bench.common.servers import on_server
from bench.common.tables import machine, python_versions, table, write
from bench.intake.files import NAMES, make
from cockpit.base import MIGRATIONS
from servicekit.db import Database
from servicekit.migrations import upgrade

_XLSX_ROWS = 1_000_000
"""A sheet has 1,048,576 rows at most."""


def arguments(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.intake", description=__doc__)
    parser.add_argument(
        "--rows", type=int, nargs="+", default=[100_000, 1_000_000], help="sizes (100000 1000000); 10000000"
    )
    parser.add_argument("--formats", nargs="+", choices=NAMES, default=list(NAMES), help="all of them")
    parser.add_argument("--schools", type=int, default=2, help="schools of a county (2)")
    parser.add_argument("--parts", type=int, default=1_000_000, help="rows of the CSV that arrives in parts")
    parser.add_argument("--files", type=Path, help="folder to keep the generated files in")
    parser.add_argument("--quick", action="store_true", help="10,000 and 100,000 rows")
    parser.add_argument("--write", action="store_true", help="put the table into docs/benchmarks.md")
    given = parser.parse_args(argv)
    if given.quick:
        given.rows, given.parts = [10_000, 100_000], 100_000
    return given


async def _one(template: str, number: int, path: Path, form: str, *, parts: bool) -> dict[str, float]:
    """Measure a file in a process and on a database of its own."""
    url = make_url(template)
    name = f"{url.database}_{number}"
    server = Database(
        url.set(database="postgres").render_as_string(hide_password=False), plans="force_custom_plan"
    )
    async with server.engine.connect() as connection:
        connection = await connection.execution_options(isolation_level="AUTOCOMMIT")
        await connection.execute(text(f'CREATE DATABASE "{name}" TEMPLATE "{url.database}"'))
        own = url.set(database=name).render_as_string(hide_password=False)
        command = [sys.executable, "-m", "bench.intake.one", own, str(path), form]
        process = await asyncio.create_subprocess_exec(
            *command, *(["--parts"] if parts else []), stdout=asyncio.subprocess.PIPE
        )
        out, _ = await process.communicate()
        await connection.execute(text(f'DROP DATABASE "{name}" WITH (FORCE)'))
    await server.close()
    if process.returncode:
        raise RuntimeError(f"{form}: {process.returncode}")
    found: dict[str, float] = json.loads(out.splitlines()[-1])
    return found


def _row(name: str, size: int, one: dict[str, float]) -> list[str]:
    return [
        name,
        f"{one['rows']:,.0f}",
        f"{size / 2**20:,.1f}",
        f"{one['rows'] / one['wall']:,.0f}",
        f"{one['rows'] / one['cpu']:,.0f}",
        f"{one['judging']:,.1f}",
        f"{one['cells']:,.1f}",
        f"{one['commit']:,.2f}",
        f"{one['peak']:,.0f}",
    ]


async def measure(given: argparse.Namespace, url: str, folder: Path) -> None:
    """Take in one file after the other, print the results."""
    await upgrade(MIGRATIONS, url)
    database = Database(url, plans="force_custom_plan")
    await store(database, units(given.schools))
    await database.close()
    tasks = [(form, rows, False) for form in given.formats for rows in given.rows]
    if given.parts:
        tasks.append(("csv", given.parts, True))
    rows = []
    for number, (form, count, parts) in enumerate(tasks):
        if form == "xlsx" and count > _XLSX_ROWS:
            continue
        path = await asyncio.to_thread(make, form, count, given.schools, folder)
        sys.stderr.write(f"{form}, {count:,} rows{', in parts' if parts else ''}\n")
        one = await _one(url, number, path, form, parts=parts)
        assert one["rows"] == count, one
        name = f"{NAMES[form]}, in parts of 8 MiB" if parts else NAMES[form]
        rows.append(_row(name, path.stat().st_size, one))
    columns = [
        *("format", "rows", "MiB", "rows/s", "rows per CPU second", "received, judged and stored (s)"),
        *("cells (s)", "commit (s)", "peak memory (MiB)"),
    ]
    lines = [
        (
            f"`make bench-intake`, {machine()}; {', '.join(python_versions('pyarrow', 'chdb-core'))}."
            " Each file in a process of its own, chDB within it."
        ),
        "",
        *table(columns, rows),
    ]
    sys.stdout.write("\n".join(lines) + "\n")
    if given.write:
        write("intake", "\n".join(lines))


async def main(given: argparse.Namespace, url: str) -> None:
    """Measure with files in a folder that is deleted afterwards, unless one is given."""
    with tempfile.TemporaryDirectory(prefix="zhuxue-bench-") as folder:
        await measure(given, url, given.files or Path(folder))


if __name__ == "__main__":
    ARGUMENTS = arguments()
    on_server(lambda url: main(ARGUMENTS, url))
