"""Queries over articles."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, func, select, tuple_
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import defer

from office.help.errors import ArticleTitleTaken
from office.help.models import Article, ArticleVersion
from office.help.rules import MAX_WORDS
from office.writing.words import pairs_of
from servicekit.paging import MOST_COUNTED

MAX_VERSIONS = 500


class ArticleRepository:
    """Read and write articles."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

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

    async def list(
        self, category: str | None, words: str | None, *, after: Sequence[Any] | None, limit: int
    ) -> Sequence[Article]:
        """Return articles in use by category and position, without their bodies."""
        key = (Article.category, Article.position, Article.id)
        statement = (
            select(Article).options(defer(Article.body, raiseload=True)).where(*_wanted(category, words))
        )
        if after is not None:
            statement = statement.where(tuple_(*key) > tuple_(*after))
        return (await self._session.scalars(statement.order_by(*key).limit(limit))).all()

    async def count(self, category: str | None, words: str | None) -> int:
        """Return the number of articles, up to one more than lists count."""
        rows = select(Article.id).where(*_wanted(category, words)).limit(MOST_COUNTED + 1)
        return (await self._session.scalars(select(func.count()).select_from(rows.subquery()))).one()

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
    for word in (words or "").split()[:MAX_WORDS]:
        pairs = pairs_of(word)
        # A single character has no pair; the articles are few.
        conditions.append(
            Article.words.contains(pairs) if pairs else Article.title.icontains(word, autoescape=True)
        )
    return conditions
