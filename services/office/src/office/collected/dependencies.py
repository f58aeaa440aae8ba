"""Build the feature's service for each request."""

from typing import Annotated

from fastapi import Depends

from office.collected.service import Collection
from office.directory.dependencies import UnitService
from office.exports.dependencies import ExportService
from office.files.dependencies import AttachmentService
from office.forms.dependencies import FormService
from office.groups.dependencies import GroupService
from office.notices.dependencies import NoticeService
from servicekit.db import Session


async def _collection(
    session: Session,
    units: UnitService,
    notices: NoticeService,
    forms: FormService,
    exports: ExportService,
    files: AttachmentService,
    groups: GroupService,
) -> Collection:
    return Collection(session, units, notices, forms, exports, files, groups)


CollectionService = Annotated[Collection, Depends(_collection)]
