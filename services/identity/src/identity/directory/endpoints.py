"""REST API that resolves ids of people and units to names."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from authkit.dependencies import REFUSALS
from authkit.errors import InsufficientScope, MembershipRequired
from identity.directory.dependencies import DirectoryService
from identity.directory.schemas import PersonNameOut, UnitNameOut
from identity.directory.service import MOST_IDS
from identity.units.auth import NamesReader
from servicekit import problems

router = APIRouter(
    prefix="/api/v1",
    tags=["名称查询"],
    responses=problems.responses(*REFUSALS, InsufficientScope, MembershipRequired),
)

Ids = Annotated[
    list[UUID], Query(min_length=1, max_length=MOST_IDS, description="要查询的标识，可重复，最多 100 个")
]


@router.get("/people", summary="按标识查询姓名", description="只返回姓名和主要单位；不存在的标识不返回。")
async def resolve_people(_: NamesReader, directory: DirectoryService, ids: Ids) -> list[PersonNameOut]:
    """Return names and units of people, by id. Unknown ids are omitted."""
    return [PersonNameOut.of(named) for named in await directory.people(ids)]


@router.get("/units", summary="按标识查询单位名称", description="只返回名称；不存在的标识不返回。")
async def resolve_units(_: NamesReader, directory: DirectoryService, ids: Ids) -> list[UnitNameOut]:
    """Return names of units, by id. Unknown ids are omitted."""
    return [UnitNameOut.model_validate(named) for named in await directory.units(ids)]
