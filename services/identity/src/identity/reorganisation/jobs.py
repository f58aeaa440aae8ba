"""Deals with the people of a large unit that has ended, a few in each transaction."""

from identity.reorganisation.dependencies import settling_for
from identity.reorganisation.kinds import BATCH, END, Reached, Which
from identity.settings import Settings
from identity.vault import Vault
from jobs.job import Job
from jobs.kinds import Handler
from servicekit.clock import Clock


class Ending:
    """Handler of `END`."""

    def __init__(self, settings: Settings, vault: Vault, clock: Clock) -> None:
        self._settings = settings
        self._vault = vault
        self._clock = clock

    async def run(self, job: Job[Which]) -> None:
        """End the rest of the memberships and reject the rest of the requests to join."""
        at = job.resume(Reached) or Reached()
        finished = False
        while not finished:
            async with job.transaction() as session:
                settling = settling_for(session, self._clock, self._vault, self._settings)
                done = await settling.go_on(job.payload.unit_id, at, BATCH)
                if done is None:
                    return
                ending, at = done
                finished = ending.finished_at is not None
                await job.checkpoint(
                    session,
                    at,
                    done=ending.settled,
                    total=ending.people,
                    message=f"已办理 {ending.settled} 人",
                )


def handler(settings: Settings, vault: Vault, clock: Clock) -> Handler[Which]:
    """Return the handler of the job."""
    return Handler(END, Ending(settings, vault, clock).run)
