"""What the declaration of a feed says."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import pyarrow as pa

from cockpit.feeds.columns import Check, Column, folded
from contracts.vocabulary import Vocabulary


class FeedName(Vocabulary):
    """The feeds (数据源)."""

    PUBLISHED_AGGREGATE = "published_aggregate", "已发布的汇总数据"
    AWARD = "award", "资助明细"
    ENROLMENT = "enrolment", "在籍学生"
    HARDSHIP = "hardship", "困难学生名单"
    PAYMENT = "payment", "资金发放"
    FUND_FLOW = "fund_flow", "资金下达与拨付"
    LOAN = "loan", "国家助学贷款"


ORIGIN_COLUMNS = (
    "batch_id",
    "load_id",
    "source",
    "scope",
    "unit_id",
    "unit_code",
    "unit_path",
    "region_code",
    "year",
    "sign",
    "recorded_at",
)
"""What every fact carries."""


@dataclass(frozen=True)
class Feed:
    """A kind of file.

    `scope` is the 口径 of its facts, None if each row has its own. `unit_column` holds the unit of a row,
    None if all rows belong to the batch's unit; `any_unit` allows offices of every level. The columns of
    `key` identify a record within a unit, in whatever batch it comes; with `editions`, within one batch,
    because each is an edition of its own. `derived` are facts' columns that follow from others.
    """

    name: FeedName
    meaning: str
    columns: tuple[Column, ...]
    table: str
    key: tuple[str, ...]
    year: str = "year"
    checks: tuple[Check, ...] = ()
    scope: str | None = None
    unit_column: str | None = None
    any_unit: bool = False
    editions: bool = False
    derived: Mapping[str, Callable[[Mapping[str, pa.Array]], pa.Array]] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """The Chinese name."""
        return self.name.label

    @cached_property
    def by_name(self) -> dict[str, Column]:
        """The columns by their names."""
        return {column.name: column for column in self.columns}

    @cached_property
    def measures(self) -> tuple[Column, ...]:
        """The columns that facts have besides those of their origin."""
        origin = {self.year, self.unit_column, None if self.scope else "scope"}
        return tuple(column for column in self.columns if column.name not in origin)

    def stored(self, name: str) -> str:
        """Return the facts' column of a column."""
        if name == self.unit_column:
            return "unit_code"
        return "year" if name == self.year else self.by_name[name].stored

    @cached_property
    def identity(self) -> tuple[str, ...]:
        """The facts' columns that identify a record among all facts of the feed."""
        return ("unit_code", *(self.stored(name) for name in self.key if name != self.unit_column))

    @cached_property
    def content(self) -> tuple[str, ...]:
        """The facts' columns that a file decides on: equal in two rows that say the same."""
        return tuple(dict.fromkeys(self.stored(column.name) for column in self.columns))

    @cached_property
    def facts(self) -> tuple[str, ...]:
        """All of the facts' columns."""
        return (*ORIGIN_COLUMNS, *(column.stored for column in self.measures), *self.derived)

    def name_of(self, heading: str) -> str | None:
        """Return the column for a heading, or None; brackets and letters may be full or half width."""
        return self._names.get(folded(heading))

    @cached_property
    def _names(self) -> dict[str, str]:
        return {
            folded(word): column.name for column in self.columns for word in (column.name, column.chinese)
        }
