"""Who has a draft open.

A row is a lease: it counts until `until`. Saving and looking renew it; `editing.jobs` deletes old ones.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import DateTime, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from office.base import Base

_INSTANT = DateTime(timezone=True)


class DraftEditor(Base):
    """A person who edits a draft."""

    __tablename__ = "draft_editors"

    notice_id: Mapped[UUID] = mapped_column(ForeignKey("notices.id", ondelete="CASCADE"), primary_key=True)
    sub: Mapped[UUID] = mapped_column(primary_key=True)
    since: Mapped[datetime] = mapped_column(_INSTANT)
    until: Mapped[datetime] = mapped_column(_INSTANT, index=True)
