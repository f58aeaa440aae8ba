"""What the portal does after its database was restored from a backup: `python -m portal restored`."""

from collections.abc import Sequence

from portal.sessions.repository import SessionRepository
from portal.settings import Settings
from servicekit.db import Database


async def restored(_: Settings, database: Database, _ahead: bool) -> Sequence[str]:
    """End all sessions: Identity has ended its own, so their tokens are of no use."""
    async with database.transaction() as session:
        ended = await SessionRepository(session).forget_all()
    return [f"{ended} sessions have ended"]
