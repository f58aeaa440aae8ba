"""Revokes the tokens of everybody who holds a role that allows less than before."""

from datetime import timedelta
from uuid import UUID

from pydantic import BaseModel

from identity.revocations.service import Revocations
from identity.role_changes.repository import RoleChangeRepository
from jobs.job import Job
from jobs.kinds import Handler, Kind
from servicekit.clock import Clock

BATCH = 500
"""People in one transaction."""


class Narrowed(BaseModel):
    """A role that was retired or lost permissions."""

    code: str


class Reached(BaseModel):
    """The last membership, then the last delegation, and the people so far."""

    membership: UUID | None = None
    memberships_done: bool = False
    delegation: UUID | None = None
    people: int = 0


REVOKE = Kind("identity.roles.revoke", Narrowed, concurrency=2, stall=timedelta(minutes=5))


class HolderRevocation:
    """Revokes the tokens of the holders of a role, and of those to whom it is delegated.

    Tokens issued since the change have the new permissions already; older ones end within minutes anyway.
    """

    def __init__(self, clock: Clock, token_seconds: int) -> None:
        self._clock = clock
        self._token_seconds = token_seconds

    async def run(self, job: Job[Narrowed]) -> None:
        """Go through the holders, a batch in each transaction."""
        code, at = job.payload.code, job.resume(Reached) or Reached()
        while True:
            async with job.transaction() as session:
                rows = RoleChangeRepository(session)
                if not at.memberships_done:
                    found = await rows.holders(code, after=at.membership, limit=BATCH)
                    at = at.model_copy(
                        update={
                            "membership": found[-1][0] if found else at.membership,
                            "memberships_done": len(found) < BATCH,
                        }
                    )
                    more = True
                else:
                    found = await rows.delegates(code, self._clock.now(), after=at.delegation, limit=BATCH)
                    at = at.model_copy(update={"delegation": found[-1][0] if found else at.delegation})
                    more = len(found) == BATCH
                revocations = Revocations(session, self._clock, self._token_seconds)
                for sub in dict.fromkeys(account for _, account in found):
                    revocations.revoke(sub, reason="role changed")
                at = at.model_copy(update={"people": at.people + len(found)})
                await job.checkpoint(session, at, done=at.people, message=f"已撤销令牌 {at.people} 人")
            if not more:
                return


def handler(clock: Clock, token_seconds: int) -> Handler[Narrowed]:
    """Return the handler of the job."""
    return Handler(REVOKE, HolderRevocation(clock, token_seconds).run)
