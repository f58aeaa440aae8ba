"""Judging the rows of an import against each other and against the tree, in statements over all rows."""

from typing import Any

from sqlalchemy import Text, Uuid, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from contracts.vocabulary import Level
from identity.unit_imports.models import UnitImport

_ID = bindparam("id", type_=Uuid)
_ROOT = bindparam("root", type_=Text)
_ROOT_ID = bindparam("root_id", type_=Uuid)
_LEVELS = bindparam("levels", type_=ARRAY(Text))
_DUPLICATES = text(
    """
    WITH twice AS (
        SELECT code, min(number) AS first, (array_agg(number ORDER BY number))[2] AS second
        FROM unit_import_rows WHERE import_id = :id AND code IS NOT NULL GROUP BY code HAVING count(*) > 1
    )
    UPDATE unit_import_rows r
    SET errors = r.errors || format('“单位代码”与第 %s 行重复',
                                    CASE WHEN r.number = t.first THEN t.second ELSE t.first END)
    FROM twice t WHERE r.import_id = :id AND r.code = t.code
    """
).bindparams(_ID)
# Blank cells keep what an existing unit has.
_EXISTING = text(
    """
    WITH known AS (
        SELECT r.number, u.id, u.version, p.code AS parent_code,
               coalesce(r.name, u.name) AS name, coalesce(r.short_name, u.short_name) AS short_name,
               coalesce(r.region_code, u.region_code) AS region_code,
               coalesce(r.duty_phone, u.duty_phone) AS duty_phone, coalesce(r.address, u.address) AS address,
               r.parent_code IS NOT NULL AND r.parent_code IS DISTINCT FROM p.code AS moves,
               (coalesce(r.name, u.name), coalesce(r.short_name, u.short_name),
                coalesce(r.region_code, u.region_code), coalesce(r.duty_phone, u.duty_phone),
                coalesce(r.address, u.address))
               IS DISTINCT FROM (u.name, u.short_name, u.region_code, u.duty_phone, u.address)
               OR NOT (u.stages @> r.stages AND u.stages <@ r.stages) AS differs,
               array_remove(ARRAY[
                   CASE WHEN NOT u.path <@ text2ltree(:root) THEN '该单位不在管辖范围内' END,
                   CASE WHEN u.status = 'closed' THEN '该单位已撤销' END,
                   CASE WHEN u.level <> r.level THEN '已有单位的“层级”不能变更' END,
                   CASE WHEN u.kind <> r.kind THEN '已有单位的“类别”不能变更' END,
                   CASE WHEN u.id = :root_id AND r.parent_code IS DISTINCT FROM p.code
                             AND r.parent_code IS NOT NULL
                        THEN '本单位的隶属关系由上级单位的管理员变更' END
               ], NULL) AS wrong
        FROM unit_import_rows r JOIN units u ON u.code = r.code LEFT JOIN units p ON p.id = u.parent_id
        WHERE r.import_id = :id
    )
    UPDATE unit_import_rows r
    SET unit_id = k.id, seen_version = k.version, name = k.name, short_name = k.short_name,
        region_code = k.region_code, duty_phone = k.duty_phone, address = k.address,
        parent_code = coalesce(r.parent_code, k.parent_code), moves = k.moves, differs = k.differs,
        errors = r.errors || k.wrong
    FROM known k WHERE r.import_id = :id AND r.number = k.number
    """
).bindparams(_ID, _ROOT, _ROOT_ID)
_PARENTS = text(
    """
    WITH ranks (level, rank) AS (SELECT * FROM unnest(:levels) WITH ORDINALITY),
    parents AS (
        SELECT DISTINCT ON (code) code, level FROM unit_import_rows
        WHERE import_id = :id AND seen_version IS NULL ORDER BY code, number
    ),
    judged AS (
        SELECT r.number, array_remove(ARRAY[
            CASE WHEN r.parent_code IS NULL THEN '新单位缺少“上级单位代码”'
                 WHEN r.parent_code = r.code THEN '上级单位不能是该单位自己'
                 WHEN p.id IS NULL AND f.code IS NULL
                      THEN format('上级单位 %s 不存在，文件中也没有', r.parent_code)
                 WHEN p.status = 'closed' THEN format('上级单位 %s 已撤销', r.parent_code)
                 WHEN p.id IS NOT NULL AND NOT p.path <@ text2ltree(:root)
                      THEN format('上级单位 %s 不在管辖范围内', r.parent_code)
                 WHEN u.id IS NOT NULL AND p.path <@ u.path THEN '新的上级单位现在是该单位的下级' END,
            CASE WHEN child.rank < above.rank OR (child.rank = above.rank AND r.kind <> 'nutrition')
                 THEN format('“层级”必须低于上级单位 %s', r.parent_code) END
        ], NULL) AS wrong
        FROM unit_import_rows r
        LEFT JOIN units p ON p.code = r.parent_code
        LEFT JOIN parents f ON f.code = r.parent_code
        LEFT JOIN units u ON r.moves AND u.id = r.unit_id
        LEFT JOIN ranks child ON child.level = r.level
        LEFT JOIN ranks above ON above.level = coalesce(p.level, f.level)
        WHERE r.import_id = :id AND (r.seen_version IS NULL OR r.moves)
    )
    UPDATE unit_import_rows r SET errors = r.errors || j.wrong
    FROM judged j WHERE r.import_id = :id AND r.number = j.number AND j.wrong <> '{}'
    """
).bindparams(_ID, _ROOT, _LEVELS)
# What is below a new unit that cannot be opened cannot be opened either.
_BELOW_WRONG = text(
    """
    WITH RECURSIVE below AS (
        SELECT c.number, c.code, w.number AS because
        FROM unit_import_rows w JOIN unit_import_rows c ON c.import_id = :id AND c.parent_code = w.code
        WHERE w.import_id = :id AND w.seen_version IS NULL AND w.errors <> '{}'
          AND (c.seen_version IS NULL OR c.moves) AND c.number <> w.number
        UNION
        SELECT c.number, c.code, b.number
        FROM below b JOIN unit_import_rows o ON o.import_id = :id AND o.number = b.number
                                            AND o.seen_version IS NULL
        JOIN unit_import_rows c ON c.import_id = :id AND c.parent_code = b.code
        WHERE (c.seen_version IS NULL OR c.moves) AND c.number <> b.number
    ),
    once AS (SELECT number, min(because) AS because FROM below GROUP BY number)
    UPDATE unit_import_rows r SET errors = r.errors || format('上级单位所在的第 %s 行有错误', o.because)
    FROM once o WHERE r.import_id = :id AND r.number = o.number
    """
).bindparams(_ID)
# A new unit whose chain of new superiors does not end at an existing unit is in a circle.
_RESULTS = text(
    """
    WITH RECURSIVE ordered AS (
        SELECT r.number, r.code, 1 AS depth
        FROM unit_import_rows r JOIN units p ON p.code = r.parent_code
        WHERE r.import_id = :id AND r.seen_version IS NULL AND r.errors = '{}'
        UNION ALL
        SELECT c.number, c.code, o.depth + 1
        FROM ordered o JOIN unit_import_rows c ON c.import_id = :id AND c.parent_code = o.code
        WHERE c.seen_version IS NULL AND c.errors = '{}'
    ),
    moving AS (
        SELECT r.number, coalesce(o.depth, 0) + 1 AS depth
        FROM unit_import_rows r LEFT JOIN ordered o ON o.code = r.parent_code
        WHERE r.import_id = :id AND r.moves AND r.errors = '{}'
    )
    UPDATE unit_import_rows r
    SET depth = coalesce(o.depth, m.depth, 0),
        errors = CASE WHEN r.seen_version IS NULL AND o.number IS NULL AND r.errors = '{}'
                      THEN r.errors || '上级单位的关系成循环'::text ELSE r.errors END,
        result = CASE WHEN r.errors <> '{}' THEN 'wrong'
                      WHEN r.seen_version IS NULL THEN CASE WHEN o.number IS NULL THEN 'wrong' ELSE 'new' END
                      WHEN r.moves OR r.differs THEN 'changed' ELSE 'unchanged' END
    FROM unit_import_rows s
    LEFT JOIN ordered o ON o.number = s.number
    LEFT JOIN moving m ON m.number = s.number
    WHERE s.import_id = :id AND r.import_id = :id AND r.number = s.number
    """
).bindparams(_ID)
_COUNTS = text(
    """
    SELECT count(*), count(*) FILTER (WHERE result = 'new'), count(*) FILTER (WHERE result = 'changed'),
           count(*) FILTER (WHERE result = 'unchanged'), count(*) FILTER (WHERE result = 'wrong')
    FROM unit_import_rows WHERE import_id = :id
    """
).bindparams(_ID)


class CheckRepository:
    """Statements over all rows of one import."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def judge(self, of: UnitImport, root_path: str) -> None:
        """Judge all rows and count the results; they have not been judged yet."""
        values: dict[str, Any] = {
            "id": of.id,
            "root": root_path,
            "root_id": of.root_id,
            "levels": [level.value for level in Level],
        }
        # Statistics of the rows that have just been added, for plans that join all of them.
        await self._session.execute(text("ANALYZE unit_import_rows"))
        # The plans of this service are made for single rows otherwise.
        await self._session.execute(text("SET LOCAL plan_cache_mode = 'force_custom_plan'"))
        await self._session.execute(text("SET LOCAL work_mem = '64MB'"))
        for statement, names in (
            (_DUPLICATES, ("id",)),
            (_EXISTING, ("id", "root", "root_id")),
            (_PARENTS, ("id", "root", "levels")),
            (_BELOW_WRONG, ("id",)),
            (_RESULTS, ("id",)),
        ):
            await self._session.execute(statement, {name: values[name] for name in names})
        counts = (await self._session.execute(_COUNTS, {"id": of.id})).one()
        of.total, of.new, of.changed, of.unchanged, of.wrong = counts
