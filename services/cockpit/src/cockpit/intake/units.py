"""Which unit a row is about, and whether it could have such a record on the days of the row."""

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from sqlalchemy.ext.asyncio import AsyncSession

from cockpit.directory.models import Unit
from cockpit.directory.past import Past
from cockpit.directory.service import Units
from cockpit.feeds.crosschecks import SPANS, UNIT_CLOSED, UNIT_NOT_YET, Severity, check_of, span_of
from cockpit.feeds.declarations import AWARDING_KINDS, AWARDING_LEVELS, Feed
from cockpit.feeds.judging import Judged, distinct, mapped
from cockpit.feeds.rules import RowError
from contracts.vocabulary import Kind
from servicekit.db import Database
from servicekit.ltree import is_under

_MAX_CACHED = 50_000
_REGISTERED = timedelta(days=31)
"""Units registered so soon after the first one came with it: nothing says when they were founded."""
Rows = NDArray[np.intp]


class UnitRules:
    """The units of the rows of one load."""

    def __init__(
        self, database: Database, units: Callable[[AsyncSession], Units], feed: Feed, batch_unit: Unit
    ) -> None:
        self._database = database
        self._units_in = units
        self._feed = feed
        self._batch_unit = batch_unit
        self._units: dict[str, Unit | None] = {}
        self._pasts: dict[str, Past] = {}
        self._directory: Past | None = None

    def get(self, code: str) -> Unit | None:
        """Return a unit that was looked up."""
        return self._units[code]

    async def look_up(self, codes: set[str]) -> None:
        """Read the units with these codes, and what they were, unless they are known."""
        if len(self._units) > _MAX_CACHED:
            self._units.clear()
            self._pasts.clear()
        unknown = codes - self._units.keys()
        if not unknown:
            return
        root = self._batch_unit.path.split(".")[0]
        async with self._database.transaction() as session:
            units = self._units_in(session)
            found = await units.by_codes(unknown if self._directory else unknown | {root})
            pasts = await units.pasts(found.values())
        self._directory = self._directory or pasts.get(root) or Past((), None)
        self._units.update({code: found.get(code) for code in unknown})
        self._pasts.update(pasts)

    def judge(self, judged: Judged) -> Mapping[str, Rows]:
        """Add the errors of rows about units; return the rows with notes, by code."""
        column = self._feed.unit_column
        if column is None:
            return {}
        codes = judged.values[column]
        errors: dict[str, RowError] = {}
        dated: list[str] = []
        for code in distinct(codes):
            error = self._error(code)
            if error is not None and not self._dated(code):
                errors[code] = error
            elif error is not None or self._varies(code):
                dated.append(code)
        if errors:
            for row, code in _rows_of(codes, errors.__contains__):
                judged.errors.setdefault(row, []).append(errors[code])
        return self._judge_dates(judged, codes, set(dated)) if dated else {}

    def _judge_dates(self, judged: Judged, codes: pa.Array, dated: set[str]) -> Mapping[str, Rows]:
        places = list(_rows_of(codes, dated.__contains__))
        taken = pa.array([row for row, _ in places])
        columns = {
            name: judged.values[name].take(taken).to_pylist() for name in SPANS[self._feed.name].columns
        }
        noted: dict[str, list[int]] = {}
        names, known = list(columns), dict[tuple[Any, ...], tuple[RowError | None, str | None]]()
        for (row, code), *values in zip(places, *columns.values(), strict=True):
            key = (code, *values)
            if key not in known:
                span = span_of(self._feed.name, dict(zip(names, values, strict=True)))
                known[key] = (None, None) if span is None else self._on(code, *span)
            error, note = known[key]
            if error is not None:
                judged.errors.setdefault(row, []).append(error)
            elif note is not None:
                noted.setdefault(note, []).append(row)
        return {note: np.array(rows, dtype=np.intp) for note, rows in noted.items()}

    def _on(self, code: str, first: date, last: date) -> tuple[RowError | None, str | None]:
        """Return the error, or the code of a note, of a fact about these days."""
        past, column = self._pasts[code], self._feed.unit_column
        closed = past.closed(first, last)
        if closed is not None:
            check = check_of(self._feed.name, UNIT_CLOSED)
            assert check is not None
            if check.severity is Severity.NOTE:
                return None, UNIT_CLOSED
            return RowError(UNIT_CLOSED, f"单位代码：该单位已于 {closed} 撤销，{check.why}", column), None
        error = self._error(code)
        if error is not None and not any(
            self._may(stay.level, stay.kind) for stay in past.during(first, last)
        ):
            return error, None
        late = self._late(code)
        return None, UNIT_NOT_YET if late is not None and late[0] <= last < late[1] else None

    def _dated(self, code: str) -> bool:
        """Return whether the unit is refused for what it is now, and was something else."""
        return self._units[code] is not None and self._reachable(code) and not self._pasts[code].constant

    def _varies(self, code: str) -> bool:
        return self._late(code) is not None or not all(stay.active for stay in self._pasts[code].stays)

    def _late(self, code: str) -> tuple[date, date] | None:
        """Return since when there is a directory, and since when the unit is in it, if it came later."""
        began = None if self._directory is None else self._directory.begun
        begun = self._pasts[code].begun
        if began is None or begun is None or begun <= began + _REGISTERED:
            return None
        return began, begun

    def _reachable(self, code: str) -> bool:
        unit = self._units[code]
        return unit is not None and is_under(unit.path, self._batch_unit.path)

    def _error(self, code: str) -> RowError | None:
        """Return why the unit cannot have such records as it is now."""
        column, unit = self._feed.unit_column, self._units[code]
        if unit is None:
            return RowError("unknown_unit", "单位代码：单位代码不存在", column)
        if not self._reachable(code):
            return RowError("unit_out_of_batch", "单位代码：该单位不在本批次所属单位管辖范围内", column)
        if not self._may(unit.level, unit.kind):
            which = "学校或学生资助管理部门" if self._feed.any_unit else "学校或县级学生资助管理部门"
            return RowError("unit_not_awarding", f"单位代码：应为{which}", column)
        return None

    def _may(self, level: str, kind: str) -> bool:
        """Return whether units of this level and kind have such records."""
        if self._feed.any_unit:
            return kind != Kind.NUTRITION
        return level in AWARDING_LEVELS and kind in AWARDING_KINDS


def _rows_of(codes: pa.Array, wanted: Callable[[Any], bool]) -> list[tuple[int, str]]:
    """Return the rows with the wanted codes, and these."""
    found = mapped(codes, wanted, pa.bool_()).fill_null(False)
    places = np.flatnonzero(found.to_numpy(zero_copy_only=False))
    return list(zip(places.tolist(), codes.take(pa.array(places)).to_pylist(), strict=True))
