"""Build the feature's service for each request."""

from typing import Annotated

from fastapi import Depends, Query, Request

from office.contacts.exporting import ContactExports
from office.contacts.picking import Picking
from office.contacts.service import Contacts
from office.directory.dependencies import UnitService
from office.exports.dependencies import ExportService
from office.groups.dependencies import GroupService
from servicekit.db import Session
from servicekit.paging import PageRequest


async def _contacts(request: Request, session: Session, units: UnitService) -> Contacts:
    return Contacts(session, units, request.app.state.search_frequencies)


ContactService = Annotated[Contacts, Depends(_contacts)]


async def _picking(session: Session, contacts: ContactService, units: UnitService) -> Picking:
    return Picking(session, contacts, units)


PickingService = Annotated[Picking, Depends(_picking)]


async def _exports(
    session: Session,
    contacts: ContactService,
    units: UnitService,
    groups: GroupService,
    exports: ExportService,
) -> ContactExports:
    return ContactExports(session, contacts, units, groups, exports)


ContactExportService = Annotated[ContactExports, Depends(_exports)]


class _FewPeople(PageRequest):
    """A page of at most 50 rows: nobody reads the whole book."""

    def __init__(
        self,
        limit: Annotated[int, Query(ge=1, le=50, description="每页条数，最多 50")] = 50,
        cursor: Annotated[str | None, Query(max_length=512, description="上一页返回的 next")] = None,
    ) -> None:
        super().__init__(limit, cursor)


ContactPaging = Annotated[_FewPeople, Depends()]
