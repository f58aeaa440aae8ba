"""Series of document numbers, their counters, and the numbers that were given."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    DateTime,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from office.base import Base
from office.numbering import rules
from office.writing.words import pairs_of
from servicekit.ids import new_id

_INSTANT = DateTime(timezone=True)


class NumberSeries(Base):
    """A prefix (机关代字) of a unit. A few rows per unit, never deleted: numbers refer to them."""

    __tablename__ = "number_series"
    __table_args__ = (
        UniqueConstraint("unit_id", "prefix"),
        Index(
            "uq_number_series_preferred",
            "unit_id",
            unique=True,
            postgresql_where=text("preferred"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    unit_id: Mapped[UUID]
    prefix: Mapped[str] = mapped_column(Text)
    letterhead: Mapped[str | None] = mapped_column(Text, doc="发文机关标志; None: the unit's name and 文件")
    preferred: Mapped[bool] = mapped_column(Boolean, doc="used for drafts that name no prefix")
    active: Mapped[bool] = mapped_column(Boolean, default=True)
    created_by: Mapped[UUID]
    created_at: Mapped[datetime] = mapped_column(_INSTANT)
    version: Mapped[int] = mapped_column(Integer, default=1)

    def change(self, *, letterhead: str | None, preferred: bool, active: bool) -> None:
        """Set what may change; the prefix may not."""
        self.letterhead = letterhead
        self.preferred = preferred and active
        self.active = active
        self.version += 1


class NumberCounter(Base):
    """The next number of a series in one year; the row is locked while a number is given."""

    __tablename__ = "number_counters"
    __table_args__ = (
        PrimaryKeyConstraint("unit_id", "prefix", "year"),
        CheckConstraint(f"next BETWEEN 1 AND {rules.MAX_NUMBER + 1}", name="next"),
    )

    unit_id: Mapped[UUID]
    prefix: Mapped[str] = mapped_column(Text)
    year: Mapped[int] = mapped_column(Integer)
    next: Mapped[int] = mapped_column(Integer)


class DocumentNumber(Base):
    """A line of the register (发文登记簿): a number and the document that has it, also after a withdrawal.

    One row per issued document, kept as long as the document.
    """

    __tablename__ = "document_numbers"
    __table_args__ = (
        PrimaryKeyConstraint("unit_id", "prefix", "year", "serial"),
        UniqueConstraint("subject_id"),
        Index("ix_document_numbers_register", "unit_id", "id"),
        Index("ix_document_numbers_words", "words", postgresql_using="gin"),
        CheckConstraint(f"serial BETWEEN 1 AND {rules.MAX_NUMBER}", name="serial"),
        CheckConstraint("(voided_at IS NULL) = (void_reason IS NULL)", name="voided"),
    )

    id: Mapped[UUID] = mapped_column(default=new_id)
    unit_id: Mapped[UUID]
    prefix: Mapped[str] = mapped_column(Text)
    year: Mapped[int] = mapped_column(Integer)
    serial: Mapped[int] = mapped_column(Integer)
    subject_id: Mapped[UUID] = mapped_column(doc="the notice")
    title: Mapped[str] = mapped_column(Text)
    words: Mapped[list[str]] = mapped_column(ARRAY(Text), deferred=True, doc="pairs of characters")
    issued_by: Mapped[UUID]
    issued_at: Mapped[datetime] = mapped_column(_INSTANT)
    voided_at: Mapped[datetime | None] = mapped_column(_INSTANT, doc="when the document was withdrawn")
    void_reason: Mapped[str | None] = mapped_column(Text)

    @property
    def text(self) -> str:
        """The number in full: 教助中心〔2023〕11号."""
        return rules.document_number(self.prefix, self.year, self.serial)

    def index(self) -> None:
        """Compute the words by which the line is found."""
        self.words = pairs_of(self.text, self.title)

    def void(self, reason: str, now: datetime) -> None:
        """Note that the document was withdrawn; its number is not used again."""
        self.voided_at = now
        self.void_reason = reason
