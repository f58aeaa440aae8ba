"""Texts that are kept in versions: found by their words, and retired instead of deleted, because others cite
them. Articles and templates are such texts.
"""

from dataclasses import asdict
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import DateTime, Integer, Text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from office.writing.checked import Content
from office.writing.words import pairs_of

_INSTANT = DateTime(timezone=True)


class KeptColumns:
    """Columns of a kept text beside those of its content, which have the names of the content's fields."""

    words: Mapped[list[str]] = mapped_column(ARRAY(Text), deferred=True)
    updated_by: Mapped[UUID]
    updated_at: Mapped[datetime] = mapped_column(_INSTANT)
    retired_at: Mapped[datetime | None] = mapped_column(_INSTANT)
    version: Mapped[int] = mapped_column(Integer)

    def write(self, content: Content, *, by: UUID, now: datetime) -> None:
        """Replace the content; it becomes the next version."""
        for name, value in asdict(content).items():
            setattr(self, name, value)
        self.words = pairs_of(*content.texts())
        self.updated_by, self.updated_at = by, now
        self.version = (self.version or 0) + 1

    def retire(self, *, by: UUID, now: datetime) -> None:
        """Take the text out of use; whoever cites it can still read it."""
        self.retired_at = now
        self.updated_by, self.updated_at = by, now
        self.version += 1


class KeptVersionColumns:
    """Columns of one version of a kept text, beside the id of the text."""

    version: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    content: Mapped[dict[str, Any]] = mapped_column(JSONB)
    by: Mapped[UUID]
    at: Mapped[datetime] = mapped_column(_INSTANT)
