"""Withdrawing the agreement to the documents that everybody agrees to (PIPL article 15)."""

from uuid import UUID

from identity.accounts.service import Accounts
from identity.policies.service import Policies
from identity.sessions.service import Sessions


class Withdrawal:
    """The withdrawal of a person's agreement within one request."""

    def __init__(self, accounts: Accounts, policies: Policies, sessions: Sessions) -> None:
        self._accounts = accounts
        self._policies = policies
        self._sessions = sessions

    async def withdraw(self, sub: UUID) -> None:
        """Withdraw the agreement: all sessions end and all tokens are revoked. The next sign-in leads to the
        page of agreeing, from which the person can still export data and close the account.
        """
        await self._accounts.get(sub, lock=True)
        await self._policies.withdraw(sub)
        await self._sessions.end_all(sub, "agreement withdrawn")
