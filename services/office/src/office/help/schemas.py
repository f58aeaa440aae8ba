"""API schemas of articles."""

from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from office.help.models import Article, ArticleContent
from office.help.service import VersionView
from office.writing.richtext import MAX_LENGTH

_LINE = r"^[^\x00-\x1f\x7f]*$"
_TEXT = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*$"
_TITLE = "如何转发上级通知"
_BODY = "<p>打开收件箱，选择通知，点击“转发”。</p>"

Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100, pattern=_LINE)]


class ArticleIn(BaseModel):
    """An article."""

    model_config = ConfigDict(extra="forbid")

    title: Line = Field(description="标题，不重复", examples=[_TITLE])
    category: Line = Field(description="分类", examples=["通知"])
    position: int = Field(default=0, ge=0, le=10_000, description="分类内的次序，小的在前", examples=[10])
    body: Annotated[str, StringConstraints(min_length=1, max_length=MAX_LENGTH, pattern=_TEXT)] = Field(
        description="正文，HTML", examples=[_BODY]
    )

    def content(self) -> ArticleContent:
        """Convert to the model's content."""
        return ArticleContent(**self.model_dump())


class ArticleLine(BaseModel):
    """An article in a list."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID = Field(description="文章的标识")
    title: str = Field(description="标题", examples=[_TITLE])
    category: str = Field(description="分类", examples=["通知"])
    position: int = Field(description="分类内的次序", examples=[10])
    updated_at: datetime = Field(description="最近修改时间", examples=["2023-04-27T01:00:00Z"])
    version: int = Field(description="版本，即 ETag 引号内的数字", examples=[1])

    @classmethod
    def of_line(cls, article: Article) -> Self:
        """Convert an article, without its body."""
        return cls.model_validate(article)


class ArticleOut(ArticleLine):
    """An article."""

    body: str = Field(description="正文，HTML，可直接显示", examples=[_BODY])
    retired_at: datetime | None = Field(description="停用时间；在用的为空", examples=[None])

    @classmethod
    def of(cls, article: Article) -> Self:
        """Convert an article."""
        return cls.model_validate(article)


class ArticleVersionOut(BaseModel):
    """A version of an article."""

    version: int = Field(description="版本", examples=[1])
    at: datetime = Field(description="保存时间", examples=["2023-04-27T01:00:00Z"])
    by: UUID = Field(description="修改人的标识")
    author_name: str | None = Field(description="修改人姓名", examples=["王芳"])
    title: str = Field(description="当时的标题", examples=[_TITLE])
    category: str = Field(description="当时的分类", examples=["通知"])
    body: str = Field(description="当时的正文，HTML", examples=[_BODY])

    @classmethod
    def of(cls, view: VersionView) -> Self:
        """Convert a version."""
        return cls(
            version=view.version.version,
            at=view.version.at,
            by=view.version.by,
            author_name=view.author_name,
            title=view.content.title,
            category=view.content.category,
            body=view.content.body,
        )


class ArticleVersionsOut(BaseModel):
    """The versions of an article."""

    items: list[ArticleVersionOut] = Field(description="版本，从新到旧，最多 500 个")
