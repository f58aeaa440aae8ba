"""The job that brings all stored values to the keys in use."""

from pydantic import BaseModel

from identity.audit.service import AuditLog
from identity.encryption.fields import FIELDS
from identity.encryption.service import Encryption
from identity.search.service import SearchIndex
from identity.vault import Vault
from jobs.job import Job
from jobs.kinds import Kind, PermanentFailure
from servicekit.clock import Clock

_BATCH = 500
_PASSES = 5


class Rotation(BaseModel):
    """The versions of the keys that everything is to be written with."""

    encryption: int
    index: int


class Position(BaseModel):
    """Where a pass over the columns stands: all values of column `field` up to the key `after` are done."""

    number: int = 1
    field: int = 0
    after: str | None = None
    done: int = 0
    changed: int = 0
    """Values that the pass has changed."""
    renewed: int = 0
    """Values that all passes have changed."""


class Rotated(BaseModel):
    """How many values were written anew, in how many passes."""

    renewed: int
    passes: int


ROTATE = Kind("identity.encryption.rotate", Rotation, concurrency=1)


class OtherKeys(RuntimeError):
    """A process of another deployment took the job: it writes with other keys than the job is for."""


class KeyRotation:
    """Handler of the job."""

    def __init__(self, vault: Vault, clock: Clock, *, batch: int = _BATCH) -> None:
        self._vault = vault
        self._clock = clock
        self._batch = batch

    async def run(self, job: Job[Rotation]) -> Rotated:
        """Pass over all columns until a pass finds nothing to change: a value that was written with the old
        key behind the pass is found by the next one.

        Raises `OtherKeys`, and `PermanentFailure` if some process still writes with the old key.
        """
        mine = (self._vault.encryption_version, self._vault.index_version)
        if mine != (job.payload.encryption, job.payload.index):
            raise OtherKeys(f"this process writes with the keys {mine}, the job is for {job.payload}")
        at = job.resume(Position) or Position()
        async with job.transaction() as session:
            total = await Encryption(session, self._vault).total()
        while at.number <= _PASSES:
            while at.field < len(FIELDS):
                at = await self._step(job, at, total)
            if at.changed == 0:
                return await self._end(job, at)
            at = Position(number=at.number + 1, renewed=at.renewed)
        raise PermanentFailure(
            "values are still being written with another key: is every process deployed anew?"
        )

    async def _step(self, job: Job[Rotation], at: Position, total: int) -> Position:
        field = FIELDS[at.field]
        async with job.transaction() as session:
            after = None if at.after is None else field.parse(at.after)
            batch = await Encryption(session, self._vault).renew(field, after, self._batch)
            following = Position(
                number=at.number,
                field=at.field + (batch.last is None),
                after=None if batch.last is None else str(batch.last),
                done=at.done + batch.read,
                changed=at.changed + batch.changed,
                renewed=at.renewed + batch.changed,
            )
            await job.checkpoint(
                session,
                following,
                done=following.done,
                total=max(total, following.done),
                message=f"第 {at.number} 遍：已检查 {following.done} 条，更换 {following.changed} 条",
            )
        return following

    async def _end(self, job: Job[Rotation], at: Position) -> Rotated:
        async with job.transaction() as session:
            # The last four digits of phone numbers are found by a keyed index, too.
            await SearchIndex(session).renew()
            AuditLog(session, self._clock).record(
                actor="operator",
                action="encryption.rotated",
                target=None,
                encryption=job.payload.encryption,
                index=job.payload.index,
                renewed=at.renewed,
                job=str(job.id),
            )
        return Rotated(renewed=at.renewed, passes=at.number)
