"""Builds the feature's service for one request."""

from typing import Annotated

from fastapi import Depends

from identity.accounts.dependencies import AccountService
from identity.policies.dependencies import PolicyService
from identity.registration.service import Registrations


async def _registrations(accounts: AccountService, policies: PolicyService) -> Registrations:
    return Registrations(accounts, policies)


RegistrationService = Annotated[Registrations, Depends(_registrations)]
