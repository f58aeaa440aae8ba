"""Registering by phone number, with the agreement to the current documents."""

from collections.abc import Mapping

from contracts.vocabulary import PolicyKind
from identity.accounts.models import Account
from identity.accounts.service import Accounts
from identity.policies.service import Policies


class Registrations:
    """Registrations within one request."""

    def __init__(self, accounts: Accounts, policies: Policies) -> None:
        self._accounts = accounts
        self._policies = policies

    async def register(
        self, phone: str, ticket: str, code: str, name: str, agreed: Mapping[PolicyKind, str]
    ) -> Account:
        """Register an account whose holder agrees to these versions of the documents.

        Raises `PolicyOutdated`, before the code counts as used, and the errors of `Accounts.register`.
        """
        self._policies.check(agreed)
        account = await self._accounts.register(phone, ticket, code, name)
        await self._policies.agree_to_all(account.id, agreed)
        return account
