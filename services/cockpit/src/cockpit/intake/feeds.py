"""Declarations of the feeds: columns, their values, and the fact created from a row."""

import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from cockpit.intake import rules
from cockpit.intake.rules import Parser, RowError, optional, required
from contracts.vocabulary import Kind, Level, Vocabulary


class FeedName(Vocabulary):
    """The feeds (数据源)."""

    PUBLISHED_AGGREGATE = "published_aggregate", "已发布的汇总数据"
    AWARD = "award", "资助明细"


Row = Mapping[str, Any]

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
"""What every fact carries, in the order in which `cockpit.intake.loading` writes it."""


@dataclass(frozen=True)
class Parsed:
    """A row: the values of its valid columns, and everything that is wrong with it."""

    row: dict[str, Any]
    errors: list[RowError]


def _nothing_wrong(_: Row) -> list[RowError]:
    return []


def _folded(heading: str) -> str:
    return unicodedata.normalize("NFKC", heading.strip("\ufeff \t\r\n\u3000\u00a0"))


@dataclass(frozen=True)
class Column:
    """A column: its name, its accepted Chinese name, and its parser."""

    name: str
    chinese: str
    parse: Parser


@dataclass(frozen=True)
class Feed:
    """A kind of file.

    `scope` is the 口径 of its facts, None if each row has its own. `unit_column` holds the unit of a row,
    None if all rows belong to the batch's unit. `key` identifies rows within a batch. `check` compares the
    values of a row with each other.
    """

    name: FeedName
    columns: tuple[Column, ...]
    table: str
    measures: tuple[str, ...]
    measure: Callable[[Row], tuple[Any, ...]]
    key: Callable[[Row], tuple[Any, ...]]
    check: Callable[[Row], list[RowError]] = _nothing_wrong
    scope: str | None = None
    unit_column: str | None = None

    @property
    def title(self) -> str:
        """The Chinese name."""
        return self.name.label

    def name_of(self, heading: str) -> str | None:
        """Return the column for a heading, or None; brackets and letters may be full or half width."""
        return self._names.get(_folded(heading))

    @cached_property
    def _names(self) -> dict[str, str]:
        return {
            _folded(word): column.name for column in self.columns for word in (column.name, column.chinese)
        }

    def parse(self, names: Sequence[str], fields: Sequence[str]) -> "Parsed":
        """Parse a row whose fields are in the order of `names`; empty fields may follow them."""
        if len(fields) < len(names) or any(field.strip() for field in fields[len(names) :]):
            wrong = RowError("wrong_field_count", f"应有 {len(names)} 列，实有 {len(fields)} 列")
            return Parsed({}, [wrong])
        given = dict(zip(names, fields, strict=False))
        row: dict[str, Any] = {}
        errors: list[RowError] = []
        for column in self.columns:
            try:
                row[column.name] = column.parse(given[column.name].strip())
            except RowError as bad:
                errors.append(RowError(bad.code, f"{column.chinese}：{bad.reason}", column.name))
        if not errors:
            errors += self.check(row)
        return Parsed(row, errors)


PUBLISHED_AGGREGATE = Feed(
    name=FeedName.PUBLISHED_AGGREGATE,
    columns=(
        Column("year", "年度", required(rules.year)),
        Column("scope", "口径", required(rules.text(200, "口径"))),
        Column("stage", "学段", required(rules.one_of(rules.PUBLISHED_STAGES, "unknown_stage", "学段"))),
        Column(
            "funding",
            "资金来源",
            required(rules.one_of(rules.PUBLISHED_FUNDING, "unknown_funding", "资金来源")),
        ),
        Column("amount_100m_cny", "金额（亿元）", required(rules.yi_yuan)),
        Column("share_percent", "占比（%）", optional(rules.percent)),
        Column("persons_10k", "人数（万）", optional(rules.wan_persons)),
    ),
    table="aggregate_facts",
    measures=("stage", "funding", "is_total", "amount", "share_percent", "persons"),
    measure=lambda row: (
        row["stage"],
        row["funding"],
        row["stage"] == rules.TOTAL,
        row["amount_100m_cny"],
        row["share_percent"],
        row["persons_10k"],
    ),
    key=lambda row: (row["year"], row["scope"], row["stage"], row["funding"]),
)

AWARD = Feed(
    name=FeedName.AWARD,
    columns=(
        Column("record_id", "记录编号", required(rules.record_id)),
        Column("unit_code", "单位代码", required(rules.unit_code)),
        Column("year", "年度", required(rules.year)),
        Column("term", "学期", required(rules.one_of(rules.TERMS, "unknown_term", "学期"))),
        Column("stage", "学段", required(rules.one_of(rules.STAGES, "unknown_stage", "学段"))),
        Column("programme", "资助项目", required(rules.text(64, "资助项目"))),
        Column("funding", "资金来源", required(rules.one_of(rules.FUNDING, "unknown_funding", "资金来源"))),
        Column("person_token", "人员标识", required(rules.person_token)),
        Column("amount", "金额（元）", required(rules.yuan)),
    ),
    table="award_facts",
    measures=("record_id", "term", "stage", "programme", "funding", "person_token", "amount"),
    measure=lambda row: (
        row["record_id"],
        row["term"],
        row["stage"],
        row["programme"],
        row["funding"],
        row["person_token"],
        row["amount"],
    ),
    key=lambda row: (row["record_id"],),
    scope="资助明细：按自然年度、逐笔发放记录统计",
    unit_column="unit_code",
)

FEEDS: dict[FeedName, Feed] = {feed.name: feed for feed in (PUBLISHED_AGGREGATE, AWARD)}

AWARDING_LEVELS = (Level.SCHOOL, Level.COUNTY)
AWARDING_KINDS = (Kind.SCHOOL, Kind.STUDENT_AID)
"""Whose awards may be taken in: schools', and counties' aid offices'."""


def feed_of(name: str) -> Feed:
    """Return the feed of a stored batch."""
    return next(feed for feed in FEEDS.values() if feed.name == name)
