"""The results, for the terminal and for docs/benchmarks.md."""

import json
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


@dataclass
class Row:
    """One scenario."""

    name: str
    ours: Side = field(default_factory=Side)
    peer: Side = field(default_factory=Side)

    def cells(self) -> list[str]:
        """Return the row of the table."""
        ours, peer = self.ours.middle, self.peer.middle
        return [
            self.name,
            number(ours.rate),
            number(peer.rate),
            f"{ours.rate / peer.rate:.2f}",
            f"{ours.p50:.1f}, {ours.p99:.1f}",
            f"{peer.p50:.1f}, {peer.p99:.1f}",
            f"{self.ours.statements:.1f}, {self.peer.statements:.1f}",
            *(" + ".join(number(part) for part in side.cpu) for side in (ours, peer)),
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
        rounds = max((len(row.ours.rounds) for row in self.rows), default=0)
        columns = (
            "",
            "ours per second",
            "peer per second",
            "ours / peer",
            "ours p50, p99 (ms)",
            "peer p50, p99 (ms)",
            "SQL statements: ours, peer",
            "CPU ours: server + PostgreSQL (µs)",
            "CPU peer (µs)",
        )
        lines = [
            f"`{self.command}`, {datetime.now(UTC):%Y-%m-%d}: {machine()}; {self.versions()}.",
            f"{self.processes} processes on each side, {self.concurrency} connections, rounds of",
            f"{self.seconds:g} s in turn; of {rounds} a side the one with the median rate is shown.",
            "",
            *table(columns, (row.cells() for row in self.rows)),
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


def _words(check: Check) -> list[str]:
    times = check.ours / check.bare
    return [
        f"Token check in a resource server, median: {check.ours:.0f} µs, {times:.1f} times the bare ES256",
        f"verification ({check.bare:.0f} µs); npm's jose takes {check.jose:.0f} µs for the same token.",
    ]
