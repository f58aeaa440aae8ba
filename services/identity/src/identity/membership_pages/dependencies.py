"""Pages that administrators of the platform cannot use."""

from typing import Annotated

from fastapi import Depends

from identity.pages.own import Own, OwnPages
from identity.platform.dependencies import PlatformService


async def _of_unit_people(own: Own, platform: PlatformService) -> OwnPages:
    # Not locked: the services refuse again when something changes.
    await platform.refuse_in_units(own.account.id)
    return own


OwnInUnits = Annotated[OwnPages, Depends(_of_unit_people)]
"""A page of somebody who belongs to a unit or may join one. Raises `NoUnitForAdministrators`."""
