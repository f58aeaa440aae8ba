"""Statements that change the authority tree: for whole subtrees at once."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from sqlalchemy import Date, DateTime, Integer, Text, Uuid, any_, bindparam, func, literal, or_, select, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from contracts.vocabulary import UnitChangeKind, UnitStatus
from identity.units.changes import Occasion
from identity.units.models import Unit, UnitChange
from identity.units.repository import IN_FORCE
from servicekit.ltree import under
from servicekit.words import inline

_LOCK = "units.tree"
_PLACING = tuple(
    inline(kind)
    for kind in (
        UnitChangeKind.OPENED,
        UnitChangeKind.MOVED,
        UnitChangeKind.MERGED,
        UnitChangeKind.CLOSED,
    )
)
# A unit below one that moves keeps its parent; its path changes, and its version, so that copies follow.
_RELOCATE = text(
    """
    WITH root AS (SELECT id, path FROM units WHERE id = ANY(:roots)),
    moved AS (
        UPDATE units u
        SET path = text2ltree(:path) || subpath(u.path, :depth),
            parent_id = CASE WHEN u.id = root.id THEN :parent_id ELSE u.parent_id END,
            version = u.version + 1
        FROM root
        WHERE u.path <@ root.path
        RETURNING u.*, u.id = root.id AS is_root
    )
    INSERT INTO unit_changes (unit_id, version, changed_at, changed_by, state, code, parent_id, kind,
                              effective_on, reason, document_number, related_unit_id)
    SELECT id, version, :now, :by, jsonb_build_object(
               'code', code, 'name', name, 'short_name', short_name, 'level', level, 'kind', kind,
               'stages', stages, 'region_code', region_code, 'path', path::text, 'status', status,
               'duty_phone', duty_phone, 'address', address), code, parent_id,
           CASE WHEN is_root THEN 'moved' ELSE 'moved_with' END,
           :effective_on, :reason, :document_number, :related_unit_id
    FROM moved
    """
).bindparams(
    bindparam("roots", type_=ARRAY(Uuid)),
    bindparam("path", type_=Text),
    bindparam("depth", type_=Integer),
    bindparam("parent_id", type_=Uuid),
    bindparam("now", type_=DateTime(timezone=True)),
    bindparam("by", type_=Uuid),
    bindparam("effective_on", type_=Date),
    bindparam("reason", type_=Text),
    bindparam("document_number", type_=Text),
    bindparam("related_unit_id", type_=Uuid),
)


class TreeRepository:
    """Locks and set-based changes of the tree. Every change of structure holds `lock`."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def lock(self) -> None:
        """Wait until no other transaction changes the structure of the tree."""
        await self._session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(_LOCK, 0))))

    async def lock_subtree(self, path: str) -> int:
        """Lock a unit and all below it in the order of their paths. Return their number.

        Sign-in and all other reading go on; who joins one of the units waits.
        """
        rows = (
            select(Unit.id)
            .where(under(Unit.path, path))
            .order_by(Unit.path)
            .with_for_update(key_share=True)
            .subquery()
        )
        return await self._session.scalar(select(func.count()).select_from(rows)) or 0

    async def fresh(self, unit_id: UUID) -> Unit | None:
        """Return a unit, read anew, without a lock."""
        return await self._session.get(Unit, unit_id, populate_existing=True)

    async def locked(self, unit_id: UUID, *, share: bool = False) -> Unit | None:
        """Return a unit, locked and read anew."""
        mode = {"read": True} if share else {"key_share": True}
        return await self._session.get(Unit, unit_id, with_for_update=mode, populate_existing=True)

    async def relocate(
        self, roots: Sequence[UUID], depth: int, parent: Unit, at: Occasion, from_: UUID
    ) -> int:
        """Move units, with all below them, from one parent (`from_`, with `depth` labels) to another.

        Return the number of units. Objects of the session keep their old values; read them anew.
        """
        await self._session.flush()
        result = await self._session.execute(
            _RELOCATE,
            {
                "roots": list(roots),
                "path": parent.path,
                "depth": depth,
                "parent_id": parent.id,
                "now": at.now,
                "by": at.by,
                "effective_on": at.effective_on,
                "reason": at.reason,
                "document_number": at.document_number,
                "related_unit_id": from_,
            },
        )
        return int(getattr(result, "rowcount", 0))

    async def active_children(self, parent_id: UUID, among: Sequence[UUID] | None = None) -> Sequence[Unit]:
        """Return the active direct children, in the order of their paths; only those of `among`, if given."""
        statement = select(Unit).where(Unit.parent_id == parent_id, Unit.status == inline(UnitStatus.ACTIVE))
        if among is not None:
            statement = statement.where(Unit.id == any_(literal(list(among), ARRAY(Uuid))))
        statement = statement.order_by(Unit.path).execution_options(populate_existing=True)
        return (await self._session.scalars(statement)).all()

    async def last_change(self, unit_ids: Sequence[UUID]) -> date | None:
        """Return the latest date of a change of these units themselves."""
        return await self._session.scalar(
            select(func.max(UnitChange.effective_on)).where(
                UnitChange.unit_id == any_(literal(list(unit_ids), ARRAY(Uuid))), IN_FORCE
            )
        )

    async def last_placing(self, path: str) -> date | None:
        """Return the latest date on which the unit at `path`, or one above it, came to its place."""
        above = select(Unit.id).where(Unit.code == any_(literal(path.split("."), ARRAY(Text))))
        return await self._session.scalar(
            select(func.max(UnitChange.effective_on)).where(
                UnitChange.unit_id.in_(above), UnitChange.kind.in_(_PLACING)
            )
        )

    async def last_departure(self, parent_id: UUID) -> date | None:
        """Return the latest date on which a state of a unit directly below `parent_id` ended or, of those
        in force, began.
        """
        return await self._session.scalar(
            select(func.max(func.coalesce(UnitChange.valid_to, UnitChange.effective_on))).where(
                UnitChange.parent_id == parent_id,
                IN_FORCE,
                or_(UnitChange.valid_to.is_(None), UnitChange.valid_to > UnitChange.effective_on),
            )
        )
