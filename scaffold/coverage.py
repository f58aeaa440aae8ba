"""`python -m scaffold.coverage`: branch coverage of each member and its rules, compared with recorded floors.

Reads the data that `pytest --cov` has written. The floors are in coverage.toml, measured with each member's
own tests; a run of all tests can only cover more.
"""

import argparse
import json
import sys
import tempfile
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Self

from coverage import Coverage
from coverage.exceptions import NoDataError, NoSource

from scaffold.members import ROOT, Members

FLOORS = ROOT / "scaffold" / "coverage.toml"
RULES = "rules.py"
REQUIRED = 95.0
"""Percent that each library and the rules of each service must have."""
TOLERANCE = 0.5
"""Points by which a member may be below its floor: tests with races do not cover the same lines each time."""

_HEAD = """\
# Branch coverage in percent that each member reached with its own tests; `rules.py` are those of a service.
# `make coverage` fails if one is more than 0.5 points lower, and `make coverage MEMBER=libs/jobs WRITE=1`
# records that of a member.

[floors]
"""


@dataclass(frozen=True)
class Measured:
    """Statements and branches, and how many of them ran."""

    covered: int = 0
    all: int = 0

    def __add__(self, other: Self) -> "Measured":
        return Measured(self.covered + other.covered, self.all + other.all)

    @property
    def percent(self) -> float:
        """Percent with one digit, rounded down; 100 if there is nothing to cover."""
        return self.covered * 1000 // self.all / 10 if self.all else 100.0


def by_member(files: Mapping[str, Measured], members: Iterable[str]) -> dict[str, Measured]:
    """Add up the files of each member, and those of its `rules.py` as another row.

    A member without a measured file has a row of 0 of 1, so that it is not taken for covered.
    """
    rows: dict[str, Measured] = {}
    for member in members:
        own = {name: one for name, one in files.items() if name.startswith(f"{member}/src/")}
        rows[member] = sum(own.values(), Measured()) if own else Measured(0, 1)
        rules = [one for name, one in own.items() if PurePosixPath(name).name == RULES]
        if rules:
            rows[f"{member} {RULES}"] = sum(rules, Measured())
    return rows


def faults(rows: Mapping[str, Measured], floors: Mapping[str, float]) -> list[str]:
    """Return a line for each row that is too low or has no floor."""
    found = []
    for name, measured in rows.items():
        floor = floors.get(name)
        if floor is None:
            found.append(f"{name}: no floor is recorded; run make coverage MEMBER={name.split()[0]} WRITE=1")
        elif measured.percent < floor - TOLERANCE:
            found.append(f"{name}: {measured.percent} %, was {floor} %")
        if (name.startswith("libs/") or name.endswith(RULES)) and measured.percent < REQUIRED:
            found.append(f"{name}: {measured.percent} %, must be at least {REQUIRED} %")
    return found


def table(rows: Mapping[str, Measured], floors: Mapping[str, float]) -> str:
    """Return the table for the terminal."""
    width = max(map(len, rows))
    lines = [f"{'':{width}}  covered    of      %  floor"]
    for name, one in rows.items():
        floor = f"{floors[name]:6.1f}" if name in floors else "     –"
        lines.append(f"{name:{width}}  {one.covered:7} {one.all:5} {one.percent:6.1f} {floor}")
    return "\n".join(lines)


def recorded(floors: Mapping[str, float]) -> str:
    """Return the text of coverage.toml."""
    return _HEAD + "".join(f'"{name}" = {floors[name]:.1f}\n' for name in sorted(floors))


def measured_files(members: Iterable[str], root: Path = ROOT) -> dict[str, Measured]:
    """Read the members' files in the coverage data of the last run, by file relative to the root.

    Raises NoDataError if no run was measured, and NoSource if a file was moved since.
    """
    coverage = Coverage(config_file=str(root / "pyproject.toml"))
    coverage.load()
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "coverage.json"
        coverage.json_report(outfile=str(report), include=[f"{member}/src/*" for member in members])
        content = json.loads(report.read_text(encoding="utf-8"))
    return {
        PurePosixPath(name).as_posix(): Measured(
            one["summary"]["covered_lines"] + one["summary"]["covered_branches"],
            one["summary"]["num_statements"] + one["summary"]["num_branches"],
        )
        for name, one in content["files"].items()
    }


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return the exit status."""
    known = [
        folder for folder in Members.load().folders() if folder.partition("/")[0] in {"libs", "services"}
    ]
    known.remove("libs/testkit")  # the tests' own library: whatever no test needs is deleted, not tested
    parser = argparse.ArgumentParser(prog="python -m scaffold.coverage", description=__doc__)
    parser.add_argument("members", nargs="*", metavar="MEMBER", help="only these, e.g. libs/jobs")
    parser.add_argument("--write", action="store_true", help="record floors of the named members")
    arguments = parser.parse_args(argv)
    if unknown := set(arguments.members) - set(known):
        parser.error(f"no member: {', '.join(sorted(unknown))}")
    if arguments.write and not arguments.members:
        parser.error("a floor is measured with a member's own tests: name the member")
    try:
        files = measured_files(arguments.members or known)
    except (NoDataError, NoSource) as error:  # no data, or data of files that have been moved since
        sys.stderr.write(f"{error} Run `make coverage`.\n")
        return 2
    rows = by_member(files, arguments.members or known)
    floors: dict[str, float] = tomllib.loads(FLOORS.read_text(encoding="utf-8"))["floors"]
    if arguments.write:
        floors |= {name: one.percent for name, one in rows.items()}
        FLOORS.write_text(recorded(floors), encoding="utf-8")
    sys.stdout.write(table(rows, floors) + "\n")
    found = faults(rows, floors)
    sys.stderr.write("".join(f"{line}\n" for line in found))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
