"""What Office does after its database was restored from a backup: `python -m office restored`."""

from collections.abc import Sequence
from typing import Final

from filekit.store import FileStore
from office.base import job_queue, replica_tables
from office.directory.models import FormerPlace, Person, RoleAllowance, Unit
from office.files.repository import FileRepository
from office.live.feed_repository import FeedRepository
from office.settings import Settings
from replica.replica import Replica
from servicekit.db import Database

_AT_ONCE: Final = 1000
_NAMED: Final = 20


async def restored(settings: Settings, database: Database, ahead: bool) -> Sequence[str]:
    """Have the replica read anew and browsers reload, and look for files without content."""
    replica = Replica(
        Unit, replica_tables, job_queue, person=Person, former_place=FormerPlace, role=RoleAllowance
    )
    async with database.transaction() as session:
        await replica.distrust(session, ahead=ahead)
        await FeedRepository(session).begin_epoch()
    said = ["units, people and roles are read from Identity at the next start"]
    store = settings.file_store()
    return [*said, *([] if store is None else await _files(database, store))]


async def _files(database: Database, store: FileStore) -> list[str]:
    count, lost, after = 0, list[str](), b""
    more = True
    while more:
        async with database.transaction() as session:
            digests = await FileRepository(session).contents(after, _AT_ONCE)
        for digest in digests:
            count, after = count + 1, digest
            if not await store.exists(digest):
                lost.append(digest.hex())
        more = len(digests) == _AT_ONCE
    named = [f"no content: {digest}" for digest in lost[:_NAMED]]
    return [f"{count} contents of files are named, {len(lost)} of them are not in the store", *named]
