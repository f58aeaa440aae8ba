"""What Identity does after its database was restored from a backup: `python -m identity restored`."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from identity.audit.service import AuditLog
from identity.base import outbox
from identity.member_changes import events
from identity.member_changes.repository import HandOverRepository
from identity.sessions.repository import SessionRepository
from identity.settings import Settings
from servicekit.clock import SystemClock
from servicekit.db import Database

OPERATOR = "operator"
_AT_ONCE: Final = 500


async def restored(_: Settings, database: Database, _ahead: bool) -> Sequence[str]:
    """End all sign-ins, and ask again for hand-overs that nobody has acknowledged.

    What ended after the moment of the backup has not ended in it: a session that its owner has ended because
    of a lost phone, a refresh token that was used since, a device that was removed. So all sign in anew.
    """
    async with database.transaction() as session:
        ended = await SessionRepository(session).forget_all()
        AuditLog(session, SystemClock()).record(
            actor=OPERATOR, action="database.restored", target=None, sessions=ended
        )
    asked = await _ask_again(database)
    return [
        f"{ended} sessions and all tokens have ended: people, devices and wall displays sign in again",
        f"{asked} hand-overs are asked for again",
    ]


async def _ask_again(database: Database) -> int:
    """Send the requests that may have been in the broker's queues, which are empty now."""
    asked, after, more = 0, UUID(int=0), True
    while more:
        async with database.transaction() as session:
            found = await HandOverRepository(session).open(after, _AT_ONCE)
            for row, unit, heir in found:
                outbox.add(session, events.requested(row, unit, heir), subject=row.id)
                asked, after = asked + 1, row.id
        more = len(found) == _AT_ONCE
    return asked
