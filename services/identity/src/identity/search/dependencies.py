"""Builds the feature's service for one request."""

from typing import Annotated

from fastapi import Depends, Request

from identity.accounts.dependencies import AccountService
from identity.audit.dependencies import AuditService
from identity.dependencies import ServiceVault
from identity.memberships.dependencies import MembershipService
from identity.search.lookups import PhoneLookups
from identity.search.service import Searches
from identity.units.dependencies import UnitService
from servicekit.db import Session
from servicekit.dependencies import ServiceClock


async def _searches(request: Request, session: Session, vault: ServiceVault, units: UnitService) -> Searches:
    return Searches(session, vault, units, request.app.state.search_frequencies)


async def _lookups(
    session: Session,
    clock: ServiceClock,
    accounts: AccountService,
    memberships: MembershipService,
    audit: AuditService,
) -> PhoneLookups:
    return PhoneLookups(session, clock, accounts, memberships, audit)


PhoneLookupService = Annotated[PhoneLookups, Depends(_lookups)]
SearchService = Annotated[Searches, Depends(_searches)]
