"""Signing (签收) and reading (已读) within one request: what units and people do by the thousand.

They run on a lane: a lock, one query for all that decides, the rules here, one statement for all that
follows (docs/adr/0034-lanes.md).
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from authkit.errors import OutOfReach
from contracts.documents import NoticeKind
from contracts.office import NoticeSignedV1
from contracts.vocabulary import NoticeStatus, UnitStatus
from office.actors import Actor
from office.base import outbox
from office.counters.rules import group_of, is_counted
from office.directory.errors import UnitInactive
from office.directory.models import Unit
from office.dispatches.rules import is_late
from office.notices.models import check_published
from office.notices.service import check_seen
from office.receipts.errors import NotDelivered
from office.receipts.lane_repository import LaneRepository
from office.receipts.models import Signature
from office.returns.errors import NoReceiptNeeded, NoticeReturned, OwnNotice
from replica.errors import UnitNotReplicated
from servicekit.clock import Clock
from servicekit.lanes import Lane
from servicekit.problems import NotFound


@dataclass(frozen=True)
class SignedNotice:
    """A signature, the names of the unit and the person, and for 代签 the unit that signed."""

    signature: Signature
    unit_name: str
    name: str | None
    signing_unit: Unit | None


class Receiving:
    """Sign and mark received notices as read."""

    def __init__(self, lane: Lane, clock: Clock) -> None:
        self._clock = clock
        self._receipts = LaneRepository(lane)

    async def sign(self, actor: Actor, notice_id: UUID) -> tuple[SignedNotice, bool]:
        """Acknowledge receipt for the unit (签收). Return the signature, and whether it is new.

        Raises `UnitNotReplicated`, `UnitInactive`, `NotFound` before delivery, `OwnNotice`,
        `NoReceiptNeeded`, `NoticeReturned`, and as `Notice.check_published` does.
        """
        found = await self._circulating(actor, notice_id)
        if found.publisher_id == actor.unit_id:
            raise OwnNotice
        return await self._sign(actor, notice_id, actor.unit_id, found, None, None)

    async def sign_for(
        self, actor: Actor, notice_id: UUID, unit_id: UUID, reason: str
    ) -> tuple[SignedNotice, bool]:
        """Acknowledge receipt for a unit below that cannot do so itself (代签), and record why.

        Return the signature, and whether it is new. Raises as `sign` does but `OwnNotice`, and `OutOfReach`,
        `NotDelivered`.
        """
        await self._circulating(actor, notice_id)
        found = await self._receipts.signing(notice_id, unit_id, actor.sub)
        if found is None:
            raise NotFound
        if not actor.reaches(found.unit_path) or unit_id == actor.unit_id:
            raise OutOfReach
        if found.unit_status != UnitStatus.ACTIVE:
            raise OutOfReach
        if found.forwarding_id is None or found.publisher_id == unit_id:
            raise NotDelivered
        return await self._sign(actor, notice_id, unit_id, found, actor.unit_id, reason)

    async def read(self, actor: Actor, notice_id: UUID) -> datetime | None:
        """Record that the person has read the notice. Return the first time; None for the publisher's people.

        Raises `UnitNotReplicated`, `UnitInactive`, `NotFound`, and as `Notice.check_published` does.
        """
        await self._receipts.hold_for_reader(notice_id, actor.unit_id)
        found = await self._receipts.reading(notice_id, actor.unit_id, actor.sub)
        _check_circulating(actor, found)
        if found.publisher_id == actor.unit_id:
            return None
        first: datetime | None = found.read_at
        if first is not None:
            return first
        now = self._clock.now()
        new = await self._receipts.read(
            notice_id,
            actor.unit_id,
            actor.sub,
            at=now,
            group=group_of(found.unit_path),
            found=found,
            counted=is_counted(found.placed_at, found.published_at),
        )
        if new:
            return now
        return (await self._receipts.reading(notice_id, actor.unit_id, actor.sub)).read_at  # type: ignore[no-any-return]

    async def _circulating(self, actor: Actor, notice_id: UUID) -> Any:
        """Return what decides about a signature of the actor's unit, and keep the notice from being withdrawn
        until the transaction ends.

        Take the time of what happens to it afterwards, so that it is not later than a withdrawal.
        """
        await self._receipts.hold(notice_id)
        found = await self._receipts.signing(notice_id, actor.unit_id, actor.sub)
        _check_circulating(actor, found)
        return found

    async def _sign(
        self,
        actor: Actor,
        notice_id: UUID,
        unit_id: UUID,
        found: Any,
        by_unit: UUID | None,
        reason: str | None,
    ) -> tuple[SignedNotice, bool]:
        if found.kind == NoticeKind.ANNOUNCEMENT:
            raise NoReceiptNeeded
        if found.returned:
            raise NoticeReturned
        now = self._clock.now()
        signature = Signature(
            notice_id=notice_id,
            unit_id=unit_id,
            signed_by=actor.sub,
            signed_at=now,
            late=is_late(now, found.deadline),
            signing_unit_id=by_unit,
            reason=reason,
            counted=is_counted(found.placed_at, found.published_at),
        )
        event = NoticeSignedV1(
            notice_id=notice_id,
            unit_id=unit_id,
            unit_path=found.unit_path,
            signed_by=actor.sub,
            signed_at=now,
            signing_unit_id=by_unit,
        )
        recorded = outbox.record(event, subject=notice_id)
        # Also if it has signed before: it may have returned the notice since, and been sent it again.
        new = await self._receipts.sign(signature, found, group_of(found.unit_path), recorded)
        if new:
            return await self._signed(signature, found), True
        if found.signed_by is None:
            # Another request of the unit was faster.
            found = await self._receipts.signing(notice_id, unit_id, actor.sub)
        first = Signature(
            notice_id=notice_id,
            unit_id=unit_id,
            signed_by=found.signed_by,
            signed_at=found.signed_at,
            late=found.late,
            signing_unit_id=found.signing_unit_id,
            reason=found.reason,
        )
        return await self._signed(first, found), False

    async def _signed(self, signature: Signature, found: Any) -> SignedNotice:
        by_unit = None
        if signature.signing_unit_id is not None:
            by_unit = await self._receipts.unit(signature.signing_unit_id)
        return SignedNotice(signature, found.unit_name, found.signer_name, by_unit)


def _check_circulating(actor: Actor, found: Any) -> None:
    """Raise unless the actor's unit is active and has published or received the notice, which circulates."""
    if found is None:
        raise UnitNotReplicated
    if found.unit_status != UnitStatus.ACTIVE:
        raise UnitInactive
    if found.notice_status is None:
        raise NotFound
    status = NoticeStatus(found.notice_status)
    if found.publisher_id == actor.unit_id:
        check_seen(actor, status)
    elif found.published_at is None or found.forwarding_id is None:
        raise NotFound
    check_published(status)
