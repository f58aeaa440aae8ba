"""The API of groups and favourites."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Response

from office.actors import Member
from office.directory.errors import REFUSALS
from office.grouping.dependencies import GroupingService
from office.grouping.schemas import (
    FavouriteOut,
    FavouritesOut,
    GroupContentIn,
    GroupIn,
    GroupLine,
    GroupOut,
    GroupsOut,
    PickIn,
)
from office.groups import errors
from servicekit.etags import PreconditionRequired, RequiredIfMatch, VersionChanged, etag
from servicekit.problems import NotFound, responses

router = APIRouter(prefix="/api/v1", tags=["通讯录"])

GroupId = Annotated[UUID, Path(description="分组的标识")]
_WRITING = (*REFUSALS, errors.SharedGroupReadOnly, errors.GroupNameTaken, errors.ContactNotVisible)
_CHANGING = (*_WRITING, NotFound, VersionChanged, PreconditionRequired)


@router.get("/contact-groups", summary="分组列表", responses=responses(*REFUSALS))
async def list_contact_groups(actor: Member, grouping: GroupingService) -> GroupsOut:
    """本人在当前单位的分组，和单位共享分组。"""
    return GroupsOut(items=[GroupLine.of_group(one) for one in await grouping.list(actor)])


@router.post(
    "/contact-groups",
    summary="新建分组",
    status_code=201,
    responses=responses(*_WRITING, errors.TooManyGroups),
)
async def create_contact_group(
    actor: Member, body: GroupIn, grouping: GroupingService, response: Response
) -> GroupOut:
    """成员须在通讯录中可见。单位共享分组由有“起草通知”权限的人维护，单位所有人可用。"""
    view = await grouping.create(actor, body.scope, body.name, body.picks())
    response.headers["ETag"] = etag(view.group.version)
    response.headers["Location"] = f"{router.prefix}/contact-groups/{view.group.id}"
    return GroupOut.of(view)


@router.get("/contact-groups/{group_id}", summary="查看分组", responses=responses(*REFUSALS, NotFound))
async def get_contact_group(
    group_id: GroupId, actor: Member, grouping: GroupingService, response: Response
) -> GroupOut:
    """成员的现状：单位已撤销、已并入其他单位，或已不在该单位的，照样列出并注明。"""
    view = await grouping.get(actor, group_id)
    response.headers["ETag"] = etag(view.group.version)
    return GroupOut.of(view)


@router.put("/contact-groups/{group_id}", summary="修改分组", responses=responses(*_CHANGING))
async def change_contact_group(
    group_id: GroupId,
    actor: Member,
    body: GroupContentIn,
    grouping: GroupingService,
    response: Response,
    seen: RequiredIfMatch,
) -> GroupOut:
    """名称和成员整体替换。If-Match 必填。已在分组中的成员，即使现已不可见，也可以保留。"""
    view = await grouping.change(actor, group_id, body.name, body.picks(), seen)
    response.headers["ETag"] = etag(view.group.version)
    return GroupOut.of(view)


@router.delete(
    "/contact-groups/{group_id}",
    summary="删除分组",
    status_code=204,
    responses=responses(
        *REFUSALS, errors.SharedGroupReadOnly, NotFound, VersionChanged, PreconditionRequired
    ),
)
async def delete_contact_group(
    group_id: GroupId, actor: Member, grouping: GroupingService, seen: RequiredIfMatch
) -> None:
    """If-Match 必填。草稿中使用了该分组的，须重新选择主送范围才能发布。"""
    await grouping.delete(actor, group_id, seen)


@router.get("/contact-favourites", summary="常用联系人", responses=responses(*REFUSALS))
async def list_contact_favourites(actor: Member, grouping: GroupingService) -> FavouritesOut:
    """本人在当前单位的常用联系人，最多 200 个。"""
    return FavouritesOut(items=[FavouriteOut.of_favourite(*one) for one in await grouping.favourites(actor)])


@router.post(
    "/contact-favourites",
    summary="加入常用联系人",
    status_code=201,
    responses=responses(*REFUSALS, errors.ContactNotVisible, errors.TooManyFavourites),
)
async def add_contact_favourite(
    actor: Member, body: PickIn, grouping: GroupingService, response: Response
) -> FavouriteOut:
    """单位或人员；已在常用联系人中的不会重复加入。"""
    favourite, picked = await grouping.keep(actor, body.pick())
    response.headers["Location"] = f"{router.prefix}/contact-favourites/{favourite.id}"
    return FavouriteOut.of_favourite(favourite, picked)


@router.delete(
    "/contact-favourites/{favourite_id}",
    summary="移出常用联系人",
    status_code=204,
    responses=responses(*REFUSALS, NotFound),
)
async def delete_contact_favourite(
    favourite_id: Annotated[UUID, Path(description="常用联系人的标识")],
    actor: Member,
    grouping: GroupingService,
) -> None:
    """只能移出本人的。"""
    await grouping.drop(actor, favourite_id)
