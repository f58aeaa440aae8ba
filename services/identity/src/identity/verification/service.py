"""Real-name checks: the outside call runs between two transactions, its outcome is recorded."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from contracts.vocabulary import PolicyKind, RealNameOutcome
from identity.accounts.models import Account
from identity.accounts.service import Accounts, name_of
from identity.audit.service import AuditLog
from identity.memberships.service import Memberships
from identity.policies.service import Policies
from identity.vault import Vault
from identity.verification import rules
from identity.verification.errors import (
    AlreadyVerified,
    BadIdNumber,
    IdNumberDiffers,
    NameChanged,
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


def _keep_once(account: Account, name: str) -> None:
    if account.verified_at is not None and name == account.name:
        raise AlreadyVerified


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
        memberships: Memberships,
    ) -> None:
        self._session = session
        self._clock = clock
        self._vault = vault
        self._accounts = accounts
        self._audit = audit
        self._provider = provider
        self._policies = policies
        self._memberships = memberships
        self._rows = CheckRepository(session)

    @property
    def provider(self) -> str:
        """Return the provider's name."""
        return self._provider.name

    def id_number(self, text: str) -> str:
        """Return an identity number in its one form. Raises `BadIdNumber`."""
        return id_number_of(text, self._clock.now())

    async def verify(
        self, sub: UUID, id_text: str, *, consent: bool, name_text: str | None = None
    ) -> Account:
        """Verify the real name of an account; another name, if given, replaces it when the provider matches.

        A verified account is checked again only to correct its name, with the same number.
        Commits before the provider is asked. Raises `SeparateConsentRequired`, `BadIdNumber`, `BadName`,
        `AlreadyVerified`, `NameChanged`, `IdNumberDiffers`, `IdNumberTaken`, `TooManyCorrections` and the
        errors of `check`.
        """
        number = self.id_number(id_text)
        account = await self._accounts.get(sub)
        name = account.name if name_text is None else name_of(name_text)
        _keep_once(account, name)
        await self.check(name, number, consent=consent, subject=f"account:{sub}", account_id=sub)
        account = await self._accounts.get(sub, lock=True)
        _keep_once(account, name)
        if name_text is None and name != account.name:
            raise NameChanged
        # Compared after the check only, which is counted: nobody can try numbers out.
        if account.verified_at is not None and not self._accounts.has_id_number(account, number):
            raise IdNumberDiffers
        corrected = name != account.name
        # All or nothing, also for a page, which shows the error and commits.
        async with self._session.begin_nested():
            if corrected:
                await self._accounts.correct_name(account, name)
            await self.verified(account, number)
            if corrected:
                await self._memberships.changed(account)
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
