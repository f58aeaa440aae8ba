"""Who may see individual records, and the record of it."""

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Depends

from authkit import acr
from authkit.dependencies import check_sign_in
from authkit.errors import InsufficientUserAuthentication
from authkit.principal import Principal
from cockpit.access import rules
from cockpit.access.auth import Viewer
from cockpit.access.errors import CountyRequired
from servicekit.permissions import stepping_up


def _in_charge() -> Callable[[Principal], Awaitable[Principal]]:
    @stepping_up(acr.PASSWORD_SMS, acr.RECENT, InsufficientUserAuthentication)
    async def check(principal: Viewer) -> Principal:
        if principal.acting is None or principal.acting.level != rules.IN_CHARGE:
            raise CountyRequired
        check_sign_in(principal, acr.PASSWORD_SMS, acr.RECENT)
        return principal

    return check


InCharge = Annotated[Principal, Depends(_in_charge())]
"""Acts for the aid office of a county, and has signed in just now with more than a code by SMS."""
