"""Real-name checks: the outside call runs between two transactions, its outcome is recorded."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from contracts.vocabulary import PolicyKind, RealNameOutcome
from identity.accounts.models import Account
from identity.accounts.service import Accounts
from identity.audit.service import AuditLog
from identity.policies.service import Policies
from identity.vault import Vault
from identity.verification import rules
from identity.verification.errors import (
    AlreadyVerified,
    BadIdNumber,
    RealNameMismatch,
    RealNameUnavailable,
    SeparateConsentRequired,
    TooManyChecks,
)
from identity.verification.models import RealNameCheck
from identity.verification.providers import Answer, RealNameProvider
from identity.verification.repository import CheckRepository
from identity.verification.rules import IdFault
from servicekit.clock import SHANGHAI, Clock
from servicekit.db import release
from servicekit.ids import new_id


def id_number_of(text: str, now: datetime) -> str:
    """Return an identity number in its one form. Raises `BadIdNumber`."""
    read = rules.read_id_number(text, now.astimezone(SHANGHAI).date())
    if isinstance(read, IdFault):
        raise BadIdNumber(read.value)
    return read


class RealNames:
    """Real-name checks for one request."""

    def __init__(
        self,
        session: AsyncSession,
        clock: Clock,
        vault: Vault,
        accounts: Accounts,
        audit: AuditLog,
        provider: RealNameProvider,
        policies: Policies,
    ) -> None:
        self._session = session
        self._clock = clock
        self._vault = vault
        self._accounts = accounts
        self._audit = audit
        self._provider = provider
        self._policies = policies
        self._rows = CheckRepository(session)

    @property
    def provider(self) -> str:
        """Return the provider's name."""
        return self._provider.name

    def id_number(self, text: str) -> str:
        """Return an identity number in its one form. Raises `BadIdNumber`."""
        return id_number_of(text, self._clock.now())

    async def verify(self, sub: UUID, id_text: str, *, consent: bool) -> Account:
        """Verify the real name of an account.

        Commits before the provider is asked. Raises `SeparateConsentRequired`, `BadIdNumber`,
        `AlreadyVerified`, `IdNumberTaken` and the errors of `check`.
        """
        number = self.id_number(id_text)
        account = await self._accounts.get(sub)
        if account.verified_at is not None:
            raise AlreadyVerified
        await self.check(account.name, number, consent=consent, subject=f"account:{sub}", account_id=sub)
        account = await self._accounts.get(sub, lock=True)
        if account.verified_at is not None:
            raise AlreadyVerified
        await self.verified(account, number)
        return account

    async def verified(self, account: Account, number: str) -> None:
        """Record the identity number and the separate consent to it, after a check; the account is locked or
        new.

        Raises `IdNumberTaken`.
        """
        await self._accounts.verified(account, number, self.provider)
        await self._policies.agree(account.id, PolicyKind.ID_NUMBER)
        self._audit.record(
            actor=account.id, action="account.verified", target=account.id, provider=self.provider
        )

    async def check(
        self, name: str, number: str, *, consent: bool, subject: str, account_id: UUID | None = None
    ) -> None:
        """Ask the provider, outside of any transaction, and record the outcome: what the request has written
        before is committed, and the next statement begins a new transaction.

        `subject` is who is checked, for the limit of a day. Raises `SeparateConsentRequired`,
        `TooManyChecks`, `RealNameMismatch`, `RealNameUnavailable`.
        """
        if not consent:
            raise SeparateConsentRequired
        now = self._clock.now()
        index = self._vault.index("real-name-subject", subject)
        # Counted before the provider is asked, one request after another: each check costs money.
        await self._rows.serialise(index)
        if await self._rows.count_since(index, now - rules.DAY) >= rules.CHECKS_A_DAY:
            raise TooManyChecks
        check = RealNameCheck(
            id=new_id(),
            subject=index,
            account_id=account_id,
            provider=self.provider,
            outcome=RealNameOutcome.UNAVAILABLE,
            at=now,
        )
        self._rows.add(check)
        await release(self._session)
        answer = await self._provider.check(name, number, key=str(check.id))
        self._record(check, answer)
        if answer.outcome == RealNameOutcome.MISMATCHED:
            raise RealNameMismatch
        if answer.outcome == RealNameOutcome.UNAVAILABLE:
            raise RealNameUnavailable

    def _record(self, check: RealNameCheck, answer: Answer) -> None:
        check.outcome, check.reference = answer.outcome, answer.reference
        self._audit.record(
            actor=check.account_id,
            action="real_name.checked",
            target=check.account_id,
            provider=self.provider,
            outcome=answer.outcome,
        )
