"""The API of the address book."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query, Response

from contracts.documents import ContactField
from office.actors import Member
from office.contacts.dependencies import ContactExportService, ContactPaging, ContactService
from office.contacts.errors import ContactsHidden, TooManyContacts, UnitHidden
from office.contacts.schemas import ContactExportIn, ContactOut, PersonOut, UnitCardOut, UnitPageOut
from office.directory.errors import REFUSALS
from office.exports.errors import TooManyExports
from office.exports.schemas import ExportOut
from servicekit.paging import BadCursor, CountedPage
from servicekit.problems import NotFound, responses

router = APIRouter(prefix="/api/v1/contacts", tags=["通讯录"])

UnitId = Annotated[UUID, Path(description="单位的标识")]
_UNIT = (*REFUSALS, NotFound, UnitHidden)


@router.get("/units/{unit_id}", summary="单位主页", responses=responses(*_UNIT))
async def get_contact_unit(unit_id: UnitId, actor: Member, contacts: ContactService) -> UnitPageOut:
    """单位的上级、值班电话、地址、人数和沿革。可以查看本单位、上级、下级和平级单位。"""
    return UnitPageOut.of_view(await contacts.unit(actor, unit_id))


@router.get("/units/{unit_id}/children", summary="通讯录中的下级单位", responses=responses(*_UNIT, BadCursor))
async def list_contact_units(
    unit_id: UnitId, actor: Member, contacts: ContactService, paging: ContactPaging
) -> CountedPage[UnitCardOut]:
    """直接下级单位，按代码排列，含人数。查看上级单位的下级，即平级单位，只有值班电话。"""
    page, total = await contacts.children(actor, unit_id, paging)
    return CountedPage(items=[UnitCardOut.of(one) for one in page.items], next=page.next, total=total)


@router.get(
    "/units/{unit_id}/people",
    summary="单位的人员",
    responses=responses(*_UNIT, ContactsHidden, BadCursor),
)
async def list_contacts(
    unit_id: UnitId, actor: Member, contacts: ContactService, paging: ContactPaging
) -> CountedPage[ContactOut]:
    """本单位、下级单位和直接上级单位的人员，按姓名排列，每页最多 50 人。"""
    page, total = await contacts.people(actor, unit_id, paging)
    return CountedPage(items=[ContactOut.of(one) for one in page.items], next=page.next, total=total)


@router.get("/people", summary="查找人员", responses=responses(*_UNIT, ContactsHidden, BadCursor))
async def search_contacts(
    actor: Member,
    contacts: ContactService,
    paging: ContactPaging,
    q: Annotated[
        str,
        Query(
            min_length=1,
            max_length=50,
            pattern=r"^[^\x00-\x1f\x7f]+$",
            description="姓名、拼音、拼音首字母、单位或职务，可用空格分隔多个词；有“查看人员”权限的，也可用手机号后四位",
            examples=["wxm"],
        ),
    ],
    unit_id: Annotated[UUID | None, Query(description="只找该单位及其下级单位的人员")] = None,
) -> CountedPage[ContactOut]:
    """本单位、下级单位和直接上级单位的人员，姓名以所查内容开头的在前。在多个单位任职的，每个单位一条。"""
    page, total = await contacts.search(actor, q, paging, unit_id=unit_id)
    return CountedPage(items=[ContactOut.of(one) for one in page.items], next=page.next, total=total)


@router.get("/people/{sub}", summary="查看人员", responses=responses(*REFUSALS, NotFound))
async def get_contact(
    sub: Annotated[UUID, Path(description="人员的标识")], actor: Member, contacts: ContactService
) -> PersonOut:
    """该人在可见单位的任职。"""
    posts = await contacts.person(actor, sub)
    viewer = await contacts.viewer(actor)
    return PersonOut(
        sub=sub,
        name=posts[0].name,
        full_phone=any(viewer.sees(one.relation, ContactField.FULL_PHONE) for one in posts),
        posts=[ContactOut.of(one) for one in posts],
    )


@router.post(
    "/exports",
    summary="导出通讯录",
    status_code=202,
    responses=responses(*_UNIT, ContactsHidden, TooManyContacts, TooManyExports),
)
async def export_contacts(
    actor: Member, body: ContactExportIn, exports: ContactExportService, response: Response
) -> ExportOut:
    """在后台按单位或按分组生成 Excel 工作簿或电子名片，一次最多 5000 人。须有“查看人员”权限，
    只含本单位和下级单位。

    文件注明导出人、单位和时间，提出和下载均留痕。
    """
    if body.group_id is not None:
        view = await exports.start_group(actor, body.group_id, format=body.format)
    else:
        assert body.unit_id is not None
        view = await exports.start(actor, body.unit_id, below=body.below, format=body.format)
    response.headers["Location"] = f"/api/v1/exports/{view.export.id}"
    return ExportOut.of_view(view)
