"""Changes of the authority tree with all that follows: people, tokens, suspensions, the audit log."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from authkit.principal import Principal
from identity.audit.service import AuditLog
from identity.base import job_queue
from identity.clients.registrars import Registrar
from identity.clients.states import ClientStates
from identity.reorganisation.errors import EndingNotFound
from identity.reorganisation.following import Following
from identity.reorganisation.models import UnitEnding
from identity.reorganisation.repository import ReorganisationRepository
from identity.reorganisation.settling import Settling
from identity.revocations.service import Revocations
from identity.units.models import Unit
from identity.units.schemas import ChangeIn, MergeIn, MoveIn, SplitIn
from identity.units.service import Units
from identity.units.structure import Relocation, UnitTree
from jobs.queue import JobView
from servicekit.etags import SeenVersions


class Reorganisation:
    """Changes of the tree for one request.

    Whoever acts at a place that moves gets a new token: the path in the old one no longer says what they
    reach.
    """

    def __init__(
        self,
        session: AsyncSession,
        tree: UnitTree,
        units: Units,
        settling: Settling,
        revocations: Revocations,
        audit: AuditLog,
        clients: ClientStates,
    ) -> None:
        self._clients = clients
        self._session = session
        self._tree = tree
        self._units = units
        self._settling = settling
        self._revocations = revocations
        self._audit = audit
        self._rows = ReorganisationRepository(session)
        self._following = Following(session, revocations)

    async def move(self, principal: Principal, unit_id: UUID, asked: MoveIn, seen: SeenVersions) -> Unit:
        """Move a unit, with all below it, to another parent. Raises the errors of `UnitTree.move`."""
        unit, moved = await self._tree.move(principal, unit_id, asked, seen)
        await self._following.moved(unit, moved, "unit moved")
        self._record(
            principal, "unit.moved", unit, asked, former=moved.left[0], path=unit.path, units=moved.units
        )
        return unit

    async def merge(self, principal: Principal, unit_id: UUID, asked: MergeIn, seen: SeenVersions) -> Unit:
        """Merge a unit into another one of its level: children and people move there, and it is closed.

        Returns the closed unit. Raises the errors of `UnitTree.absorb`.
        """
        unit, into, moved = await self._tree.absorb(principal, unit_id, asked, seen)
        await self._tree.close(unit, self._tree.occasion(principal, asked), into.id)
        ending = await self._settling.begin(unit, UUID(principal.sub))
        await self._rows.follow_suspensions(unit.path, into.path)
        clients = await self._clients.unit_ended(Registrar.of(principal), unit.id, into.id)
        self._following.revoke(unit, moved, "unit merged")
        self._record(
            principal,
            "unit.merged",
            unit,
            asked,
            into=str(into.id),
            units=moved.units,
            people=ending.people,
            clients=clients,
        )
        return unit

    async def split(self, principal: Principal, unit_id: UUID, asked: SplitIn, seen: SeenVersions) -> Unit:
        """Open a unit beside another one and move some of its children there.

        Returns the new unit. Raises the errors of `UnitTree.split`.
        """
        unit, moved = await self._tree.split(principal, unit_id, asked, seen)
        for former in moved.left:
            await self._rows.follow_suspensions(former, f"{unit.path}.{former.rpartition('.')[2]}")
        self._following.revoke(unit, moved, "unit moved")
        self._record(principal, "unit.split", unit, asked, split_from=str(unit_id), units=moved.units)
        return unit

    async def close(self, principal: Principal, unit_id: UUID, asked: ChangeIn, seen: SeenVersions) -> Unit:
        """Close a unit below the caller's own, without active units below it.

        Its people lose their membership there, and their entitlements for it, and their open work goes to the
        unit above; pending join requests are rejected (`Settling`). Tokens for acting there are revoked, and
        its clients are disabled. Raises `UnitNotFound`, `OutOfReach`, `OwnUnit`, `VersionChanged`,
        `UnitNotEmpty`, `UnitClosed`, `EffectiveInFuture`, `EffectiveTooEarly`.
        """
        occasion = self._tree.occasion(principal, asked)
        unit = await self._tree.to_close(principal, unit_id)
        unit.require_active()
        seen.require(unit.version)
        await self._tree.close(unit, occasion)
        ending = await self._settling.begin(unit, UUID(principal.sub))
        clients = await self._clients.unit_ended(Registrar.of(principal), unit.id, None)
        self._following.revoke(unit, Relocation([unit.path], 1), "unit closed")
        self._record(principal, "unit.closed", unit, asked, people=ending.people, clients=clients)
        return unit

    async def ending(self, principal: Principal, unit_id: UUID) -> tuple[UnitEnding, JobView | None]:
        """Return how far the end of a unit in the caller's subtree has come, and the job for its people.

        Raises `UnitNotFound`, `OutOfReach`, `EndingNotFound`.
        """
        unit = await self._units.within_reach(principal, unit_id)
        ending = await self._rows.ending(unit.id)
        if ending is None:
            raise EndingNotFound
        job = None if ending.job_id is None else await job_queue.get(self._session, ending.job_id)
        return ending, job

    def _record(
        self, principal: Principal, action: str, unit: Unit, asked: ChangeIn, **details: str | int
    ) -> None:
        self._audit.record(
            actor=principal.sub,
            action=action,
            target=unit.id,
            code=unit.code,
            reason=asked.reason,
            document_number=asked.document_number,
            **details,
        )
