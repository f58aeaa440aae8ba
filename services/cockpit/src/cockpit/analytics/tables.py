"""The tables of facts and what has been changed of them: the one source of the DDL of every profile.

Never change what a released version says. A profile (`cockpit.analytics.profiles`) turns each change into
statements, all of which are repeatable, because two processes may start at the same time and a killed process
may leave a version half applied.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Column:
    """A column: name, type of ClickHouse, and comment."""

    name: str
    type: str
    comment: str = ""

    @property
    def ddl(self) -> str:
        """The column in a statement."""
        return f"{self.name} {self.type}" + (f" COMMENT '{self.comment}'" if self.comment else "")


@dataclass(frozen=True)
class Table:
    """A new table. `order_by` is its key; `index` is a data-skipping index.

    A table is sharded by the region of its facts, unless it is `everywhere`: then each node has all of it.
    """

    name: str
    columns: tuple[Column, ...]
    order_by: tuple[str, ...]
    partition_by: str | None = None
    index: str | None = None
    everywhere: bool = False


@dataclass(frozen=True)
class AddColumns:
    """Further columns of a table."""

    table: str
    columns: tuple[Column, ...]


@dataclass(frozen=True)
class AddIndex:
    """A further data-skipping index of a table of facts, by its name and what it is."""

    table: str
    name: str
    index: str


Change = Table | AddColumns | AddIndex

_WORD = "LowCardinality(String)"
_YUAN = "Decimal(20, 2)"
_LOAD = "by_load load_id TYPE bloom_filter"

ORIGIN = (
    Column("batch_id", "UUID"),
    Column("load_id", "UUID"),
    Column("source", _WORD),
    Column("scope", _WORD, "口径"),
    Column("unit_id", "UUID"),
    Column("unit_code", "String"),
    Column("unit_path", "String", "authority path at intake"),
    Column("region_code", _WORD, "territory at intake, empty when the unit has none"),
    Column("year", "UInt16"),
    Column("sign", "Int8"),
    Column("recorded_at", "DateTime64(3, 'UTC')"),
)
"""What every fact carries."""

SHARDED_BY = "cityHash64(if(region_code = '', unit_code, region_code))"
"""The shard of a fact: all facts of a county are on one, and a county without a region goes by its code."""


def _facts(name: str, *columns: Column, key: tuple[str, ...]) -> Table:
    """Return a table of facts, pruned by dropping partitions of years that are no longer kept."""
    order = ("unit_path", "region_code", *key, "recorded_at")
    return Table(name, (*ORIGIN, *columns), order, partition_by="year", index=_LOAD)


SCHEMA_VERSION = Table(
    "schema_version",
    (Column("version", "UInt32"), Column("applied_at", "DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC')")),
    ("version",),
    everywhere=True,
)

_AWARDS = _facts(
    "award_facts",
    Column("record_id", "String"),
    Column("term", _WORD),
    Column("stage", _WORD),
    Column("programme", _WORD),
    Column("funding", _WORD),
    Column("person_token", "String"),
    Column("amount", _YUAN, "yuan"),
    key=("stage", "programme", "funding"),
)
# A few rows per published table: neither partitioned nor pruned.
_AGGREGATES = Table(
    "aggregate_facts",
    (
        *ORIGIN,
        Column("stage", _WORD),
        Column("funding", _WORD),
        Column("is_total", "Bool", "published as a total: never added to its parts"),
        Column("amount", _YUAN, "yuan"),
        Column("share_percent", "Nullable(Decimal(9, 4))"),
        Column("persons", "Nullable(Int64)"),
    ),
    ("unit_path", "year", "scope", "funding", "stage", "recorded_at"),
    index=_LOAD,
)
# A set: a load may be listed twice.
_COUNTED_LOADS = Table("counted_loads", (Column("load_id", "UUID"),), ("load_id",), everywhere=True)
_PUBLISHED_MORE = AddColumns(
    "aggregate_facts",
    (
        Column("programme", _WORD),
        Column("region_group", _WORD),
        Column("person_times", "Nullable(Int64)"),
        Column("note", "String"),
    ),
)
_ENROLMENTS = _facts(
    "enrolment_facts",
    Column("person_token", "String"),
    Column("stage", _WORD),
    Column("grade", _WORD),
    Column("entered_on", "Date32"),
    Column("left_on", "Nullable(Date32)"),
    Column("state", _WORD),
    Column("nature", _WORD),
    Column("residence", _WORD),
    Column("boarding", _WORD),
    key=("stage",),
)
_HARDSHIPS = _facts(
    "hardship_facts",
    Column("person_token", "String"),
    Column("stage", _WORD),
    Column("list_source", _WORD),
    Column("hardship_type", _WORD),
    Column("hardship_level", _WORD),
    Column("valid_from", "Date32"),
    Column("valid_to", "Nullable(Date32)"),
    key=("stage", "hardship_type", "hardship_level"),
)
_PAYMENTS = _facts(
    "payment_facts",
    Column("record_id", "String"),
    Column("award_record_id", "String"),
    Column("stage", _WORD),
    Column("programme", _WORD),
    Column("funding", _WORD),
    Column("person_token", "String"),
    Column("amount", _YUAN, "yuan"),
    Column("due_on", "Date32"),
    Column("paid_on", "Nullable(Date32)"),
    Column("state", _WORD),
    Column("card_token", "String"),
    Column("reversal_of", "String"),
    key=("stage", "programme", "funding"),
)
_FUND_FLOWS = _facts(
    "fund_flow_facts",
    Column("record_id", "String"),
    Column("document_number", "String"),
    Column("programme", _WORD),
    Column("funding", _WORD),
    Column("flow_kind", _WORD),
    Column("from_level", _WORD),
    Column("to_level", _WORD),
    Column("amount", _YUAN, "yuan"),
    Column("moved_on", "Date32"),
    key=("programme", "funding"),
)
_LOANS = _facts(
    "loan_facts",
    Column("record_id", "String"),
    Column("person_token", "String"),
    Column("stage", _WORD),
    Column("loan_kind", _WORD),
    Column("bank", _WORD),
    Column("amount", _YUAN, "yuan"),
    Column("granted_on", "Date32"),
    Column("balance", _YUAN, "yuan"),
    Column("state", _WORD),
    key=("stage", "loan_kind"),
)

_FACTS = (_AWARDS, _AGGREGATES, _ENROLMENTS, _HARDSHIPS, _PAYMENTS, _FUND_FLOWS, _LOANS)

VERSIONS: tuple[tuple[int, tuple[Change, ...]], ...] = (
    (1, (_AWARDS, _AGGREGATES)),
    (2, (_COUNTED_LOADS,)),
    (3, (_PUBLISHED_MORE, _ENROLMENTS, _HARDSHIPS, _PAYMENTS, _FUND_FLOWS, _LOANS)),
    # The facts of a unit are close to each other, in the order of its path; but it may have had several.
    (4, tuple(AddIndex(table.name, "by_unit", "unit_code TYPE minmax GRANULARITY 1") for table in _FACTS)),
)

EVERYWHERE = frozenset(
    change.name
    for _, changes in (*VERSIONS, (0, (SCHEMA_VERSION,)))
    for change in changes
    if isinstance(change, Table) and change.everywhere
)
"""The tables that each node has all of."""
