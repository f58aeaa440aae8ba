"""The tables in ClickHouse, as a list of versions.

Never change a released version. Every statement is repeatable, because two processes may start at the same
time and a killed process may leave a version half applied.

Facts are append-only: `sign` is 1, or -1 in a fact that reverses another. `load_id` identifies the attempt
of a batch (or its reversal) that wrote the fact: a fact counts only if its load is in `counted_loads`
(`cockpit.cells.building`). Amounts are yuan, exact to the fen.
"""

VERSION_TABLE = """
CREATE TABLE IF NOT EXISTS schema_version (
    version UInt32,
    applied_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC')
) ENGINE = MergeTree ORDER BY version
"""

_ORIGIN = """
    batch_id UUID,
    load_id UUID,
    source LowCardinality(String),
    scope LowCardinality(String) COMMENT '口径',
    unit_id UUID,
    unit_code String,
    unit_path String COMMENT 'authority path at intake',
    region_code LowCardinality(String) COMMENT 'territory at intake, empty when the unit has none',
    year UInt16,
    sign Int8,
    recorded_at DateTime64(3, 'UTC'),
    INDEX by_load load_id TYPE bloom_filter
"""

# Pruned by dropping partitions of years that are no longer kept.
_AWARD_FACTS = f"""
CREATE TABLE IF NOT EXISTS award_facts (
    {_ORIGIN},
    record_id String,
    term LowCardinality(String),
    stage LowCardinality(String),
    programme LowCardinality(String),
    funding LowCardinality(String),
    person_token String,
    amount Decimal(20, 2) COMMENT 'yuan'
) ENGINE = MergeTree PARTITION BY year
ORDER BY (unit_path, region_code, stage, programme, funding, recorded_at)
"""

# A few rows per published table: neither partitioned nor pruned.
_AGGREGATE_FACTS = f"""
CREATE TABLE IF NOT EXISTS aggregate_facts (
    {_ORIGIN},
    stage LowCardinality(String),
    funding LowCardinality(String),
    is_total Bool COMMENT 'published as a total: never added to its parts',
    amount Decimal(20, 2) COMMENT 'yuan',
    share_percent Nullable(Decimal(9, 4)),
    persons Nullable(Int64)
) ENGINE = MergeTree ORDER BY (unit_path, year, scope, funding, stage, recorded_at)
"""

# A set: a load may be listed twice.
_COUNTED_LOADS = """
CREATE TABLE IF NOT EXISTS counted_loads (
    load_id UUID
) ENGINE = MergeTree ORDER BY load_id
"""

COUNTED = "load_id IN (SELECT load_id FROM counted_loads)"
"""The condition of every query over facts that count. Call `CellBuilder.mark` before such a query."""

MIGRATIONS: tuple[tuple[int, tuple[str, ...]], ...] = (
    (1, (_AWARD_FACTS, _AGGREGATE_FACTS)),
    (2, (_COUNTED_LOADS,)),
)
