"""Signatures of units and reads of people.

`signatures` and `reads` grow with every notice. Their keys begin with `notice_id`, a UUIDv7, by which they
are partitioned: by the year of the notice (`office.partitions`), so that an old year can be archived. They
have no foreign key to `notices`: half a million units would contend for the key lock on one row, and a
published notice is never deleted.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Boolean, CheckConstraint, DateTime, Index, Text, false, text
from sqlalchemy.orm import Mapped, mapped_column

from office.base import Base

_INSTANT = DateTime(timezone=True)


class Signature(Base):
    """A unit acknowledged receipt (签收), once, or a unit above did so for it (代签)."""

    __tablename__ = "signatures"
    __table_args__ = (
        CheckConstraint("(signing_unit_id IS NULL) = (reason IS NULL)", name="on_behalf"),
        Index("ix_signatures_signed_at", "signed_at", postgresql_using="brin"),
        Index("ix_signatures_uncounted", "notice_id", "unit_id", postgresql_where=text("NOT counted")),
        {"postgresql_partition_by": "RANGE (notice_id)"},
    )

    notice_id: Mapped[UUID] = mapped_column(primary_key=True)
    unit_id: Mapped[UUID] = mapped_column(primary_key=True)
    signed_by: Mapped[UUID]
    signed_at: Mapped[datetime] = mapped_column(_INSTANT)
    late: Mapped[bool] = mapped_column(
        Boolean, default=False, server_default="false", doc="after the second in which it was due"
    )
    signing_unit_id: Mapped[UUID | None] = mapped_column(doc="代签: the unit above that signed for it")
    reason: Mapped[str | None] = mapped_column(Text, doc="why it could not sign itself")
    counted: Mapped[bool] = mapped_column(server_default=false(), doc="`receipt_counts` has it")


class Read(Base):
    """A person of a unit that has the notice opened it (已读). Independent of 签收."""

    __tablename__ = "reads"
    __table_args__ = (
        Index("ix_reads_read_at", "read_at", postgresql_using="brin"),
        Index("ix_reads_unit", "notice_id", "unit_id"),
        Index("ix_reads_uncounted", "notice_id", "unit_id", postgresql_where=text("NOT counted")),
        {"postgresql_partition_by": "RANGE (notice_id)"},
    )

    notice_id: Mapped[UUID] = mapped_column(primary_key=True)
    sub: Mapped[UUID] = mapped_column(primary_key=True)
    unit_id: Mapped[UUID]
    read_at: Mapped[datetime] = mapped_column(_INSTANT)
    counted: Mapped[bool] = mapped_column(server_default=false(), doc="`receipt_counts` has it")
