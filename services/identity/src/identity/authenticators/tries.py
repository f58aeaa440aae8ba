"""Failed attempts: counted at the authenticator, or apart at a browser that the person has used for a day."""

from datetime import datetime
from uuid import UUID

from identity.authenticators.errors import AuthenticatorLocked
from identity.authenticators.models import Attempts
from identity.codes.rules import Budget
from identity.codes.service import Failures


class Tries:
    """Attempts of one request; without `failures` (in commands) they are counted at the authenticator."""

    def __init__(self, failures: Failures | None) -> None:
        self._failures = failures

    async def begin(self, row: Attempts, account: UUID, means: str, now: datetime) -> None:
        """Raise `AuthenticatorLocked` while locked, even for the right value."""
        own = self._own(account, means)
        if own is None:
            row.begin(now)
        elif await own[0].locked(own[1]):
            raise AuthenticatorLocked

    async def failed(self, row: Attempts, account: UUID, means: str, now: datetime) -> None:
        """Count a failed attempt."""
        own = self._own(account, means)
        if own is None:
            row.failed(now)
        else:
            await own[0].count(own[1])

    async def succeeded(self, row: Attempts, account: UUID, means: str) -> None:
        """Reset the count of failed attempts. A success at a browser of the person's own unlocks only this
        one.
        """
        own = self._own(account, means)
        if own is None:
            row.succeeded()
        else:
            await own[0].reset(own[1])

    def _own(self, account: UUID, means: str) -> tuple[Failures, Budget] | None:
        budget = None if self._failures is None else self._failures.budget(account, means)
        return None if self._failures is None or budget is None else (self._failures, budget)
