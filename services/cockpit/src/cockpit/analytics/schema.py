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

_PUBLISHED_MORE = """
ALTER TABLE aggregate_facts
    ADD COLUMN IF NOT EXISTS programme LowCardinality(String),
    ADD COLUMN IF NOT EXISTS region_group LowCardinality(String),
    ADD COLUMN IF NOT EXISTS person_times Nullable(Int64),
    ADD COLUMN IF NOT EXISTS note String
"""
_ENROLMENT_FACTS = f"""
CREATE TABLE IF NOT EXISTS enrolment_facts (
    {_ORIGIN},
    person_token String,
    stage LowCardinality(String),
    grade LowCardinality(String),
    entered_on Date32,
    left_on Nullable(Date32),
    state LowCardinality(String),
    nature LowCardinality(String),
    residence LowCardinality(String),
    boarding LowCardinality(String)
) ENGINE = MergeTree PARTITION BY year
ORDER BY (unit_path, region_code, stage, recorded_at)
"""
_HARDSHIP_FACTS = f"""
CREATE TABLE IF NOT EXISTS hardship_facts (
    {_ORIGIN},
    person_token String,
    stage LowCardinality(String),
    list_source LowCardinality(String),
    hardship_type LowCardinality(String),
    hardship_level LowCardinality(String),
    valid_from Date32,
    valid_to Nullable(Date32)
) ENGINE = MergeTree PARTITION BY year
ORDER BY (unit_path, region_code, stage, hardship_type, hardship_level, recorded_at)
"""
_PAYMENT_FACTS = f"""
CREATE TABLE IF NOT EXISTS payment_facts (
    {_ORIGIN},
    record_id String,
    award_record_id String,
    stage LowCardinality(String),
    programme LowCardinality(String),
    funding LowCardinality(String),
    person_token String,
    amount Decimal(20, 2) COMMENT 'yuan',
    due_on Date32,
    paid_on Nullable(Date32),
    state LowCardinality(String),
    card_token String,
    reversal_of String
) ENGINE = MergeTree PARTITION BY year
ORDER BY (unit_path, region_code, stage, programme, funding, recorded_at)
"""
_FUND_FLOW_FACTS = f"""
CREATE TABLE IF NOT EXISTS fund_flow_facts (
    {_ORIGIN},
    record_id String,
    document_number String,
    programme LowCardinality(String),
    funding LowCardinality(String),
    flow_kind LowCardinality(String),
    from_level LowCardinality(String),
    to_level LowCardinality(String),
    amount Decimal(20, 2) COMMENT 'yuan',
    moved_on Date32
) ENGINE = MergeTree PARTITION BY year
ORDER BY (unit_path, region_code, programme, funding, recorded_at)
"""
_LOAN_FACTS = f"""
CREATE TABLE IF NOT EXISTS loan_facts (
    {_ORIGIN},
    record_id String,
    person_token String,
    stage LowCardinality(String),
    loan_kind LowCardinality(String),
    bank LowCardinality(String),
    amount Decimal(20, 2) COMMENT 'yuan',
    granted_on Date32,
    balance Decimal(20, 2) COMMENT 'yuan',
    state LowCardinality(String)
) ENGINE = MergeTree PARTITION BY year
ORDER BY (unit_path, region_code, stage, loan_kind, recorded_at)
"""
_FEEDS = (
    _PUBLISHED_MORE,
    _ENROLMENT_FACTS,
    _HARDSHIP_FACTS,
    _PAYMENT_FACTS,
    _FUND_FLOW_FACTS,
    _LOAN_FACTS,
)


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
    (3, _FEEDS),
)
