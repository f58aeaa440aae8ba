"""Statements that open and change the units of one batch of rows."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Date, DateTime, Integer, Text, Uuid, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from identity.units.changes import Occasion

# Whether a path is below the root is compared as text: the index of codes finds the one unit of each row, and
# a plan that reads the whole subtree for each row would be much slower.
_OCCASION = (
    bindparam("now", type_=DateTime(timezone=True)),
    bindparam("by", type_=Uuid),
    bindparam("effective_on", type_=Date),
    bindparam("reason", type_=Text),
    bindparam("document_number", type_=Text),
)
_ROWS = (bindparam("id", type_=Uuid), bindparam("numbers", type_=ARRAY(Integer)))
_OPEN = text(
    """
    WITH opened AS (
        INSERT INTO units (id, code, name, short_name, level, kind, stages, region_code, parent_id, path,
                           status, version, opened_at, duty_phone, address)
        SELECT r.unit_id, r.code, r.name, coalesce(r.short_name, left(r.name, 50)), r.level, r.kind,
               r.stages, coalesce(r.region_code, p.region_code), p.id, p.path || text2ltree(r.code),
               'active', 1, :now, r.duty_phone, r.address
        FROM unnest(:numbers) chosen (number)
        JOIN unit_import_rows r ON r.import_id = :id AND r.number = chosen.number
        JOIN units p ON p.code = r.parent_code
        WHERE r.result = 'new' AND p.status = 'active'
          AND starts_with(p.path::text || '.', :root || '.')
          AND (:effective_on >= (:now AT TIME ZONE 'Asia/Shanghai')::date OR NOT EXISTS (
              SELECT FROM units over JOIN unit_changes placed ON placed.unit_id = over.id
              WHERE over.code = ANY(string_to_array(p.path::text, '.'))
                AND placed.effective_on > :effective_on
                AND placed.kind IN ('opened', 'moved', 'merged', 'closed')
          ))
        ON CONFLICT (code) DO NOTHING
        RETURNING *
    ), kept AS (
        INSERT INTO unit_changes (unit_id, version, changed_at, changed_by, state, code, parent_id, kind,
                                  effective_on, reason, document_number)
        SELECT id, version, :now, :by, jsonb_build_object(
                   'code', code, 'name', name, 'short_name', short_name, 'level', level, 'kind', kind,
                   'stages', stages, 'region_code', region_code, 'path', path::text, 'status', status,
                   'duty_phone', duty_phone, 'address', address),
               code, parent_id, 'opened', :effective_on, :reason, :document_number
        FROM opened
    )
    SELECT id FROM opened
    """
).bindparams(*_OCCASION, *_ROWS, bindparam("root", type_=Text))
_LOCK = text(
    """
    SELECT u.id FROM unnest(:numbers) chosen (number)
    JOIN unit_import_rows r ON r.import_id = :id AND r.number = chosen.number
    JOIN units u ON u.id = r.unit_id
    WHERE r.result = 'changed' AND u.version = r.seen_version AND u.status = 'active'
      AND starts_with(u.path::text || '.', :root || '.')
    ORDER BY u.path FOR NO KEY UPDATE OF u
    """
).bindparams(*_ROWS, bindparam("root", type_=Text))
_CHANGE = text(
    """
    WITH changed AS (
        UPDATE units u
        SET name = r.name, short_name = r.short_name, stages = r.stages, region_code = r.region_code,
            duty_phone = r.duty_phone, address = r.address, version = u.version + 1
        FROM unnest(:numbers) chosen (number)
        JOIN unit_import_rows r ON r.import_id = :id AND r.number = chosen.number
        JOIN unnest(:ids) changing (id) ON changing.id = r.unit_id
        JOIN units old ON old.id = r.unit_id
        WHERE u.id = r.unit_id
        RETURNING u.*, old.name <> r.name AS renamed
    )
    INSERT INTO unit_changes (unit_id, version, changed_at, changed_by, state, code, parent_id, kind,
                              effective_on, reason, document_number)
    SELECT id, version, :now, :by, jsonb_build_object(
               'code', code, 'name', name, 'short_name', short_name, 'level', level, 'kind', kind,
               'stages', stages, 'region_code', region_code, 'path', path::text, 'status', status,
               'duty_phone', duty_phone, 'address', address),
           code, parent_id, CASE WHEN renamed THEN 'renamed' ELSE 'amended' END, :effective_on, :reason,
           :document_number
    FROM changed
    """
).bindparams(*_OCCASION, *_ROWS, bindparam("ids", type_=ARRAY(Uuid)))
_APPLIED = text(
    """
    UPDATE unit_import_rows r SET applied = true
    FROM unnest(:numbers) chosen (number)
    WHERE r.import_id = :id AND r.number = chosen.number AND r.unit_id IN (SELECT unnest(:ids))
    """
).bindparams(*_ROWS, bindparam("ids", type_=ARRAY(Uuid)))


class ApplyRepository:
    """Rows of one import, by their numbers. Each statement compares again what the check has seen."""

    def __init__(self, session: AsyncSession, import_id: UUID, numbers: Sequence[int], at: Occasion) -> None:
        self._session = session
        self._rows: dict[str, Any] = {"id": import_id, "numbers": list(numbers)}
        self._occasion = {
            "now": at.now,
            "by": at.by,
            "effective_on": at.effective_on,
            "reason": at.reason,
            "document_number": at.document_number,
        }

    async def open(self, root_path: str) -> Sequence[UUID]:
        """Open the new units whose parents are active and within `root_path`. Return their ids."""
        values = {**self._rows, **self._occasion, "root": root_path}
        return (await self._session.scalars(_OPEN, values)).all()

    async def lock(self, root_path: str) -> set[UUID]:
        """Lock the units to change that are as the check has seen them. Return their ids."""
        return set(await self._session.scalars(_LOCK, {**self._rows, "root": root_path}))

    async def change(self, ids: Sequence[UUID]) -> None:
        """Give these units the attributes of their rows; their states before have been ended."""
        await self._session.execute(_CHANGE, {**self._rows, **self._occasion, "ids": list(ids)})

    async def note(self, ids: Sequence[UUID]) -> None:
        """Note the rows of these units as applied."""
        await self._session.execute(_APPLIED, {**self._rows, "ids": list(ids)})
