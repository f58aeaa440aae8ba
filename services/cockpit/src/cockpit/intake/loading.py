"""Conversion of rows to facts: one load of one batch, a few thousand rows at a time."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from cockpit.directory.models import Unit
from cockpit.directory.service import Units
from cockpit.intake.facts import instant_of, line_of
from cockpit.intake.feeds import AWARDING_KINDS, AWARDING_LEVELS, ORIGIN_COLUMNS, Feed, Parsed
from cockpit.intake.files import raw_of
from cockpit.intake.lines import NumberedLine, fields_of
from cockpit.intake.rules import RowError
from filekit.threads import ParsingThreads
from servicekit.db import Database
from servicekit.ltree import is_under

_MAX_CACHED_UNITS = 50_000


@dataclass(frozen=True)
class Candidate:
    """A line with its fields, and what they mean."""

    number: int
    fields: list[str]
    parsed: Parsed


@dataclass(frozen=True)
class Origin:
    """The values shared by all facts of a load."""

    batch_id: UUID
    load_id: UUID
    source: str
    unit: Unit
    recorded_at: datetime


@dataclass(frozen=True)
class Chunk:
    """The result for a set of rows: facts as lines for `FactWriter.insert`, and rejected rows."""

    facts: bytes
    accepted: int
    rejected: list[dict[str, Any]]


class Loader:
    """Validate rows and create facts.

    Memory grows by 16 bytes per accepted row, to detect repeated records; the upload size limit bounds it.
    """

    def __init__(
        self,
        database: Database,
        units: Callable[[AsyncSession], Units],
        feed: Feed,
        names: list[str],
        origin: Origin,
        threads: ParsingThreads,
    ) -> None:
        self._database = database
        self._threads = threads
        self._units_in = units
        self._feed = feed
        self._names = names
        self._origin = origin
        self._recorded_at = instant_of(origin.recorded_at)
        self._seen: set[bytes] = set()
        self._units: dict[str, Unit | None] = {}

    @property
    def columns(self) -> tuple[str, ...]:
        """Return the columns of the facts."""
        return (*ORIGIN_COLUMNS, *self._feed.measures)

    async def judge(self, lines: list[NumberedLine]) -> Chunk:
        """Return the facts of the valid rows, and the invalid rows with their reasons."""
        parsed = await self._threads.run(self._parse, lines)
        column = self._feed.unit_column
        if column is not None:
            await self._look_up({one.parsed.row[column] for one in parsed if column in one.parsed.row})
        return await self._threads.run(self._assemble, parsed)

    def _assemble(self, candidates: list[Candidate]) -> Chunk:
        column = self._feed.unit_column
        facts: list[bytes] = []
        rejected: list[dict[str, Any]] = []
        for one in candidates:
            row, errors = one.parsed.row, list(one.parsed.errors)
            unit: Unit | None = self._origin.unit
            if column is not None:
                unit = self._unit(row[column], errors) if column in row else None
            if not errors:
                self._tell_apart(row, errors)
            if errors or unit is None:
                rejected.append(self._rejected(one, errors))
            else:
                facts.append(line_of(self._fact(row, unit)))
        return Chunk(b"".join(facts), len(facts), rejected)

    def _rejected(self, one: Candidate, errors: list[RowError]) -> dict[str, Any]:
        wrong = {error.column for error in errors}
        valid = {at for at, name in enumerate(self._names) if name in one.parsed.row and name not in wrong}
        return {
            "batch_id": self._origin.batch_id,
            "line": one.number,
            "raw": raw_of(one.fields, valid),
            "code": errors[0].code,
            "reason": "；".join(error.reason for error in errors),
            "errors": [
                {"code": error.code, "reason": error.reason, "column": error.column} for error in errors
            ],
        }

    def _parse(self, lines: list[NumberedLine]) -> list[Candidate]:
        found: list[Candidate] = []
        for number, text in lines:
            try:
                fields = fields_of(text)
            except RowError as bad:
                found.append(Candidate(number, [text], Parsed({}, [bad])))
            else:
                found.append(Candidate(number, fields, self._feed.parse(self._names, fields)))
        return found

    async def _look_up(self, codes: set[str]) -> None:
        if len(self._units) > _MAX_CACHED_UNITS:
            self._units.clear()
        unknown = codes - self._units.keys()
        if unknown:
            async with self._database.transaction() as session:
                found = await self._units_in(session).by_codes(unknown)
            self._units.update({code: found.get(code) for code in unknown})

    def _unit(self, code: str, errors: list[RowError]) -> Unit | None:
        column = self._feed.unit_column
        unit = self._units[code]
        if unit is None:
            errors.append(RowError("unknown_unit", "单位代码：单位代码不存在", column))
        elif not is_under(unit.path, self._origin.unit.path):
            errors.append(
                RowError("unit_out_of_batch", "单位代码：该单位不在本批次所属单位管辖范围内", column)
            )
        elif unit.level not in AWARDING_LEVELS or unit.kind not in AWARDING_KINDS:
            errors.append(RowError("unit_not_awarding", "单位代码：应为学校或县级学生资助管理部门", column))
        return unit

    def _tell_apart(self, row: dict[str, Any], errors: list[RowError]) -> None:
        digest = blake2b(repr(self._feed.key(row)).encode(), digest_size=16).digest()
        if digest in self._seen:
            errors.append(RowError("duplicate_row", "与本批次中此前的一行重复"))
        self._seen.add(digest)

    def _fact(self, row: dict[str, Any], unit: Unit) -> tuple[Any, ...]:
        origin = self._origin
        return (
            origin.batch_id,
            origin.load_id,
            origin.source,
            row["scope"] if self._feed.scope is None else self._feed.scope,
            unit.id,
            unit.code,
            unit.path,
            unit.region_code or "",
            row["year"],
            1,
            self._recorded_at,
            *self._feed.measure(row),
        )
