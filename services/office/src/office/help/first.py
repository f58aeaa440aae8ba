"""The articles with which an empty system begins (`first.toml`). The centre changes and retires them."""

import tomllib
from datetime import datetime
from importlib.resources import files
from uuid import UUID

from office.help.errors import ArticleTooDeep, ClassifiedArticleRefused
from office.help.models import Article, ArticleContent
from office.help.repository import ArticleRepository
from office.help.service import version_of
from office.writing.checked import checked
from servicekit.clock import SystemClock
from servicekit.db import Database
from servicekit.ids import new_id

NOBODY = UUID(int=0)
"""Who wrote them: no person."""


def articles() -> list[ArticleContent]:
    """Return the packaged articles, with clean bodies."""
    packaged = files("office.help").joinpath("first.toml").read_text(encoding="utf-8")
    found = [ArticleContent(**one) for one in tomllib.loads(packaged)["articles"]]
    return [checked(one, ArticleTooDeep, ClassifiedArticleRefused) for one in found]


async def load(database: Database) -> None:
    """Write the articles, unless there has ever been one: what the centre retires does not come back."""
    now = SystemClock().now()
    async with database.transaction() as session:
        rows = ArticleRepository(session)
        if not await rows.begin():
            return
        for content in articles():
            await _write(rows, content, now)


async def _write(rows: ArticleRepository, content: ArticleContent, now: datetime) -> None:
    article = Article(id=new_id())
    article.write(content, by=NOBODY, now=now)
    await rows.save(article)
    await rows.add_version(version_of(article, content, by=NOBODY, at=now))
