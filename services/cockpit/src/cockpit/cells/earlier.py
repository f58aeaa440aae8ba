"""The tables of the first version of the cells, which the release before this one reads and writes.

They serve it while an upgrade is under way, and after a return to it. The release after this one drops them.
"""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Numeric,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY

from cockpit.base import Base

_TIME = DateTime(timezone=True)

CELLS = Table(
    "cells",
    Base.metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("node_id", Integer, ForeignKey("cell_nodes.id"), nullable=False),
    *(Column(name, Text, nullable=False) for name in ("feed", "calendar")),
    Column("period", Text, nullable=False, comment="2017, or 2017-spring"),
    *(Column(name, Text, nullable=False) for name in ("stage", "programme", "funding")),
    Column("amount", Numeric(22, 2), nullable=False, comment="yuan"),
    Column("times", BigInteger, nullable=False, comment="facts less reversals"),
    Column("persons", BigInteger, nullable=False, comment="distinct, from cell_persons"),
    CheckConstraint("calendar IN ('year','school_year','term')", name="calendar_known"),
    UniqueConstraint("node_id", "feed", "calendar", "period", "stage", "programme", "funding"),
)
CELL_PERSONS = Table(
    "cell_persons",
    Base.metadata,
    Column("cell_id", BigInteger, ForeignKey("cells.id"), primary_key=True, autoincrement=False),
    Column("block", Integer, primary_key=True, autoincrement=False),
    Column("counter", LargeBinary, nullable=False),
)
COUNTED_LOADS = Table(
    "counted_loads",
    Base.metadata,
    Column("load_id", Uuid, primary_key=True),
    Column("feed", Text, nullable=False),
    Column("counted_at", _TIME, server_default=func.now(), nullable=False),
    Column("marked_at", _TIME, comment="known to the store of facts since"),
    Column(
        "schools",
        ARRAY(Text),
        comment="codes of its units that were schools; null in loads of earlier releases",
    ),
    Index("ix_counted_loads_unmarked", "counted_at", postgresql_where=text("marked_at IS NULL")),
)
UNCOUNTED_LOADS = Table(
    "uncounted_loads",
    Base.metadata,
    Column("load_id", Uuid, primary_key=True),
    Column("feed", Text, nullable=False),
    Column("since", _TIME, server_default=func.now(), nullable=False, index=True),
)
