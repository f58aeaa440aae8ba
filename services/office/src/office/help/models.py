"""Articles and their versions."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import DateTime, ForeignKey, Index, Integer, Text, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from office.base import Base
from office.writing import richtext
from office.writing.words import pairs_of
from servicekit.ids import new_id

_INSTANT = DateTime(timezone=True)
_IN_USE = text("retired_at IS NULL")


@dataclass(frozen=True)
class ArticleContent:
    """What an article says."""

    title: str
    category: str
    position: int
    """Its place within the category."""
    body: str
    """Sanitised HTML."""

    def texts(self) -> list[str]:
        """Return every text, plain."""
        return [self.title, self.category, richtext.plain(self.body)]


class Article(Base):
    """An article. Some hundred rows; a retired one is kept, because answers cite it."""

    __tablename__ = "help_articles"
    __table_args__ = (
        Index("ix_help_articles_order", "category", "position", "id", postgresql_where=_IN_USE),
        Index("ix_help_articles_words", "words", postgresql_using="gin", postgresql_where=_IN_USE),
        Index("uq_help_articles_title", "title", unique=True, postgresql_where=_IN_USE),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    title: Mapped[str] = mapped_column(Text)
    category: Mapped[str] = mapped_column(Text)
    position: Mapped[int] = mapped_column(Integer)
    body: Mapped[str] = mapped_column(Text)
    words: Mapped[list[str]] = mapped_column(ARRAY(Text), deferred=True)
    updated_by: Mapped[UUID]
    updated_at: Mapped[datetime] = mapped_column(_INSTANT)
    retired_at: Mapped[datetime | None] = mapped_column(_INSTANT)
    version: Mapped[int] = mapped_column(Integer)

    def write(self, content: ArticleContent, *, by: UUID, now: datetime) -> None:
        """Replace the content; it becomes the next version."""
        for name, value in asdict(content).items():
            setattr(self, name, value)
        self.words = pairs_of(*content.texts())
        self.updated_by, self.updated_at = by, now
        self.version = (self.version or 0) + 1

    def retire(self, *, by: UUID, now: datetime) -> None:
        """Take the article out of the list; who has its address can still read it."""
        self.retired_at = now
        self.updated_by, self.updated_at = by, now
        self.version += 1


class ArticleVersion(Base):
    """The content of an article in one version."""

    __tablename__ = "help_article_versions"

    article_id: Mapped[UUID] = mapped_column(ForeignKey("help_articles.id"), primary_key=True)
    version: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    content: Mapped[dict[str, Any]] = mapped_column(JSONB)
    by: Mapped[UUID]
    at: Mapped[datetime] = mapped_column(_INSTANT)
