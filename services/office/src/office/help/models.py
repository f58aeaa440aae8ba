"""Articles and their versions."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ForeignKey, Index, Integer, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from office.base import Base
from office.writing import richtext
from office.writing.kept import KeptColumns, KeptVersionColumns
from servicekit.ids import new_id

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


class Article(KeptColumns, Base):
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


class ArticleVersion(KeptVersionColumns, Base):
    """The content of an article in one version."""

    __tablename__ = "help_article_versions"

    article_id: Mapped[UUID] = mapped_column(ForeignKey("help_articles.id"), primary_key=True)
