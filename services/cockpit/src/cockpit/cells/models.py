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
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from cockpit.base import Base
from cockpit.cells.rules import Calendar
from servicekit.ltree import LTree
from servicekit.words import Word, known


class CellNode(Base):
    """A unit at the place where facts found it. A unit that has moved has several."""

    __tablename__ = "cell_nodes"

    id: Mapped[int] = mapped_column(Integer, Identity(always=True), primary_key=True)
    path: Mapped[str] = mapped_column(LTree, unique=True, comment="authority path at intake")
    code: Mapped[str] = mapped_column(Text, index=True, comment="of the unit at the end of the path")
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("cell_nodes.id"), index=True)


class Cell(Base):
    """The sums of the counted facts of one place, period and combination of dimensions.

    An empty dimension is not told apart. Amounts and person-times add up over places and dimensions, persons
    do not.
    """

    __tablename__ = "cells"
    __table_args__ = (
        known("calendar", Calendar, "calendar_known"),
        UniqueConstraint("node_id", "feed", "calendar", "period", "stage", "programme", "funding"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    node_id: Mapped[int] = mapped_column(ForeignKey("cell_nodes.id"))
    feed: Mapped[str] = mapped_column(Text)
    calendar: Mapped[Calendar] = mapped_column(Word(Calendar))
    period: Mapped[str] = mapped_column(Text, comment="2017, or 2017-spring")
    stage: Mapped[str] = mapped_column(Text)
    programme: Mapped[str] = mapped_column(Text)
    funding: Mapped[str] = mapped_column(Text)
    amount: Mapped[Decimal] = mapped_column(Numeric(22, 2), comment="yuan")
    times: Mapped[int] = mapped_column(BigInteger, comment="facts less reversals")
    persons: Mapped[int] = mapped_column(BigInteger, comment="distinct, from cell_persons")


class CellPersons(Base):
    """How often each of 8,192 persons occurs in a cell (`cockpit.cells.counters`)."""

    __tablename__ = "cell_persons"

    cell_id: Mapped[int] = mapped_column(ForeignKey("cells.id"), primary_key=True)
    block: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    counter: Mapped[bytes] = mapped_column(LargeBinary)


class PersonNumber(Base):
    """The number of a person, for counters. Assigned at the first fact, whether that will count or not."""

    __tablename__ = "person_numbers"

    token: Mapped[UUID] = mapped_column(primary_key=True, comment="128-bit hash of the person token")
    number: Mapped[int] = mapped_column(Integer, Identity(always=True, minvalue=0, start=0))


class CountedLoad(Base):
    """A load that the cells contain. Written by the transaction that adds it to them."""

    __tablename__ = "counted_loads"
    __table_args__ = (
        Index("ix_counted_loads_unmarked", "counted_at", postgresql_where=text("marked_at IS NULL")),
    )

    load_id: Mapped[UUID] = mapped_column(primary_key=True)
    feed: Mapped[str] = mapped_column(Text)
    counted_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    marked_at: Mapped[datetime | None] = mapped_column(
        DateTime(timezone=True), comment="known to the store of facts since"
    )
    schools: Mapped[list[str] | None] = mapped_column(
        ARRAY(Text), comment="codes of its units that were schools; null in loads of earlier releases"
    )


class UncountedLoad(Base):
    """A load that counts and that the cells do not contain yet.

    A trigger on `batches` writes it; adding the load to the cells deletes it, as a rule in the same
    transaction.
    """

    __tablename__ = "uncounted_loads"

    load_id: Mapped[UUID] = mapped_column(primary_key=True)
    feed: Mapped[str] = mapped_column(Text)
    since: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now(), index=True)
