"""Published tables and their lines. Pruned with nothing: a few hundred lines a year."""

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    Numeric,
    SmallInteger,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from cockpit.base import Base
from servicekit.ids import new_id


class PublishedBatch(Base):
    """A batch of published tables that counts, or did until it was withdrawn.

    A trigger on `batches` writes the row, so that a batch of an earlier release has one, too. The transaction
    that commits the batch adds the lines and sets `filled_at`; what has none is filled afterwards.
    """

    __tablename__ = "published_batches"
    __table_args__ = (
        Index("ix_published_batches_unfilled", "committed_at", postgresql_where=text("filled_at IS NULL")),
        Index("ix_published_batches_unit_id", "unit_id"),
    )

    batch_id: Mapped[UUID] = mapped_column(primary_key=True)
    load_id: Mapped[UUID]
    unit_id: Mapped[UUID] = mapped_column(comment="whose tables they are, wherever it moves")
    source: Mapped[str] = mapped_column(Text)
    committed_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    reversed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    filled_at: Mapped[datetime | None] = mapped_column(
        DateTime(timezone=True), comment="its lines are here since"
    )


class PublishedTable(Base):
    """What one batch says of one year in one scope."""

    __tablename__ = "published_tables"
    __table_args__ = (
        UniqueConstraint("batch_id", "year", "scope"),
        Index("ix_published_tables_unit", "unit_id", "year", "source", "scope"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    batch_id: Mapped[UUID] = mapped_column(ForeignKey("published_batches.batch_id", ondelete="CASCADE"))
    unit_id: Mapped[UUID]
    source: Mapped[str] = mapped_column(Text)
    scope: Mapped[str] = mapped_column(Text, comment="口径")
    year: Mapped[int] = mapped_column(SmallInteger)
    lines: Mapped[int] = mapped_column(Integer)


class PublishedLine(Base):
    """A line as it was published. Totals stand beside their parts and are never computed."""

    __tablename__ = "published_lines"

    table_id: Mapped[UUID] = mapped_column(
        ForeignKey("published_tables.id", ondelete="CASCADE"), primary_key=True
    )
    stage: Mapped[str] = mapped_column(Text, primary_key=True)
    funding: Mapped[str] = mapped_column(Text, primary_key=True)
    programme: Mapped[str] = mapped_column(Text, primary_key=True, comment="empty: all")
    region_group: Mapped[str] = mapped_column(Text, primary_key=True, comment="empty: the whole country")
    is_total: Mapped[bool] = mapped_column(Boolean, comment="of all stages")
    amount: Mapped[Decimal] = mapped_column(Numeric(20, 2), comment="yuan")
    share_percent: Mapped[Decimal | None] = mapped_column(Numeric(9, 4))
    persons: Mapped[int | None] = mapped_column(BigInteger)
    person_times: Mapped[int | None] = mapped_column(BigInteger)
    note: Mapped[str] = mapped_column(Text)


Found = tuple[PublishedTable, PublishedBatch]
Entry = tuple[PublishedTable, PublishedLine]
