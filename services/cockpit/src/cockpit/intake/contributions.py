"""Taking in of files, and withdrawal of batches, for those who may contribute figures."""

from collections.abc import AsyncIterable
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from authkit.principal import Principal
from cockpit.access.service import Access
from cockpit.intake.claiming import NewBatch
from cockpit.intake.errors import BatchCorrected
from cockpit.intake.loading import Checked
from cockpit.intake.receiving import Receiver
from cockpit.intake.reversing import Reversals, SucceededBy
from cockpit.intake.service import Batches, FoundBatch
from contracts.intake import BatchStatus
from servicekit.db import release


class Contributions:
    """Receive, check and withdraw for one request, whose transaction ends before the work begins."""

    def __init__(
        self,
        session: AsyncSession,
        access: Access,
        batches: Batches,
        receiver: Receiver,
        reversals: Reversals,
    ) -> None:
        self._session = session
        self._access = access
        self._batches = batches
        self._receiver = receiver
        self._reversals = reversals

    async def receive(
        self, actor: Principal, new: NewBatch, chunks: AsyncIterable[bytes]
    ) -> tuple[FoundBatch, bool]:
        """Receive a file. Return the batch, and whether this call committed it.

        Raises the errors of `errors`, `UnitNotFound`, `UnitOutOfReach` and `BodyTooLarge`.
        """
        new.check()
        unit = await self._access.unit(actor, new.unit, "intake.create")
        # The receiver opens its own transactions, and the duration of an upload is not bounded.
        await release(self._session)
        batch, ours = await self._receiver.receive(actor.sub, new, unit, chunks)
        return FoundBatch(batch, unit), ours

    async def check(self, actor: Principal, new: NewBatch, chunks: AsyncIterable[bytes]) -> Checked:
        """Judge a file as `receive` would, and keep nothing. Raises as `receive` does for the file itself."""
        new.check_words()
        unit = await self._access.unit(actor, new.unit, "intake.check")
        await release(self._session)
        return await self._receiver.check(new, unit, chunks)

    async def reverse(self, actor: Principal, batch_id: UUID) -> FoundBatch:
        """Reverse a batch: write its facts with the opposite sign, so that the two cancel out.

        Idempotent. Raises `BatchNotFound`, `UnitOutOfReach`, `BatchNotReversible`, `BatchCorrected`,
        `ReversalIncomplete`.
        """
        batch, unit = await self._batches.find(actor, batch_id, "intake.reverse")
        if batch.status is BatchStatus.REVERSED:
            return FoundBatch(batch, unit)
        batch.check_reversible()
        await release(self._session)
        try:
            return FoundBatch(await self._reversals.reverse(batch, actor.sub), unit)
        except SucceededBy as error:
            later = error.batch
            raise BatchCorrected.of(later.id) if actor.reaches(later.unit_path) else BatchCorrected from error
