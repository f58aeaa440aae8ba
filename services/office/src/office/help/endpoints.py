"""The API of help."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query, Response

from authkit.errors import PermissionRequired
from office.actors import Member
from office.directory.errors import REFUSALS
from office.help import errors
from office.help.auth import HelpWriter
from office.help.dependencies import HelpService
from office.help.schemas import ArticleIn, ArticleLine, ArticleOut, ArticleVersionOut, ArticleVersionsOut
from servicekit.etags import PreconditionRequired, RequiredIfMatch, VersionChanged, etag
from servicekit.paging import BadCursor, CountedPage, Paging
from servicekit.problems import NotFound, responses

router = APIRouter(prefix="/api/v1/help-articles", tags=["帮助"])

_KEEPING = (*REFUSALS, PermissionRequired, errors.OnlyCentre)
_WRITING = (errors.ClassifiedArticleRefused, errors.ArticleTooDeep, errors.ArticleTitleTaken)
ArticleId = Annotated[UUID, Path(description="文章的标识")]
_LINE = r"^[^\x00-\x1f\x7f]+$"


@router.post("", summary="新建帮助文章", status_code=201, responses=responses(*_KEEPING, *_WRITING))
async def create_article(
    actor: HelpWriter, body: ArticleIn, articles: HelpService, response: Response
) -> ArticleOut:
    """由中心的单位管理员、签发人维护，保存后系统内所有人可以查看。"""
    article = await articles.create(actor, body.content())
    response.headers["ETag"] = etag(article.version)
    response.headers["Location"] = f"{router.prefix}/{article.id}"
    return ArticleOut.of(article)


@router.get("", summary="帮助文章列表", responses=responses(*REFUSALS, BadCursor))
async def list_articles(
    _: Member,
    articles: HelpService,
    paging: Paging,
    category: Annotated[
        str | None, Query(max_length=100, pattern=_LINE, description="只列该分类的", examples=["通知"])
    ] = None,
    q: Annotated[
        str | None,
        Query(
            min_length=1,
            max_length=50,
            pattern=_LINE,
            description="标题、分类或正文中的文字；多个词以空格分开，须都出现",
            examples=["转发"],
        ),
    ] = None,
) -> CountedPage[ArticleLine]:
    """在用的文章，按分类和次序。"""
    return (await articles.list(paging, category=category, words=q)).page(ArticleLine.of_line)


@router.get("/{article_id}", summary="查看帮助文章", responses=responses(*REFUSALS, NotFound))
async def get_article(
    article_id: ArticleId, _: Member, articles: HelpService, response: Response
) -> ArticleOut:
    """系统内所有人可以查看；停用的文章仍可按标识查看。"""
    article = await articles.get(article_id)
    response.headers["ETag"] = etag(article.version)
    return ArticleOut.of(article)


@router.put(
    "/{article_id}",
    summary="修改帮助文章",
    responses=responses(*_KEEPING, NotFound, *_WRITING, VersionChanged, PreconditionRequired),
)
async def change_article(
    article_id: ArticleId,
    actor: HelpWriter,
    body: ArticleIn,
    articles: HelpService,
    response: Response,
    seen: RequiredIfMatch,
) -> ArticleOut:
    """整篇替换，原内容保留为旧版本。If-Match 必填。"""
    article = await articles.change(actor, article_id, body.content(), seen)
    response.headers["ETag"] = etag(article.version)
    return ArticleOut.of(article)


@router.delete(
    "/{article_id}", summary="停用帮助文章", status_code=204, responses=responses(*_KEEPING, NotFound)
)
async def retire_article(article_id: ArticleId, actor: HelpWriter, articles: HelpService) -> None:
    """不再列出；已引用的仍可查看。"""
    await articles.retire(actor, article_id)


@router.get("/{article_id}/versions", summary="帮助文章的各个版本", responses=responses(*REFUSALS, NotFound))
async def list_article_versions(
    article_id: ArticleId, _: Member, articles: HelpService
) -> ArticleVersionsOut:
    """从新到旧。"""
    return ArticleVersionsOut(
        items=[ArticleVersionOut.of(view) for view in await articles.versions(article_id)]
    )


@router.get(
    "/{article_id}/versions/{number}", summary="查看帮助文章的版本", responses=responses(*REFUSALS, NotFound)
)
async def get_article_version(
    article_id: ArticleId,
    number: Annotated[int, Path(ge=1, le=2**31 - 1, description="版本号", examples=[2])],
    _: Member,
    articles: HelpService,
) -> ArticleVersionOut:
    """引用文章时所见的版本。"""
    return ArticleVersionOut.of(await articles.version(article_id, number))
