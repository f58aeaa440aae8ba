"""Conversion of rows to facts: one load of one batch, some thousand rows at a time."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import numpy as np
import pyarrow as pa
from sqlalchemy.ext.asyncio import AsyncSession

from cockpit.directory.models import Unit
from cockpit.directory.service import Units
from cockpit.feeds.declarations import Feed
from cockpit.feeds.judging import Judged, distinct, judge, mapped
from cockpit.feeds.rules import RowError
from cockpit.intake.files import raw_of
from cockpit.intake.identities import keys_of, stripes_of
from cockpit.intake.known import Known, error_of
from cockpit.intake.members import MemberFile
from cockpit.intake.seen import Seen, digests_of
from cockpit.intake.steps import Step
from cockpit.intake.units import UnitRules
from contracts.intake import BatchFormat, BatchMode
from filekit.threads import ParsingThreads
from servicekit.db import Database

SHOWN_ROWS = 100
"""Rejected rows that a dry run answers with."""
_PLACE = ("unit_id", "unit_code", "unit_path", "region_code")
_INSTANT = pa.timestamp("ms", "UTC")


@dataclass(frozen=True)
class Origin:
    """The values shared by all facts of a load, and what its rows do to the records that count."""

    batch_id: UUID
    load_id: UUID
    source: str
    unit: Unit
    recorded_at: datetime
    mode: BatchMode = BatchMode.NEW


@dataclass(frozen=True)
class Earlier:
    """What is known of the records that count: rows to refuse, and the batches that may be named."""

    known: Known = field(default_factory=Known)
    named: frozenset[UUID] = frozenset()


@dataclass(frozen=True)
class Chunk:
    """The result for a set of rows: their facts for `FactWriter.insert`, and rejected rows."""

    facts: pa.RecordBatch | None
    accepted: int
    rejected: list[dict[str, Any]]
    notes: Counter[str] = field(default_factory=Counter)


@dataclass
class Checked:
    """What a file would become: counts, reasons, and the first rejected rows."""

    format: BatchFormat = BatchFormat.CSV
    encoding: str | None = None
    headings: list[str] = field(default_factory=list)
    files: list[MemberFile] = field(default_factory=list)
    accepted: int = 0
    rejected: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    notes: Counter[str] = field(default_factory=Counter)
    rows: list[dict[str, Any]] = field(default_factory=list)

    def add(self, chunk: Chunk) -> None:
        """Count the rows of a step."""
        self.accepted += chunk.accepted
        self.notes.update(chunk.notes)
        self.rejected += len(chunk.rejected)
        for row in chunk.rejected:
            self.reasons.update({error["code"] for error in row["errors"]})
        self.rows += chunk.rejected[: SHOWN_ROWS - len(self.rows)]


class Loader:
    """Validate rows and create facts. Memory grows by 16 bytes for each row, to find repeated ones."""

    def __init__(
        self,
        database: Database,
        units: Callable[[AsyncSession], Units],
        feed: Feed,
        names: list[str],
        origin: Origin,
        threads: ParsingThreads,
        earlier: Earlier | None = None,
    ) -> None:
        self._database = database
        self._threads = threads
        self._units_in = units
        self._feed = feed
        self._names = names
        self._origin = origin
        self._earlier = earlier or Earlier()
        self._seen = Seen()
        self._stripes: set[int] = set()
        self._units = UnitRules(database, units, feed, origin.unit)

    @property
    def stripes(self) -> set[int]:
        """Return the stripes of the units of all accepted rows, at least."""
        return self._stripes

    async def judge(self, step: Step) -> Chunk:
        """Return the facts of the valid rows, and the invalid rows with their reasons."""
        judged = await self._threads.run(judge, self._feed, self._complete(step))
        column = self._feed.unit_column
        if column is not None:
            await self._units.look_up(set(distinct(judged.values[column])))
        return await self._threads.run(self._assemble, step, judged)

    def _complete(self, step: Step) -> dict[str, pa.Array]:
        missing = [column.name for column in self._feed.columns if column.name not in step.texts]
        empty = pa.array([""] * len(step.numbers), pa.string())
        return {**step.texts, **dict.fromkeys(missing, empty)}

    def _assemble(self, step: Step, judged: Judged) -> Chunk:
        rejected = [self._rejected(one.number, one.fields, [one.error], frozenset()) for one in step.faulty]
        count = len(step.numbers)
        errors = judged.errors
        noted = self._units.judge(judged)
        good = np.ones(count, dtype=np.bool_)
        good[list(errors)] = False
        self._tell_apart(judged, good)
        notes = Counter({code: int(good[rows].sum()) for code, rows in noted.items()})
        wrong = np.flatnonzero(~good).tolist()
        if wrong:
            places = pa.array(wrong)
            columns = [step.texts[name].take(places).to_pylist() for name in self._names]
            for at, row in enumerate(wrong):
                bad = {error.column for error in errors[row]}
                valid = frozenset(at for at, name in enumerate(self._names) if name not in bad)
                fields = [column[at] for column in columns]
                rejected.append(self._rejected(step.numbers[row], fields, errors[row], valid))
        accepted = count - len(wrong)
        if not accepted:
            return Chunk(None, 0, rejected)
        values = dict(judged.values)
        if wrong:
            mask = pa.array(good)
            values = {name: column.filter(mask) for name, column in values.items()}
        return Chunk(self._facts(values, accepted), accepted, rejected, +notes)

    def _rejected(
        self, number: int, fields: list[str], errors: list[RowError], valid: frozenset[int]
    ) -> dict[str, Any]:
        return {
            "batch_id": self._origin.batch_id,
            "line": number,
            "raw": raw_of(fields, valid),
            "code": errors[0].code,
            "reason": "；".join(error.reason for error in errors),
            "errors": [
                {"code": error.code, "reason": error.reason, "column": error.column} for error in errors
            ],
        }

    def _tell_apart(self, judged: Judged, good: "np.ndarray[Any, np.dtype[np.bool_]]") -> None:
        places = np.flatnonzero(good)
        if not len(places):
            return
        taken = pa.array(places)
        values = {name: judged.values[name].take(taken) for name in self._feed.key}
        digests = digests_of(keys_of(self._feed, values, self._origin.unit.code).to_pylist())
        for row in places[self._seen.add(digests)].tolist():
            good[row] = False
            judged.errors[row] = [RowError("duplicate_row", "与本批次中此前的一行重复")]
        column = next(name for name in self._feed.key if name != self._feed.unit_column)
        for at, refusal in self._earlier.known.find(digests).items():
            row = int(places[at])
            if good[row]:
                good[row] = False
                error = error_of(refusal, self._origin.mode, column, self._earlier.named)
                judged.errors[row] = [error]

    def _facts(self, values: dict[str, pa.Array], count: int) -> pa.RecordBatch:
        origin, feed = self._origin, self._feed

        def same(value: str) -> pa.Array:
            zeros = pa.array(np.zeros(count, dtype=np.int8))
            return pa.DictionaryArray.from_arrays(zeros, pa.array([value]))

        facts = {
            "batch_id": same(str(origin.batch_id)),
            "load_id": same(str(origin.load_id)),
            "source": same(origin.source),
            "scope": values["scope"] if feed.scope is None else same(feed.scope),
            **self._places(values, same),
            "year": values[feed.year],
            "sign": pa.array(np.ones(count, dtype=np.int8)),
            "recorded_at": pa.array(
                np.full(count, int(origin.recorded_at.timestamp() * 1000), dtype=np.int64)
            ).cast(_INSTANT),
            **{column.stored: _filled(values[column.name]) for column in feed.measures},
            **{name: derive(values) for name, derive in feed.derived.items()},
        }
        return pa.RecordBatch.from_pydict(facts)

    def _places(self, values: dict[str, pa.Array], same: Callable[[str], pa.Array]) -> dict[str, pa.Array]:
        """Return where the facts belong: the unit of each row, with its place in both trees at intake."""
        column = self._feed.unit_column
        if column is None:
            self._stripes |= stripes_of([self._origin.unit.code])
            return {name: same(text) for name, text in _place(self._origin.unit).items()}
        units = {code: self._units.get(code) for code in distinct(values[column])}
        places = {code: _place(unit) for code, unit in units.items() if unit is not None}
        self._stripes |= stripes_of(list(places))

        def texts(name: str) -> pa.Array:
            return mapped(values[column], lambda code: places[code][name], pa.string())

        return {name: texts(name) for name in _PLACE}


def _place(unit: Unit) -> dict[str, str]:
    texts = (str(unit.id), unit.code, unit.path, unit.region_code or "")
    return dict(zip(_PLACE, texts, strict=True))


def _filled(column: pa.Array) -> pa.Array:
    """Return texts with an empty one for none: facts have no null texts."""
    return column.fill_null("") if pa.types.is_string(column.type) else column
