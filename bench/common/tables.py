"""Result tables in Markdown, and their sections in docs/benchmarks.md."""

import os
import platform
import re
import subprocess
from collections.abc import Iterable, Sequence
from importlib import metadata
from pathlib import Path

DOCUMENT = Path(__file__).parents[2] / "docs" / "benchmarks.md"


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Return the lines of a table; all columns except the first are right-aligned."""
    lines = [f"| {' | '.join(columns)} |", f"|---|{'---:|' * (len(columns) - 1)}"]
    return lines + [f"| {' | '.join(row)} |" for row in rows]


def write(bench: str, markdown: str, document: Path = DOCUMENT) -> None:
    """Replace the result of `bench`: the text between its two markers in `document`."""
    begin, end = f"<!-- measured {bench}: begin -->", f"<!-- measured {bench}: end -->"
    text = document.read_text(encoding="utf-8")
    head, found, rest = text.partition(begin)
    _, ended, tail = rest.partition(end)
    if not (found and ended):
        raise ValueError(f"{document.name} has no {begin} … {end}")
    document.write_text(f"{head}{begin}\n{markdown}\n{end}{tail}", encoding="utf-8")


def machine() -> str:
    """Return the number of cores and the memory of this machine."""
    total = re.search(r"MemTotal:\s+(\d+)", Path("/proc/meminfo").read_text())
    memory = "" if total is None else f", {int(total[1]) / 1024**2:.0f} GiB"
    return f"{os.cpu_count()} cores{memory}"


def python_versions(*distributions: str) -> list[str]:
    """Return the versions of Python and of installed distributions."""
    return [
        f"Python {platform.python_version()}",
        *(f"{name} {metadata.version(name)}" for name in distributions),
    ]


def program_version(program: Path) -> str:
    """Return the output of `program --version` without a leading v."""
    done = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
    return done.stdout.strip().removeprefix("v")


def number(rate: float) -> str:
    """Return a rate as a text for a table."""
    return f"{rate:,.0f}" if rate >= 100 else f"{rate:.1f}"
