"""Build the feature's service for each request."""

from typing import Annotated

from fastapi import Depends

from office.contacts.dependencies import PickingService
from office.grouping.service import Grouping
from office.groups.dependencies import GroupService


async def _grouping(groups: GroupService, picking: PickingService) -> Grouping:
    return Grouping(groups, picking)


GroupingService = Annotated[Grouping, Depends(_grouping)]
