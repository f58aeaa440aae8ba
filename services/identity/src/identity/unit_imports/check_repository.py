"""Judging the rows of an import against each other and against the tree, in statements over all rows.

The rows are compared once, into a temporary table. Then new units are placed below their parents, level by
level, so that a row is right only if all new units above it are. The result is written in one pass.
"""

from datetime import date
from typing import Any

from sqlalchemy import Date, Integer, Text, Uuid, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from contracts.vocabulary import Level
from identity.unit_imports.models import UnitImport
from servicekit.db import plan_with_values

MOST_LEVELS = 20
"""New units of a file that may stand above each other; the administration has six levels."""

# Blank cells keep what an existing unit has; an empty text removes it.
_COMPARE = """
CREATE TEMP TABLE import_judged ON COMMIT DROP AS
WITH r AS (
    SELECT *, min(number) OVER same AS first, lead(number) OVER (same ORDER BY number) AS next,
           array_position(:levels, level) AS rank
    FROM unit_import_rows WHERE import_id = :id WINDOW same AS (PARTITION BY code)
),
f AS (SELECT code, number, rank FROM r WHERE number = first AND code IS NOT NULL),
compared AS (
    SELECT r.*, u.id AS existing_id, u.version, u.path, u.status AS old_status, u.parent_id,
           u.level AS old_level, u.kind AS old_kind, old.code AS old_parent,
           p.id AS above_id, p.path AS above_path, p.status AS above_status, f.number AS above_number,
           coalesce(array_position(:levels, p.level), f.rank) AS above_rank,
           u.id IS NOT NULL AND r.parent_code IS NOT NULL AND r.parent_code IS DISTINCT FROM old.code
               AS moving,
           CASE WHEN u.id IS NULL THEN '{}' ELSE array_remove(ARRAY[
               CASE WHEN r.name <> u.name THEN 'name' END,
               CASE WHEN r.short_name <> u.short_name THEN 'short_name' END,
               CASE WHEN NOT (r.stages @> u.stages AND r.stages <@ u.stages) THEN 'stages' END,
               CASE WHEN r.region_code IS DISTINCT FROM u.region_code AND r.region_code IS NOT NULL
                    THEN 'region_code' END,
               CASE WHEN r.duty_phone <> coalesce(u.duty_phone, '') THEN 'duty_phone' END,
               CASE WHEN r.address <> coalesce(u.address, '') THEN 'address' END
           ], NULL) END AS differing,
           coalesce(r.name, u.name) AS new_name, coalesce(r.short_name, u.short_name) AS new_short_name,
           coalesce(r.region_code, u.region_code) AS new_region_code,
           nullif(coalesce(r.duty_phone, u.duty_phone), '') AS new_duty_phone,
           nullif(coalesce(r.address, u.address), '') AS new_address
    FROM r
    LEFT JOIN units u ON u.code = r.code
    LEFT JOIN units old ON old.id = u.parent_id
    LEFT JOIN units p ON p.code = r.parent_code
    LEFT JOIN f ON f.code = r.parent_code AND f.number <> r.number AND p.id IS NULL
)
SELECT number, coalesce(existing_id, unit_id) AS unit_id, version AS seen_version, above_number AS above,
       coalesce(parent_code, old_parent) AS parent_code, moving, differing, new_name, new_short_name,
       new_region_code, new_duty_phone, new_address,
       errors || array_remove(ARRAY[
    CASE WHEN code IS NOT NULL AND number <> first THEN format('“单位代码”与第 %s 行重复', first)
         WHEN code IS NOT NULL AND next IS NOT NULL THEN format('“单位代码”与第 %s 行重复', next) END,
    CASE WHEN NOT path <@ text2ltree(:root) THEN '该单位不在管辖范围内' END,
    CASE WHEN old_status = 'closed' AND status IS DISTINCT FROM 'closed' THEN '该单位已撤销'
         WHEN old_status = 'closed' AND (moving OR differing <> '{}') THEN '该单位已撤销，不能变更'
         WHEN status = 'closed' AND existing_id IS NULL THEN '新单位的“状态”不能是已撤销'
         WHEN status = 'closed' AND old_status = 'active' THEN '撤销单位不能通过导入办理' END,
    CASE WHEN level <> old_level THEN '已有单位的“层级”不能变更' END,
    CASE WHEN kind <> old_kind THEN '已有单位的“类别”不能变更' END,
    CASE WHEN existing_id = :root_id AND moving THEN '本单位的隶属关系由上级单位的管理员变更' END,
    CASE WHEN existing_id IS NULL AND parent_code IS NULL THEN '新单位缺少“上级单位代码”'
         WHEN existing_id IS NOT NULL AND NOT moving THEN NULL
         WHEN parent_code = code THEN '上级单位不能是该单位自己'
         WHEN above_id IS NULL AND above_number IS NULL
              THEN format('上级单位 %s 不存在，文件中也没有', parent_code)
         WHEN above_status = 'closed' THEN format('上级单位 %s 已撤销', parent_code)
         WHEN NOT above_path <@ text2ltree(:root) THEN format('上级单位 %s 不在管辖范围内', parent_code)
         WHEN above_path <@ path THEN '新的上级单位现在是该单位的下级' END,
    CASE WHEN (existing_id IS NULL OR moving)
              AND (rank < above_rank OR (rank = above_rank AND kind <> 'nutrition'))
         THEN format('“层级”必须低于上级单位 %s', parent_code) END
    ], NULL) AS errors
FROM compared
"""
# Only for a date in the past: nothing has a date in the future.
_DATES = """
UPDATE import_judged j
SET errors = j.errors || format('生效日期不能早于 %s：该单位或上级单位在这一天有变更', d.earliest)
FROM (
    SELECT j.number, max(h.effective_on) AS earliest
    FROM import_judged j
    LEFT JOIN units p ON p.code = j.parent_code AND (j.seen_version IS NULL OR j.moving)
    JOIN LATERAL (
        SELECT max(own.effective_on) AS effective_on FROM unit_changes own
        WHERE own.unit_id = j.unit_id AND own.kind <> 'moved_with' AND (j.moving OR j.differing <> '{}')
        UNION ALL
        SELECT max(placed.effective_on)
        FROM units over JOIN unit_changes placed ON placed.unit_id = over.id
        WHERE over.code = ANY(string_to_array(p.path::text, '.'))
          AND placed.kind IN ('opened', 'moved', 'merged', 'closed')
    ) h ON h.effective_on > :effective_on
    GROUP BY j.number
) d
WHERE d.number = j.number
"""
# `because` is the nearest wrong row, from the top. A row that is not reached is in a circle, or below one.
_PLACE = """
CREATE TEMP TABLE import_placed ON COMMIT DROP AS
WITH RECURSIVE placed AS (
    SELECT number, 1 AS depth, CASE WHEN errors <> '{}' THEN number END AS because
    FROM import_judged WHERE above IS NULL
    UNION ALL
    SELECT j.number, a.depth + 1, coalesce(a.because, CASE WHEN j.errors <> '{}' THEN j.number END)
    FROM placed a JOIN import_judged j ON j.above = a.number
    WHERE a.depth < :most
)
SELECT * FROM placed
"""
_RECORD = """
UPDATE unit_import_rows r
SET unit_id = j.unit_id, seen_version = j.seen_version, parent_code = j.parent_code, moves = j.moving,
    differs = j.differing <> '{}', name = j.new_name, short_name = j.new_short_name,
    region_code = j.new_region_code, duty_phone = j.new_duty_phone, address = j.new_address,
    changes = j.differing || CASE WHEN j.moving THEN ARRAY['parent_code'] ELSE '{}' END,
    depth = CASE WHEN j.seen_version IS NULL OR j.moving THEN coalesce(p.depth, 0) ELSE 0 END,
    errors = j.errors || CASE
        WHEN p.number IS NULL THEN ARRAY['上级单位的关系成循环，或超过 20 层']
        WHEN p.because <> j.number THEN ARRAY[format('上级单位所在的第 %s 行有错误', p.because)]
        ELSE '{}' END,
    result = CASE WHEN p.number IS NULL OR p.because IS NOT NULL THEN 'wrong'
                  WHEN j.seen_version IS NULL THEN 'new'
                  WHEN j.moving OR j.differing <> '{}' THEN 'changed' ELSE 'unchanged' END
FROM import_judged j LEFT JOIN import_placed p ON p.number = j.number
WHERE r.import_id = :id AND r.number = j.number
"""
_COUNTS = """
SELECT count(*), count(*) FILTER (WHERE result = 'new'), count(*) FILTER (WHERE result = 'changed'),
       count(*) FILTER (WHERE result = 'unchanged'), count(*) FILTER (WHERE result = 'wrong')
FROM unit_import_rows WHERE import_id = :id
"""
_TYPES: dict[str, Any] = {
    "id": Uuid,
    "root": Text,
    "root_id": Uuid,
    "levels": ARRAY(Text),
    "effective_on": Date,
    "most": Integer,
}


class CheckRepository:
    """Statements over all rows of one import."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def judge(self, of: UnitImport, root_path: str, today: date) -> None:
        """Judge all rows and count the results; they have not been judged yet."""
        await plan_with_values(self._session)
        await self._run("SET LOCAL work_mem = '64MB'")
        # Statistics of the rows that have just been added, for plans that join all of them.
        await self._run("ANALYZE unit_import_rows")
        levels = [level.value for level in Level]
        await self._run(_COMPARE, id=of.id, root=root_path, root_id=of.root_id, levels=levels)
        await self._run("ANALYZE import_judged")
        if of.effective_on < today:
            await self._run(_DATES, effective_on=of.effective_on)
        await self._run(_PLACE, most=MOST_LEVELS)
        await self._run("ANALYZE import_placed")
        await self._run(_RECORD, id=of.id)
        of.total, of.new, of.changed, of.unchanged, of.wrong = (await self._run(_COUNTS, id=of.id)).one()

    async def _run(self, statement: str, **values: Any) -> Any:
        typed = [bindparam(name, type_=_TYPES[name]) for name in values]
        return await self._session.execute(text(statement).bindparams(*typed), values)
