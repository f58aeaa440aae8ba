"""Cells, the persons in them, and the loads that they contain."""

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Numeric,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from cockpit.base import Base
from cockpit.cells.dimensions import Calendar, Tree
from servicekit.ltree import LTree
from servicekit.words import Word, known


class CellNode(Base):
    """A unit or region at the place where facts found it. A unit that has moved has several.

    `path` is the authority path of the unit at intake, or the path of a region; the paths of the two trees
    differ in their first code.
    """

    __tablename__ = "cell_nodes"
    __table_args__ = (known("tree", Tree, "tree_known"),)

    id: Mapped[int] = mapped_column(Integer, Identity(always=True), primary_key=True)
    tree: Mapped[Tree] = mapped_column(Word(Tree), server_default=Tree.AUTHORITY.value)
    path: Mapped[str] = mapped_column(LTree, unique=True, comment="authority path at intake")
    code: Mapped[str] = mapped_column(Text, index=True, comment="of the unit at the end of the path")
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("cell_nodes.id"), index=True)


class CellCombination(Base):
    """The values of dimensions that cells are for: a small dictionary, never changed.

    `dimensions` are the names that `values` has, ordered, with commas: empty for the undivided cells.
    """

    __tablename__ = "cell_combinations"
    __table_args__ = (UniqueConstraint("feed", "dimensions", "values"),)

    id: Mapped[int] = mapped_column(Integer, Identity(always=True), primary_key=True)
    feed: Mapped[str] = mapped_column(Text)
    dimensions: Mapped[str] = mapped_column(Text, comment="programme,stage")
    values: Mapped[dict[str, str]] = mapped_column(JSONB)


class Cell(Base):
    """The sums of the counted facts of one place, period and combination.

    Amounts and person-times add up over places and dimensions, persons do not.
    """

    __tablename__ = "cell_figures"
    __table_args__ = (
        known("calendar", Calendar, "calendar_known"),
        UniqueConstraint("node_id", "calendar", "period", "combination_id"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    node_id: Mapped[int] = mapped_column(ForeignKey("cell_nodes.id"))
    combination_id: Mapped[int] = mapped_column(ForeignKey("cell_combinations.id"))
    version: Mapped[int] = mapped_column(Integer, comment="how many loads have changed it")
    times: Mapped[int] = mapped_column(BigInteger, comment="facts less reversals")
    persons: Mapped[int] = mapped_column(BigInteger, comment="distinct, from cell_counters")
    calendar: Mapped[Calendar] = mapped_column(Word(Calendar))
    period: Mapped[str] = mapped_column(Text, comment="2017, 2017-spring, or 2017-03")
    amount: Mapped[Decimal] = mapped_column(Numeric(22, 2), comment="yuan")
    weight: Mapped[Decimal] = mapped_column(Numeric(22, 2), comment="as the feed declares it")


class CellPersons(Base):
    """How often each of 8,192 persons occurs in a cell (`cockpit.cells.counters`)."""

    __tablename__ = "cell_counters"

    cell_id: Mapped[int] = mapped_column(ForeignKey("cell_figures.id"), primary_key=True)
    block: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    counter: Mapped[bytes] = mapped_column(LargeBinary)


class PersonNumber(Base):
    """The number of a person, for counters. Assigned at the first fact, whether that will count or not."""

    __tablename__ = "person_numbers"

    token: Mapped[UUID] = mapped_column(primary_key=True, comment="128-bit hash of the person token")
    number: Mapped[int] = mapped_column(Integer, Identity(always=True, minvalue=0, start=0))


class CellLoad(Base):
    """A load that counts.

    A trigger on `batches` writes it in the transaction that makes the load count. Adding the load to the
    cells sets `counted_at`, as a rule in the same transaction.
    """

    __tablename__ = "cell_loads"
    __table_args__ = (
        Index("ix_cell_loads_uncounted", "since", "load_id", postgresql_where=text("counted_at IS NULL")),
        Index("ix_cell_loads_unmarked", "since", postgresql_where=text("marked_at IS NULL")),
    )

    load_id: Mapped[UUID] = mapped_column(primary_key=True)
    feed: Mapped[str] = mapped_column(Text)
    since: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    counted_at: Mapped[datetime | None] = mapped_column(
        DateTime(timezone=True), comment="the cells contain it since"
    )
    marked_at: Mapped[datetime | None] = mapped_column(
        DateTime(timezone=True), comment="known to the store of facts since"
    )
    schools: Mapped[list[str] | None] = mapped_column(
        ARRAY(Text), comment="codes of its units that were schools; null while the cells do not contain it"
    )
