"""Documents in versions, and who has agreed to them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from contracts.vocabulary import PolicyKind
from identity.audit.service import AuditLog
from identity.policies import rules
from identity.policies.errors import PolicyNotFound, PolicyOutdated
from identity.policies.models import Agreement
from identity.policies.repository import PolicyRepository
from identity.policies.rules import Document
from servicekit.clock import Clock


class DocumentChanged(Exception):
    """A document was changed without a new version."""


class Policies:
    """Documents and agreements within one request."""

    def __init__(
        self, session: AsyncSession, clock: Clock, audit: AuditLog, current: dict[PolicyKind, Document]
    ) -> None:
        self._clock = clock
        self._audit = audit
        self._rows = PolicyRepository(session)
        self.current = current
        """The current document of each kind."""

    async def publish(self) -> None:
        """Store the current versions, when the service starts.

        Raises `DocumentChanged` for another text under a known version: people would have agreed to something
        else.
        """
        for document in self.current.values():
            if await self._rows.publish(document, self._clock.now()) != document.text:
                raise DocumentChanged(f"{document.kind} {document.version}: a change needs a new version")

    def document(self, kind: str) -> Document:
        """Return a current document. Raises `PolicyNotFound`."""
        if kind not in set(PolicyKind):
            raise PolicyNotFound
        return self.current[PolicyKind(kind)]

    async def agree(self, sub: UUID, kind: PolicyKind, version: str | None = None) -> Document:
        """Record that a person agrees to the current version, which `version` must be if it is given;
        idempotent.

        Raises `PolicyOutdated`.
        """
        document = self.current[kind]
        if version is not None and version != document.version:
            raise PolicyOutdated
        await self._rows.agree(sub, document, self._clock.now())
        self._audit.record(actor=sub, action="policy.agreed", target=sub, kind=kind, version=document.version)
        return document

    def check(self, agreed: Mapping[PolicyKind, str]) -> None:
        """Raise `PolicyOutdated` unless these are the current versions of what everybody agrees to."""
        if rules.outdated(self.current, agreed):
            raise PolicyOutdated

    async def agree_to_all(self, sub: UUID, agreed: Mapping[PolicyKind, str]) -> None:
        """Record that a person agrees to what everybody agrees to, in these versions.

        Raises `PolicyOutdated`.
        """
        self.check(agreed)
        for kind in rules.REQUIRED:
            await self.agree(sub, kind, agreed[kind])

    async def withdraw(self, sub: UUID) -> None:
        """Record that a person withdraws the agreement to what everybody agrees to; idempotent. The caller
        ends the sessions: the next sign-in asks again.
        """
        if await self._rows.withdraw(sub, rules.REQUIRED, self._clock.now()):
            self._audit.record(actor=sub, action="policy.withdrawn", target=sub)

    async def load(self, people: Sequence[UUID], now: datetime) -> None:
        """Record that many people agree to the current versions, which are published."""
        if people:
            await self._rows.bulk_insert(people, [self.current[kind] for kind in rules.REQUIRED], now)

    async def agreements(self, sub: UUID) -> Sequence[Agreement]:
        """Return a person's agreements, oldest first."""
        return await self._rows.of(sub)

    async def missing(self, sub: UUID) -> list[Document]:
        """Return the documents whose current version a person has to agree to."""
        rows = await self._rows.of(sub)
        agreed = {(one.kind.value, one.version) for one in rows if one.withdrawn_at is None}
        return rules.missing(self.current, agreed)
