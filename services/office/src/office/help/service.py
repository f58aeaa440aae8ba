"""Articles within one request."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from pydantic import TypeAdapter
from sqlalchemy.ext.asyncio import AsyncSession

from office.actors import Actor
from office.directory.service import Units
from office.help.errors import ArticleTooDeep, ClassifiedArticleRefused, OnlyCentre
from office.help.models import Article, ArticleContent, ArticleVersion
from office.help.repository import ArticleRepository
from office.writing.checked import checked
from servicekit.clock import Clock
from servicekit.etags import SeenVersions
from servicekit.ids import new_id
from servicekit.lists import Listed
from servicekit.paging import PageRequest
from servicekit.problems import NotFound

_JSON = TypeAdapter(ArticleContent)


@dataclass(frozen=True)
class VersionView:
    """A version of an article with its content and the name of its author."""

    version: ArticleVersion
    content: ArticleContent
    author_name: str | None


class Help:
    """Read and keep articles within one request."""

    def __init__(self, session: AsyncSession, clock: Clock, units: Units) -> None:
        self._clock = clock
        self._units = units
        self._articles = ArticleRepository(session)

    async def create(self, actor: Actor, content: ArticleContent) -> Article:
        """Add an article.

        Raises `OnlyCentre`, `ClassifiedArticleRefused`, `ArticleTooDeep`, `ArticleTitleTaken`.
        """
        await self._check_centre(actor)
        return await self._write(Article(id=new_id()), content, actor.sub)

    async def change(
        self, actor: Actor, article_id: UUID, content: ArticleContent, seen: SeenVersions
    ) -> Article:
        """Replace an article; the earlier content stays a version.

        Raises `NotFound`, `VersionChanged`, and as `create` does.
        """
        article = await self._own(actor, article_id)
        seen.require(article.version)
        return await self._write(article, content, actor.sub)

    async def retire(self, actor: Actor, article_id: UUID) -> None:
        """Take an article out of the list. Raises `NotFound`, `OnlyCentre`."""
        article = await self._own(actor, article_id)
        article.retire(by=actor.sub, now=self._clock.now())
        await self._articles.save(article)

    async def get(self, article_id: UUID) -> Article:
        """Return an article, also a retired one. Raises `NotFound`."""
        article = await self._articles.get(article_id)
        if article is None:
            raise NotFound
        return article

    async def list(self, paging: PageRequest, *, category: str | None, words: str | None) -> Listed[Article]:
        """Return articles in use by category and position. Raises `BadCursor`."""
        return await self._articles.list(category, words, paging)

    async def versions(self, article_id: UUID) -> Sequence[VersionView]:
        """Return the versions of an article, the latest first. Raises `NotFound`."""
        await self.get(article_id)
        versions = await self._articles.versions(article_id)
        names = await self._units.names({one.by for one in versions})
        return [VersionView(one, _JSON.validate_python(one.content), names.get(one.by)) for one in versions]

    async def version(self, article_id: UUID, number: int) -> VersionView:
        """Return one version of an article, as it was cited. Raises `NotFound`."""
        version = await self._articles.version(article_id, number)
        if version is None:
            raise NotFound
        names = await self._units.names({version.by})
        return VersionView(version, _JSON.validate_python(version.content), names.get(version.by))

    async def _check_centre(self, actor: Actor) -> None:
        unit = await self._units.own(actor)
        if unit.parent_id is not None:
            raise OnlyCentre

    async def _own(self, actor: Actor, article_id: UUID) -> Article:
        await self._check_centre(actor)
        article = await self._articles.lock(article_id)
        if article is None:
            raise NotFound
        return article

    async def _write(self, article: Article, content: ArticleContent, by: UUID) -> Article:
        content = checked(content, ArticleTooDeep, ClassifiedArticleRefused)
        now = self._clock.now()
        article.write(content, by=by, now=now)
        await self._articles.save(article)
        await self._articles.add_version(version_of(article, content, by=by, at=now))
        return article


def version_of(article: Article, content: ArticleContent, *, by: UUID, at: datetime) -> ArticleVersion:
    """Return what is kept of an article's present version."""
    return ArticleVersion(
        article_id=article.id,
        version=article.version,
        content=_JSON.dump_python(content, mode="json"),
        by=by,
        at=at,
    )
