"""What Identity does after its database was restored from a backup: `python -m identity restored`."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from contracts.identity import HandOverRequestedV1
from identity.audit.service import AuditLog
from identity.base import outbox
from identity.member_changes.repository import HandOverRepository
from identity.sessions.repository import SessionRepository
from identity.settings import Settings
from identity.units.repository import UnitRepository
from servicekit.clock import SystemClock
from servicekit.db import Database

OPERATOR = "operator"


async def restored(_: Settings, database: Database, _ahead: bool) -> Sequence[str]:
    """End all sign-ins, and ask again for hand-overs that nobody has acknowledged.

    What ended after the moment of the backup has not ended in it: a session that its owner has ended because
    of a lost phone, a refresh token that was used since, a device that was removed. So all sign in anew.
    """
    async with database.transaction() as session:
        ended = await SessionRepository(session).forget_all()
        asked = await _ask_again(session)
        AuditLog(session, SystemClock()).record(
            actor=OPERATOR, action="database.restored", target=None, sessions=ended, hand_overs=asked
        )
    return [
        f"{ended} sessions and all tokens have ended: people, devices and wall displays sign in again",
        f"{asked} hand-overs are asked for again",
    ]


async def _ask_again(session: AsyncSession) -> int:
    """Send the requests that may have been in the broker's queues, which are empty now."""
    units, rows = UnitRepository(session), await HandOverRepository(session).open()
    for row in rows:
        unit = await units.get(row.unit_id)
        heir = None if row.successor_unit_id is None else await units.get(row.successor_unit_id)
        assert unit is not None
        event = HandOverRequestedV1(
            hand_over_id=row.id,
            sub=row.account_id,
            unit_id=unit.id,
            unit_path=unit.path,
            successor=row.successor_id,
            requested_at=row.requested_at,
            successor_unit_id=None if heir is None else heir.id,
            successor_unit_path=None if heir is None else heir.path,
        )
        outbox.add(session, event, subject=row.id)
    return len(rows)
