"""Queries over articles."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, exists, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import defer

from office.help.errors import ArticleTitleTaken
from office.help.models import Article, ArticleVersion
from office.writing.predicates import by_pairs
from servicekit.lists import Listed, Order, listed_one
from servicekit.paging import PageRequest, integer

MAX_VERSIONS = 500
_PLACED = Order((Article.category, Article.position, Article.id), (str, integer, UUID))


class ArticleRepository:
    """Read and write articles."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def begin(self) -> bool:
        """Return whether there has never been an article; if so, nobody else writes one until the transaction
        ends.
        """
        await self._session.execute(text("LOCK TABLE help_articles IN SHARE ROW EXCLUSIVE MODE"))
        return not await self._session.scalar(select(exists().select_from(Article)))

    async def save(self, article: Article) -> None:
        """Write a new or changed article. Raises `ArticleTitleTaken`."""
        self._session.add(article)
        try:
            await self._session.flush()
        except IntegrityError as error:
            if "uq_help_articles_title" in str(error.orig):
                raise ArticleTitleTaken from error
            raise

    async def add_version(self, version: ArticleVersion) -> None:
        """Write a version."""
        self._session.add(version)
        await self._session.flush()

    async def get(self, article_id: UUID) -> Article | None:
        """Return an article, also a retired one."""
        return await self._session.get(Article, article_id, populate_existing=True)

    async def lock(self, article_id: UUID) -> Article | None:
        """Return an article in use, locked until the transaction ends."""
        statement = (
            select(Article).where(Article.id == article_id, Article.retired_at.is_(None)).with_for_update()
        )
        return (await self._session.scalars(statement)).one_or_none()

    async def list(self, category: str | None, words: str | None, paging: PageRequest) -> Listed[Article]:
        """Return articles in use by category and position, without their bodies. Raises `BadCursor`."""
        statement = (
            select(Article).options(defer(Article.body, raiseload=True)).where(*_wanted(category, words))
        )
        return await listed_one(self._session, statement, _PLACED, paging)

    async def version(self, article_id: UUID, version: int) -> ArticleVersion | None:
        """Return one version of an article."""
        return await self._session.get(ArticleVersion, (article_id, version))

    async def versions(self, article_id: UUID) -> Sequence[ArticleVersion]:
        """Return the versions of an article, the latest first."""
        statement = (
            select(ArticleVersion)
            .where(ArticleVersion.article_id == article_id)
            .order_by(ArticleVersion.version.desc())
            .limit(MAX_VERSIONS)
        )
        return (await self._session.scalars(statement)).all()


def _wanted(category: str | None, words: str | None) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = [Article.retired_at.is_(None)]
    if category is not None:
        conditions.append(Article.category == category)
    return [*conditions, *by_pairs(words, Article.words, Article.title)]
