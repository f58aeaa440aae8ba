"""REST API of the changes of a unit, with the names of who made them. Above units, which know no people."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from authkit.dependencies import REFUSALS
from authkit.errors import InsufficientScope, MembershipRequired
from contracts.vocabulary import UnitChangeKind
from identity.directory.dependencies import DirectoryService
from identity.units.auth import NamesReader
from identity.units.dependencies import UnitViewService
from identity.units.errors import UnitNotFound
from identity.units.schemas import UnitChangeOut
from servicekit import problems
from servicekit.paging import CountedPage, Paging

router = APIRouter(
    prefix="/api/v1",
    tags=["单位"],
    responses=problems.responses(*REFUSALS, MembershipRequired, InsufficientScope, UnitNotFound),
)


@router.get("/units/{unit_id}/history", summary="单位沿革", description="该单位的所有变更，从新到旧。")
async def list_unit_history(
    unit_id: UUID,
    _: NamesReader,
    views: UnitViewService,
    directory: DirectoryService,
    paging: Paging,
    change: Annotated[UnitChangeKind | None, Query(description="变更的种类")] = None,
) -> CountedPage[UnitChangeOut]:
    """Return the changes of a unit, the newest first."""
    return await directory.named_page(await views.history(unit_id, change, paging))
