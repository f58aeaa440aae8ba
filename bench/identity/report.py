"""The table of results, for the terminal and for docs/benchmarks.md."""

import json
import os
import platform
import re
import statistics
import subprocess
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

from crowd import Crowd
from measure import Check, Round
from servers import PEER

DOCUMENT = Path(__file__).parents[2] / "docs" / "benchmarks.md"
BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"


@dataclass
class Side:
    """One side's rounds of one scenario."""

    rounds: list[Round] = field(default_factory=list)
    statements: float = 0.0

    @property
    def middle(self) -> Round:
        """The round with the median rate (the lower one of two)."""
        ordered = sorted(self.rounds, key=lambda one: one.rate)
        return ordered[(len(ordered) - 1) // 2]


@dataclass
class Row:
    """One scenario."""

    name: str
    ours: Side = field(default_factory=Side)
    peer: Side = field(default_factory=Side)


@dataclass
class Result:
    """Everything that one run has measured."""

    command: str
    concurrency: int
    seconds: float
    processes: int
    rows: list[Row] = field(default_factory=list)
    memory: dict[str, int] = field(default_factory=dict)
    check: Check | None = None
    crowd: Crowd | None = None
    postgresql: str = ""
    node: str = ""

    def markdown(self) -> str:
        """The result as a section of a document."""
        rounds = max((len(row.ours.rounds) for row in self.rows), default=0)
        columns = (
            "",
            "ours per second",
            "peer per second",
            "ours / peer",
            "ours p50, p99 (ms)",
            "peer p50, p99 (ms)",
            "SQL statements: ours, peer",
        )
        lines = [
            f"`{self.command}`, {datetime.now(UTC):%Y-%m-%d}: {machine()}; {self.versions()}.",
            f"{self.processes} processes on each side, {self.concurrency} connections, rounds of",
            f"{self.seconds:g} s in turn; of {rounds} a side the one with the median rate is shown.",
            "",
            f"| {' | '.join(columns)} |",
            "|---|---:|---:|---:|---:|---:|---:|",
        ]
        for row in self.rows:
            ours, peer = row.ours.middle, row.peer.middle
            lines.append(
                f"| {row.name} | {_number(ours.rate)} | {_number(peer.rate)} | {ours.rate / peer.rate:.2f} "
                f"| {ours.p50:.1f}, {ours.p99:.1f} | {peer.p50:.1f}, {peer.p99:.1f} "
                f"| {row.ours.statements:.1f}, {row.peer.statements:.1f} |"
            )
        if self.check is not None:
            lines += ["", *_words(self.check)]
        if self.crowd is not None:
            lines += ["", *self.crowd.words()]
        if self.memory:
            sizes = ", ".join(f"{name} {size} MiB" for name, size in self.memory.items())
            lines += ["", f"Resident memory at the end, all processes: {sizes}."]
        return "\n".join(lines)

    def versions(self) -> str:
        """What took part, with versions."""
        packages = json.loads((PEER / "package.json").read_text())["dependencies"]
        named = [
            f"Python {platform.python_version()}",
            *(f"{name} {metadata.version(name)}" for name in ("uvicorn", "fastapi", "authlib", "sqlalchemy")),
            f"PostgreSQL {self.postgresql}",
            f"Node.js {self.node}",
            *(f"{name} {version}" for name, version in packages.items()),
        ]
        return ", ".join(named)


def _words(check: Check) -> list[str]:
    times = check.ours / check.bare
    return [
        f"Token check in a resource server, median: {check.ours:.0f} µs, {times:.1f} times the bare ES256",
        f"verification ({check.bare:.0f} µs); npm's jose takes {check.jose:.0f} µs for the same token.",
    ]


def machine() -> str:
    """Cores and memory."""
    total = re.search(r"MemTotal:\s+(\d+)", Path("/proc/meminfo").read_text())
    memory = "" if total is None else f", {int(total[1]) / 1024**2:.0f} GiB"
    return f"{os.cpu_count()} cores{memory}"


def node_version(program: Path) -> str:
    """The version of `node`."""
    done = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
    return done.stdout.strip().removeprefix("v")


def write(result: Result) -> None:
    """Put the result into the document, in place of the last one."""
    text = DOCUMENT.read_text(encoding="utf-8")
    head, _, rest = text.partition(BEGIN)
    _, _, tail = rest.partition(END)
    DOCUMENT.write_text(f"{head}{BEGIN}\n{result.markdown()}\n{END}{tail}", encoding="utf-8")


def spread(rounds: list[Round]) -> str:
    """The rates of all rounds, for the terminal."""
    rates = [one.rate for one in rounds]
    return f"{statistics.median(rates):.0f} ({', '.join(f'{rate:.0f}' for rate in rates)})"


def _number(rate: float) -> str:
    return f"{rate:,.0f}" if rate >= 100 else f"{rate:.1f}"
