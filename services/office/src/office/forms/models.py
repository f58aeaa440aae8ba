"""The form of a notice."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, DateTime, ForeignKey, Integer
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from office.base import Base
from office.forms.fields import AnyField, FormFields

_INSTANT = DateTime(timezone=True)


class Form(Base):
    """What a notice asks its recipients. Fixed once the draft is submitted; deleted with the draft."""

    __tablename__ = "notice_forms"
    __table_args__ = (CheckConstraint("(locked_at IS NULL) = (locked_by IS NULL)", name="locked"),)

    notice_id: Mapped[UUID] = mapped_column(ForeignKey("notices.id", ondelete="CASCADE"), primary_key=True)
    fields: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    updated_by: Mapped[UUID]
    updated_at: Mapped[datetime] = mapped_column(_INSTANT)
    version: Mapped[int] = mapped_column(Integer)
    locked_at: Mapped[datetime | None] = mapped_column(_INSTANT, doc="nobody answers any more")
    locked_by: Mapped[UUID | None]

    @property
    def parsed(self) -> list[AnyField]:
        """The fields."""
        return list(FormFields.model_validate({"fields": self.fields}).fields)

    def write(self, fields: FormFields, *, by: UUID, now: datetime) -> None:
        """Replace the fields."""
        self.fields = fields.model_dump(mode="json")["fields"]
        self.updated_by, self.updated_at, self.version = by, now, (self.version or 0) + 1

    def lock(self, *, by: UUID, now: datetime) -> None:
        """End the collection of answers; doing so again changes nothing."""
        if self.locked_at is None:
            self.locked_by, self.locked_at, self.version = by, now, self.version + 1

    def unlock(self) -> None:
        """Go on collecting answers."""
        if self.locked_at is not None:
            self.locked_by, self.locked_at, self.version = None, None, self.version + 1
