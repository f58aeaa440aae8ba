"""The results, for the terminal and for docs/benchmarks.md."""

import json
import os
from dataclasses import dataclass, field
from datetime import UTC, datetime

from bench.common.statistics import Round, median_round
from bench.common.tables import machine, number, python_versions, table
from bench.identity.crowd import Crowd
from bench.identity.issuers import PEER
from bench.identity.token_check import Check


@dataclass
class Side:
    """The rounds of one scenario for one issuer."""

    rounds: list[Round] = field(default_factory=list)
    statements: float = 0.0

    @property
    def middle(self) -> Round:
        """The round with the median rate."""
        return median_round(self.rounds)


NAMES = {"ours": "ours", "peer": "peer", "same": "peer with the same work"}
"""The sides, as columns are named."""


@dataclass
class Row:
    """One scenario."""

    name: str
    sides: dict[str, Side] = field(default_factory=lambda: {name: Side() for name in NAMES})

    def cpu(self) -> list[str]:
        """Return the row of the table of processor time."""
        used = {name: side.middle.cpu for name, side in self.sides.items()}
        ours = sum(used["ours"])
        return [
            self.name,
            *(" + ".join(number(part) for part in parts) for parts in used.values()),
            *(f"{sum(used[name]) / ours:.2f}" for name in ("peer", "same")),
            ", ".join(f"{side.statements:.1f}" for side in self.sides.values()),
        ]

    def rates(self) -> list[str]:
        """Return the row of the table of rates."""
        middle = {name: side.middle for name, side in self.sides.items()}
        return [
            self.name,
            *(number(one.rate) for one in middle.values()),
            *(f"{middle['ours'].rate / middle[name].rate:.2f}" for name in ("peer", "same")),
            *(f"{one.p50:.1f}, {one.p99:.1f}" for one in middle.values()),
        ]


@dataclass
class Result:
    """All measurements of one run."""

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
        """Return the result as a section of a document."""
        rounds = max((len(row.sides["ours"].rounds) for row in self.rows), default=0)
        cpu = (
            "processor time: server + PostgreSQL (µs)",
            *NAMES.values(),
            "peer / ours",
            "same work / ours",
            "SQL statements",
        )
        rates = (
            "a second",
            *NAMES.values(),
            "ours / peer",
            "ours / same work",
            *(f"{name}: p50, p99 (ms)" for name in NAMES.values()),
        )
        lines = [
            f"`{self.command}`, {datetime.now(UTC):%Y-%m-%d}: {machine()}; {self.versions()}.",
            f"{self.processes} processes on each side, {self.concurrency} connections, rounds of",
            f"{self.seconds:g} s in turn; of {rounds} a side the one with the median rate is shown.",
            f"Load of the machine at the end: {_load()}.",
            "",
            *table(cpu, (row.cpu() for row in self.rows)),
            "",
            *table(rates, (row.rates() for row in self.rows)),
        ]
        if self.check is not None:
            lines += ["", *_words(self.check)]
        if self.crowd is not None:
            lines += ["", *self.crowd.words()]
        if self.memory:
            sizes = ", ".join(f"{name} {size} MiB" for name, size in self.memory.items())
            lines += ["", f"Resident memory at the end, all processes: {sizes}."]
        return "\n".join(lines)

    def versions(self) -> str:
        """Return the components with their versions."""
        packages = json.loads((PEER / "package.json").read_text())["dependencies"]
        named = [
            *python_versions("uvicorn", "fastapi", "authlib", "sqlalchemy"),
            f"PostgreSQL {self.postgresql}",
            f"Node.js {self.node}",
            *(f"{name} {version}" for name, version in packages.items()),
        ]
        return ", ".join(named)


def _load() -> str:
    return ", ".join(f"{load:.0f}" for load in os.getloadavg())


def _words(check: Check) -> list[str]:
    times = check.ours / check.bare
    return [
        f"Token check in a resource server, median: {check.ours:.0f} µs, {times:.1f} times the bare ES256",
        f"verification ({check.bare:.0f} µs); npm's jose takes {check.jose:.0f} µs for the same token.",
    ]
