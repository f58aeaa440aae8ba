"""Tables of numbers.

`tree_counts` and `unit_people` are written by triggers on `units` and `people` only. Reading them is exact in
any transaction; the triggers take one advisory lock, so that changes of the tree wait for each other.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, DateTime, Index, Integer, Text, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from office.base import Base
from servicekit.ltree import LTree


class TreeCount(Base):
    """Active units and people below the unit at `path`, by level, kind and stages of the units.

    The row with empty `level`, `kind` and `stages` is the sum. Only units that have or had units below them
    have rows.
    """

    __tablename__ = "tree_counts"
    __table_args__ = (
        Index("ix_tree_counts_sums", "path", postgresql_where=text("level = ''")),
        Index("ix_tree_counts_unit_id", "unit_id"),
        {"postgresql_with": {"fillfactor": "70"}},
    )

    path: Mapped[str] = mapped_column(LTree, primary_key=True)
    level: Mapped[str] = mapped_column(Text, primary_key=True)
    kind: Mapped[str] = mapped_column(Text, primary_key=True)
    stages: Mapped[list[str]] = mapped_column(ARRAY(Text), primary_key=True)
    unit_id: Mapped[UUID | None] = mapped_column(doc="the unit at `path`; None while nothing stands below it")
    children: Mapped[int] = mapped_column(Integer, doc="units directly below")
    below: Mapped[int] = mapped_column(Integer, doc="units at any depth below")
    people_children: Mapped[int] = mapped_column(Integer, doc="people of the units directly below")
    people_below: Mapped[int] = mapped_column(Integer, doc="people of all units below")


class UnitPeople(Base):
    """The number of active people who belong to a unit, and since when it has stood where it stands.

    The time is that of `units.placed_at`: coverage reads the people of all units that have changed since a
    notice, which is one range here and would be a look-up for each of them otherwise.
    """

    __tablename__ = "unit_people"
    __table_args__ = (Index("ix_unit_people_placed_at", "placed_at"),)

    unit_id: Mapped[UUID] = mapped_column(primary_key=True)
    people: Mapped[int] = mapped_column(Integer)
    placed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class ReceiptCount(Base):
    """Receipts of one notice by the units that stand directly below the unit at `path`.

    Only receipts with `counted` are in it: those of units that had not changed since the notice was
    published. Receipts of the others are counted one by one. The table grows with the number of superior
    units per notice, about a hundredth of the receipts.
    """

    __tablename__ = "receipt_counts"
    __table_args__ = ({"postgresql_with": {"fillfactor": "70"}},)

    notice_id: Mapped[UUID] = mapped_column(primary_key=True)
    path: Mapped[str] = mapped_column(LTree, primary_key=True)
    signed: Mapped[int] = mapped_column(Integer, server_default="0")
    read: Mapped[int] = mapped_column(Integer, server_default="0", doc="people who have read")
    read_units: Mapped[int] = mapped_column(Integer, server_default="0", doc="units with such a person")
    answered: Mapped[int] = mapped_column(Integer, server_default="0", doc="units with an answer")


class ReceiptHour(Base):
    """What units below `path` did in the hour that begins at `hour`, added up afterwards.

    The curve of a notice's progress; the last hour is the difference to the counters.
    """

    __tablename__ = "receipt_hours"

    notice_id: Mapped[UUID] = mapped_column(primary_key=True)
    path: Mapped[str] = mapped_column(LTree, primary_key=True)
    hour: Mapped[datetime] = mapped_column(DateTime(timezone=True), primary_key=True)
    signed: Mapped[int] = mapped_column(Integer)
    answered: Mapped[int] = mapped_column(Integer, server_default="0")
    people_read: Mapped[int] = mapped_column(Integer)


class ArchivedYear(Base):
    """A year of notices whose receipts were written to files, and since when these alone have them."""

    __tablename__ = "archived_years"

    year: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    archived_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    rows: Mapped[int] = mapped_column(BigInteger)
    digest: Mapped[str] = mapped_column(Text, doc="SHA-256 of the list of files")
    dropped_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class ArchivedCoverage(Base):
    """The figures of an archived notice in the subtree of a unit that has units below it."""

    __tablename__ = "archived_coverage"

    notice_id: Mapped[UUID] = mapped_column(primary_key=True)
    path: Mapped[str] = mapped_column(LTree, primary_key=True, doc="the unit's place when it was archived")
    unit_id: Mapped[UUID]
    total: Mapped[int] = mapped_column(Integer)
    delivered: Mapped[int] = mapped_column(Integer)
    signed: Mapped[int] = mapped_column(Integer)
    answered: Mapped[int] = mapped_column(Integer)
    returned: Mapped[int] = mapped_column(Integer)
    overdue: Mapped[int] = mapped_column(Integer)
    read_units: Mapped[int] = mapped_column(Integer)
    people: Mapped[int] = mapped_column(Integer)
    people_read: Mapped[int] = mapped_column(Integer)
