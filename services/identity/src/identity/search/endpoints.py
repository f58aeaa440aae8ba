"""REST API of searches."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from authkit.dependencies import REFUSALS
from authkit.errors import InsufficientScope, MembershipRequired, OutOfReach, PermissionRequired
from identity.accounts.errors import BadPhone
from identity.platform.auth import PeopleFinder, PhoneFinder
from identity.search.dependencies import PhoneLookupService, SearchService
from identity.search.errors import TooManyLookups, UnitRequired
from identity.search.schemas import FoundByPhoneOut, FoundPersonOut, PhoneIn
from identity.units.auth import NamesReader
from identity.units.errors import UnitNotFound
from identity.units.schemas import UnitOut
from servicekit import problems
from servicekit.paging import CountedPage, Paging

router = APIRouter(
    prefix="/api/v1/search",
    tags=["查找"],
    responses=problems.responses(*REFUSALS, InsufficientScope, MembershipRequired),
)

Text = Annotated[str, Query(min_length=1, max_length=50, description="要查找的内容")]


@router.get(
    "/people",
    summary="查找人员",
    description="按姓名、拼音、拼音首字母、单位、职务或手机号后四位查找，可用空格分隔多个词。"
    "有查看人员权限的，查找管辖范围内的人员；其他人查找本单位的人员，且不能用手机号。"
    "安全管理员和审计管理员须指定单位，不能用手机号。",
    responses=problems.responses(PermissionRequired, OutOfReach, UnitNotFound, UnitRequired),
)
async def search_people(
    finder: PeopleFinder,
    searches: SearchService,
    paging: Paging,
    q: Text,
    unit_id: Annotated[UUID | None, Query(description="只找该单位及其下级单位的人员")] = None,
) -> CountedPage[FoundPersonOut]:
    """Return people in the caller's reach, names that begin with the query first. Administrators of the
    platform name a unit.
    """
    found = await searches.people(finder, q, unit_id=unit_id, paging=paging)
    return found.page(lambda person: FoundPersonOut.model_validate(person))


@router.post(
    "/people/by-phone",
    summary="按完整手机号查找人员",
    description="有审核人员权限的，查找管辖范围内的人员；安全管理员查找任何人员。"
    "号码不在地址中传送；每次查找都记入审计日志，每人每小时最多 30 次。",
    responses=problems.responses(PermissionRequired, BadPhone, TooManyLookups),
)
async def find_person_by_phone(
    wanted: PhoneIn, finder: PhoneFinder, lookups: PhoneLookupService
) -> FoundByPhoneOut:
    """Return the person with a phone number, if the caller may see them. Recorded in the audit log."""
    return FoundByPhoneOut.of(await lookups.find(finder, wanted.phone))


@router.get(
    "/units",
    summary="查找单位",
    description="按名称、简称、拼音、拼音首字母或单位代码查找正常状态的单位，层级高的在前。",
    responses=problems.responses(UnitNotFound),
)
async def search_units(
    _: NamesReader,
    searches: SearchService,
    paging: Paging,
    q: Text,
    within: Annotated[UUID | None, Query(description="只找该单位及其下级单位")] = None,
) -> CountedPage[UnitOut]:
    """Return active units, for any member of a unit and the administrators of the platform."""
    found = await searches.units(q, within=within, paging=paging)
    return found.page(lambda unit: UnitOut.model_validate(unit))
